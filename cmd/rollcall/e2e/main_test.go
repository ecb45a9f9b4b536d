package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// binary is the rollcall that every story runs.
var binary string

// TestMain builds the binary once, as a user would.
func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "rollcall-e2e-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		binary = filepath.Join(dir, "rollcall")
		if out, err := exec.Command("go", "build", "-C", "..", "-o", binary, ".").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
			return 1
		}
		code := m.Run()
		if !testing.Verbose() {
			for _, line := range measurements {
				fmt.Println(line)
			}
		}
		return code
	}())
}

// measurements are printed at the end: what was measured is half of what these
// stories are for.
var measurements []string

// measured tells how long something took. Stories run one after the other.
func measured(t testing.TB, format string, args ...any) {
	t.Helper()
	t.Logf(format, args...)
	measurements = append(measurements, fmt.Sprintf(format, args...))
}

// eventually waits for a fact: it asks until check returns nil, and fails the
// test with the last answer when limit is over. It returns how long that took.
func eventually(t testing.TB, limit time.Duration, what string, check func() error) time.Duration {
	t.Helper()
	took, err := await(limit, check)
	if err != nil {
		t.Fatalf("%s: not within %v: %v", what, limit, err)
	}
	return took
}

// await is eventually for goroutines, which may not end a test. It is the only
// place in this package that sleeps.
func await(limit time.Duration, check func() error) (time.Duration, error) {
	start := time.Now()
	for {
		err := check()
		took := time.Since(start)
		if err == nil || took > limit {
			return took, err
		}
		time.Sleep(15 * time.Millisecond)
	}
}

// round makes a measured time readable.
func round(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
