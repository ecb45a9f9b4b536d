package main

import (
	"strings"

	"github.com/alecthomas/kong"
)

// nameEnvironment gives each flag without one its environment variable:
// ROLLCALL_<COMMAND>_<FLAG>, as in ROLLCALL_LOGS_LIMIT. The agent's flags are
// the node's configuration and carry no command in their names, so a file of
// ROLLCALL_… lines is a node's configuration file. No name is spelled twice.
func nameEnvironment(k *kong.Kong) error {
	for _, n := range k.Model.Children {
		nameFlags(n, "")
	}
	return nil
}

func nameFlags(n *kong.Node, prefix string) {
	if n.Name != "agent" {
		prefix += n.Name + "_"
	}
	for _, f := range n.Flags {
		switch {
		case f.Name == "help" || len(f.Tag.Envs) > 0:
		default:
			name := strings.ToUpper(strings.NewReplacer("-", "_", ".", "_").Replace("rollcall_" + prefix + f.Name))
			f.Envs = append(f.Envs, name)
			f.Tag.Envs = append(f.Tag.Envs, name)
		}
	}
	for _, child := range n.Children {
		nameFlags(child, prefix)
	}
}
