package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/distributedgo/rollcall/node"
)

// versionCommand says what this binary is.
type versionCommand struct {
	JSON bool `help:"Print JSON."`
}

// build is what a binary knows of its own making.
type build struct {
	Version  string `json:"version"`
	Revision string `json:"revision"`
	Changed  bool   `json:"changed"` // built from a tree that differs from the revision
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// Run prints the version, the commit, and what built it.
func (v *versionCommand) Run(c *console) error {
	b := thisBuild()
	if v.JSON {
		return printJSON(c.out, b)
	}
	line := "rollcall " + b.Version
	if b.Revision != "" {
		line += " (" + b.Revision[:min(12, len(b.Revision))]
		if b.Changed {
			line += ", changed"
		}
		line += ")"
	}
	_, err := fmt.Fprintln(c.out, line, b.Go, b.Platform)
	return err
}

// thisBuild reads what the Go tool wrote into the binary.
func thisBuild() build {
	b := build{Version: node.Version(), Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.modified":
			b.Changed = s.Value == "true"
		}
	}
	return b
}
