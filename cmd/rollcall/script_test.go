package main

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) != "rollcall" { // as that, it runs inside a script, with the script's environment
		forget()
	}
	testscript.Main(m, map[string]func(){"rollcall": main})
}

// forget takes the developer's own cluster out of the environment: it is none
// of the tests' business.
func forget() {
	for _, pair := range os.Environ() {
		if name, _, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "ROLLCALL_") {
			_ = os.Unsetenv(name)
		}
	}
}

// TestScripts runs testdata/script/*.txtar: what a person types, against a
// real node in a process of its own.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"node":  func(ts *testscript.TestScript, _ bool, args []string) { startNode(t, ts, args) },
			"exits": exits,
		},
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
	})
}

// exits N COMMAND... runs a command that must end with exit code N.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	if neg || err != nil {
		ts.Fatalf("usage: exits N COMMAND...")
	}
	code := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		failed, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		code = failed.ExitCode()
	}
	if code != want {
		ts.Fatalf("exit code %d, want %d", code, want)
	}
}

var readyLine = regexp.MustCompile(`ready: .* (https?://\S+) `)

// node [FLAG...] starts a node of its own in $WORK/data, on free ports, and
// points ROLLCALL_NODE and ROLLCALL_SECRET_FILE at it. When the script ends the
// node is told to stop, and must do so in good order.
func startNode(t *testing.T, ts *testscript.TestScript, args []string) {
	data := ts.MkAbs("data")
	args = append([]string{
		"agent", "--dev", "--name", "n1", "--data-dir", data,
		"--http", "127.0.0.1:0", "--cluster", "127.0.0.1:0", "--gossip", "127.0.0.1:0",
	}, args...)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	cmd := exec.CommandContext(ctx, "rollcall", args...)
	errs, err := os.Create(ts.MkAbs("node.stderr"))
	ts.Check(err)
	cmd.Stderr = errs
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	lines := bufio.NewScanner(out)
	var url string
	for url == "" && lines.Scan() {
		if m := readyLine.FindStringSubmatch(lines.Text()); m != nil {
			url = m[1]
		}
	}
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		for lines.Scan() {
		}
	}()
	ts.Defer(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-drained
		err := cmd.Wait()
		cancel()
		_ = errs.Close()
		if err != nil {
			said, _ := os.ReadFile(errs.Name())
			t.Errorf("%s: the node did not stop in good order: %v\n%s", ts.Name(), err, said)
		}
	})
	if url == "" {
		said, _ := os.ReadFile(errs.Name())
		ts.Fatalf("the node is not ready: %s", said)
	}
	ts.Setenv("ROLLCALL_NODE", url)
	ts.Setenv("ROLLCALL_SECRET_FILE", filepath.Join(data, "secret"))
}
