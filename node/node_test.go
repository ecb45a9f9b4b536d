package node_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/distributedgo/rollcall/node"
)

// start runs a --dev node until the test ends and returns it.
func start(t *testing.T, dir string) *node.Node {
	t.Helper()
	cfg := node.DefaultConfig()
	cfg.Name, cfg.DataDir, cfg.Dev = "solo", dir, true
	cfg.HTTP, cfg.Cluster, cfg.Gossip = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	cfg.Stderr = t.Output()
	n, err := node.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("the node ended with %v", err)
		}
	})
	for deadline := time.Now().Add(time.Minute); ; {
		if status, body := get(t, n.URL()+"/readyz"); status == http.StatusOK {
			return n
		} else if time.Now().After(deadline) {
			t.Fatalf("not ready: %d %s", status, body)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func TestOneNodeServesEverything(t *testing.T) {
	t.Parallel()
	n := start(t, filepath.Join(t.TempDir(), "data"))
	if !strings.Contains(n.Ready(), n.URL()) || !strings.Contains(n.Ready(), n.ID()) {
		t.Errorf("the ready line %q does not tell address and id", n.Ready())
	}
	for path, want := range map[string]struct {
		status int
		says   string
	}{
		"/healthz":         {200, "ok"},
		"/metrics":         {200, `rollcall_members{status="alive"} 1`},
		"/v1/cluster":      {200, `"name":"solo"`},
		"/v1/logs?limit=1": {200, `"complete":`},
		"/v1/openapi.json": {200, `/gradebook"`},
		"/v1/courses":      {401, "sign in"},
		"/v1/nowhere":      {404, `"status":404`},
		"/debug/pprof/":    {401, "sign in"},
		"/signin":          {200, "<form"},
	} {
		if status, body := get(t, n.URL()+path); status != want.status || !strings.Contains(body, want.says) {
			t.Errorf("%s: got %d %.300s\nwant %d that says %s", path, status, body, want.status, want.says)
		}
	}
}

func TestLibrariesMetricsAreThere(t *testing.T) {
	t.Parallel()
	n := start(t, filepath.Join(t.TempDir(), "data"))
	if _, body := get(t, n.URL()+"/metrics"); !strings.Contains(body, "rollcall_raft_") || !strings.Contains(body, "go_goroutines") {
		t.Errorf("no metrics of raft or of the runtime in %.500s", body)
	}
}

func TestAgentRefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*node.Config)
		says   string
	}{
		"no secret":      {func(c *node.Config) { c.Dev = false }, "rollcall secret new"},
		"damaged secret": {func(c *node.Config) { c.Secret = "rcs_short" }, "ROLLCALL_SECRET"},
		"no such file":   {func(c *node.Config) { c.SecretFile = "/nowhere/secret" }, "/nowhere/secret"},
		"port taken":     {func(c *node.Config) { c.HTTP = "127.0.0.1:1" }, "127.0.0.1:1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := node.DefaultConfig()
			cfg.Name, cfg.DataDir, cfg.Dev, cfg.Stderr = "solo", t.TempDir(), true, &bytes.Buffer{}
			cfg.HTTP, cfg.Cluster, cfg.Gossip = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
			if name == "port taken" {
				taken := start(t, filepath.Join(t.TempDir(), "data"))
				cfg.HTTP, tc.says = taken.Addr(), taken.Addr()
			} else {
				tc.change(&cfg)
			}
			n, err := node.New(cfg)
			if err == nil {
				n.Kill()
				t.Fatal("it starts")
			}
			if !strings.Contains(err.Error(), tc.says) {
				t.Errorf("got %v, want it to say %s", err, tc.says)
			}
		})
	}
}
