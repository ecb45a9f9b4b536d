package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// clusterScript runs scripts/cluster.sh with a state directory of its own and
// returns its exit code and all that it said.
func clusterScript(t *testing.T, dir string, port int, args ...string) (int, string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "../../scripts/cluster.sh", args...)
	cmd.Env = append(os.Environ(), "ROLLCALL_CLUSTER_DIR="+dir, fmt.Sprintf("ROLLCALL_PORT=%d", port))
	out, err := cmd.CombinedOutput()
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		return failed.ExitCode(), string(out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return 0, string(out)
}

// state makes a state directory of one node, whose process is said to be pid.
func state(t *testing.T, pid string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"nodes": "1\n", "n1/pid": pid + "\n", "n1/output": "", "rollcall-cluster": "", "bin/rollcall": "#!/bin/sh\nexit 1\n"} {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestClusterScriptNeverKillsAStranger gives the script a process id that is
// in use again by something that it did not start.
func TestClusterScriptNeverKillsAStranger(t *testing.T) {
	t.Parallel()
	stranger := exec.CommandContext(t.Context(), "sleep", "60")
	if err := stranger.Start(); err != nil {
		t.Fatal(err)
	}
	dir := state(t, fmt.Sprintf("%d 12345", stranger.Process.Pid))
	for _, args := range [][]string{{"kill", "n1"}, {"pause", "n1"}, {"down"}} {
		code, said := clusterScript(t, dir, 8500, args...)
		if want := map[bool]int{true: 0, false: 1}[args[0] == "down"]; code != want {
			t.Errorf("%v: exit %d, want %d: %s", args, code, want, said)
		}
	}
	// Only this signal ends it, if no other came before.
	if err := stranger.Process.Signal(syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	_ = stranger.Wait()
	if got := stranger.ProcessState.Sys().(syscall.WaitStatus).Signal(); got != syscall.SIGUSR1 {
		t.Errorf("the stranger was ended by %v", got)
	}
}

func TestClusterScriptNamesWhoHoldsAPort(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	port := ln.Addr().(*net.TCPAddr).Port
	code, said := clusterScript(t, state(t, "1 1"), port, "start", "n1")
	want := fmt.Sprintf("port %d for n1 is held by process %d ", port, os.Getpid())
	if code != 1 || !strings.Contains(said, want) || !strings.Contains(said, "ROLLCALL_PORT") {
		t.Errorf("exit %d, want 1 and %q:\n%s", code, want, said)
	}
}

func TestClusterScriptRefusesBadInput(t *testing.T) {
	t.Parallel()
	none, one, moved := t.TempDir(), state(t, "1 1"), state(t, "1 1")
	if err := os.WriteFile(filepath.Join(moved, "port"), []byte("9500\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		dir, args, want string
		port            int
	}{
		{none, "status", "make one with: scripts/cluster.sh up", 8500},
		{none, "up many", `N: "many": give a number of nodes`, 8500},
		{none, "up 0", `N: "0"`, 8500},
		{none, "help", "usage:", 8500},
		{none, "down", "", 8500},
		{none, "up", `ROLLCALL_PORT: "80"`, 80},
		{one, "kill", `NODE: "": give one of: n1`, 8500},
		{one, "kill n2", `NODE: "n2"`, 8500},
		{one, "kill n1/../..", "NODE", 8500},
		{one, "dance", "no such command", 8500},
		{one, "demo", "demo needs 3 nodes", 8500},
		{moved, "status", `ROLLCALL_PORT: "8500": the cluster in`, 8500},
		{one, "down --all", "--wipe or nothing", 8500},
	} {
		want := 2
		if tc.args == "help" || tc.args == "down" {
			want = 0
		}
		if code, said := clusterScript(t, tc.dir, tc.port, strings.Fields(tc.args)...); code != want || !strings.Contains(said, tc.want) {
			t.Errorf("%s: exit %d, want %d and %q:\n%s", tc.args, code, want, tc.want, said)
		}
	}
	if _, err := os.Stat(filepath.Join(none, "bin")); err == nil {
		t.Error("bad input left something behind")
	}
}
