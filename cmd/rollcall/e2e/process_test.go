package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// process is one `rollcall agent`, and the next one with the same data after
// that has ended. Its addresses never change.
type process struct {
	name                  string
	http, cluster, gossip string // host:port
	dir                   string
	args                  []string

	cmd   *exec.Cmd
	ended chan struct{}            // closed when the process is gone
	err   error                    // how it ended; read after ended
	said  atomic.Pointer[[]string] // its standard output, line by line
}

func (p *process) data() string   { return filepath.Join(p.dir, "data") }
func (p *process) url() string    { return "http://" + p.http }
func (p *process) output() string { return filepath.Join(p.dir, "output") }

// start runs the agent and waits for its ready line.
func (p *process) start(t testing.TB) {
	t.Helper()
	if p.runs() {
		t.Fatalf("%s runs already", p.name)
	}
	log, err := os.OpenFile(p.output(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	must(t, err)
	p.cmd = exec.Command(binary, p.args...)
	p.cmd.Env = cleanEnvironment()
	p.cmd.Stderr = log
	diesWithUs(p.cmd)
	out, err := p.cmd.StdoutPipe()
	must(t, err)
	must(t, p.cmd.Start())
	p.ended = make(chan struct{})
	p.said.Store(&[]string{})
	go func(cmd *exec.Cmd, ended chan struct{}) {
		defer log.Close()
		defer close(ended)
		var lines []string
		for s := bufio.NewScanner(out); s.Scan(); {
			fmt.Fprintln(log, s.Text())
			lines = append(lines, s.Text())
			said := lines
			p.said.Store(&said)
		}
		p.err = cmd.Wait()
	}(p.cmd, p.ended)
	eventually(t, 20*time.Second, p.name+" prints its ready line", func() error {
		if !p.runs() {
			return fmt.Errorf("it ended: %v\n%s", p.err, p.tail(8))
		}
		if lines := *p.said.Load(); len(lines) == 0 || !strings.Contains(lines[0], "ready: node "+p.name) {
			return fmt.Errorf("it said %q", lines)
		}
		return nil
	})
}

// ready waits until the node says that its roles serve.
func (p *process) ready(t testing.TB) time.Duration {
	t.Helper()
	return eventually(t, 30*time.Second, p.name+" is ready", func() error {
		if !p.runs() {
			return fmt.Errorf("it ended: %v\n%s", p.err, p.tail(8))
		}
		answer, err := patient.Get(p.url() + "/readyz")
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			return fmt.Errorf("/readyz answers %s", answer.Status)
		}
		return nil
	})
}

// runs reports whether the process is there.
func (p *process) runs() bool {
	if p.cmd == nil {
		return false
	}
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// signal sends a signal; the process must run.
func (p *process) signal(t testing.TB, s syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatalf("%v to %s: %v", s, p.name, err)
	}
}

// kill ends the process with kill -9 and waits until it is gone.
func (p *process) kill(t testing.TB) {
	t.Helper()
	p.signal(t, syscall.SIGKILL)
	<-p.ended
}

// awaitEnd waits until the process has ended by itself.
func (p *process) awaitEnd(t testing.TB, limit time.Duration) time.Duration {
	t.Helper()
	return eventually(t, limit, p.name+" ends", func() error {
		if p.runs() {
			return errors.New("it still runs")
		}
		return nil
	})
}

// wipe takes the data of a process that has ended away.
func (p *process) wipe(t testing.TB) {
	t.Helper()
	must(t, os.RemoveAll(p.data()))
}

// count tells how often the process has written text to its output since it
// was first started.
func (p *process) count(text string) int {
	all, _ := os.ReadFile(p.output())
	return strings.Count(string(all), text)
}

// tail returns the last lines of the output.
func (p *process) tail(n int) string {
	all, _ := os.ReadFile(p.output())
	lines := strings.Split(strings.TrimSpace(string(all)), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// cleanEnvironment is ours without what it says of another cluster.
func cleanEnvironment(more ...string) []string {
	var env []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "ROLLCALL_") {
			env = append(env, v)
		}
	}
	return append(env, more...)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
