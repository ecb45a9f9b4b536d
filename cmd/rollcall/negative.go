package main

import (
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

var negative = regexp.MustCompile(`^-\.?[0-9]`)

// negatives lets people give a negative number where a value is expected:
// kong takes -5 for the flag "5". Such arguments go to the end, behind a "--",
// after which nothing is a flag. A number right after a flag that takes a
// value stays, as it is that flag's.
func negatives(app *kong.Application, args []string) []string {
	end := slices.Index(args, "--")
	if end < 0 {
		end = len(args)
	}
	var kept, moved []string
	for i, arg := range args[:end] {
		if negative.MatchString(arg) && (i == 0 || !takesValue(app.Node, args[i-1])) {
			moved = append(moved, arg)
		} else {
			kept = append(kept, arg)
		}
	}
	if len(moved) == 0 {
		return args
	}
	kept = append(append(kept, "--"), moved...)
	if end < len(args) {
		kept = append(kept, args[end+1:]...)
	}
	return kept
}

// takesValue reports whether arg is a flag whose value is the next argument. A
// flag that no command has does: kong then says that it does not know it.
func takesValue(n *kong.Node, arg string) bool {
	name, long := strings.CutPrefix(arg, "--")
	if !long || strings.Contains(name, "=") {
		return !long && len(arg) == 2 && arg[0] == '-' && !negative.MatchString(arg)
	}
	return !isSwitch(n, name)
}

// isSwitch reports whether a command at or below n has a flag of that name
// that takes no value.
func isSwitch(n *kong.Node, name string) bool {
	return slices.ContainsFunc(n.Flags, func(f *kong.Flag) bool { return f.Name == name && f.IsBool() }) ||
		slices.ContainsFunc(n.Children, func(c *kong.Node) bool { return isSwitch(c, name) })
}
