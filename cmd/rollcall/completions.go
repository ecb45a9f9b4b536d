package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// completionsCommand prints a script that completes rollcall's words. The
// words come from the grammar itself, so they cannot be out of date.
type completionsCommand struct {
	Shell string `arg:"" help:"Your shell: bash, zsh or fish."`
}

func (c *completionsCommand) check(f *faults) {
	if !slices.Contains([]string{"bash", "zsh", "fish"}, c.Shell) {
		f.add("SHELL", c.Shell, "give bash, zsh or fish")
	}
}

// Run prints the script for the shell.
func (c *completionsCommand) Run(con *console, k *kong.Kong) error {
	words := map[string][]string{}
	collect(k.Model.Node, "", words)
	paths := make([]string, 0, len(words))
	for p := range words {
		paths = append(paths, p)
	}
	slices.Sort(paths)
	if c.Shell == "fish" {
		return fish(con.out, paths, words)
	}
	if c.Shell == "zsh" {
		fmt.Fprintln(con.out, "#compdef rollcall\nautoload -U +X bashcompinit && bashcompinit")
	}
	return bash(con.out, paths, words)
}

// collect maps each command's path, such as "grades import", to the words that
// may follow: its commands, then its flags.
func collect(n *kong.Node, path string, words map[string][]string) {
	var next []string
	for _, child := range n.Children {
		if child.Hidden {
			continue
		}
		next = append(next, child.Name)
		collect(child, strings.TrimSpace(path+" "+child.Name), words)
	}
	for _, f := range n.Flags {
		if !f.Hidden {
			next = append(next, "--"+f.Name)
		}
	}
	words[path] = next
}

// bash prints a function that finds the command typed so far and offers what
// may follow it; flags only once a dash was typed.
func bash(w io.Writer, paths []string, words map[string][]string) error {
	_, _ = io.WriteString(w, `_rollcall() {
  local path="" word offer="" current=${COMP_WORDS[COMP_CWORD]}
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) path="${path:+$path }$word" ;; esac
  done
  while :; do
    case "$path" in
`)
	for _, p := range paths {
		fmt.Fprintf(w, "      %q) offer=%q; break ;;\n", p, strings.Join(words[p], " "))
	}
	_, err := io.WriteString(w, `    esac
    case "$path" in *" "*) path=${path% *} ;; *) path="" ;; esac
  done
  case "$current" in
    -*) mapfile -t COMPREPLY < <(compgen -W "$offer" -- "$current") ;;
    *) mapfile -t COMPREPLY < <(compgen -W "$(printf '%s\n' $offer | grep -v '^-')" -- "$current") ;;
  esac
}
complete -o default -F _rollcall rollcall
`)
	return err
}

// fish prints one line a command; fish itself sorts flags from words.
func fish(w io.Writer, paths []string, words map[string][]string) error {
	fmt.Fprintln(w, "complete -c rollcall -e")
	for _, p := range paths {
		when := "__fish_use_subcommand"
		if p != "" {
			seen := make([]string, 0, 2)
			for _, word := range strings.Fields(p) {
				seen = append(seen, "__fish_seen_subcommand_from "+word)
			}
			when = strings.Join(seen, "; and ")
		}
		for _, word := range words[p] {
			arg := "-a " + word
			if flag, ok := strings.CutPrefix(word, "--"); ok {
				arg = "-l " + flag
			}
			if _, err := fmt.Fprintf(w, "complete -c rollcall -n %q %s\n", when, arg); err != nil {
				return err
			}
		}
	}
	return nil
}
