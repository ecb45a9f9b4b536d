//go:build !linux

package e2e

import "os/exec"

// diesWithUs is for Linux; elsewhere a test that is killed leaves its nodes.
func diesWithUs(*exec.Cmd) {}
