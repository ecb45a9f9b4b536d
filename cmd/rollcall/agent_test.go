package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/distributedgo/rollcall/node"
	"github.com/distributedgo/rollcall/node/secret"
)

// A node whom nobody lets in must not tell the service manager that it is
// ready: what depends on it would start.
func TestANodeWithAnotherSecretIsNeverReady(t *testing.T) {
	t.Parallel()
	cfg := node.DefaultConfig()
	cfg.Name, cfg.DataDir, cfg.Dev, cfg.Stderr = "n1", t.TempDir(), true, io.Discard
	cfg.HTTP, cfg.Cluster, cfg.Gossip = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	n, err := node.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	<-n.Started()

	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(secret.New().Text()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	code := run(t.Context(), []string{
		"agent", "--name", "n2", "--data-dir", t.TempDir(), "--secret-file", file, "--join", n.Self().Gossip, "--log-level", "error",
		"--http", "127.0.0.1:0", "--cluster", "127.0.0.1:0", "--gossip", "127.0.0.1:0",
	}, strings.NewReader(""), &out, &errs)
	if code != exitUsage || out.Len() > 0 {
		t.Errorf("exit code %d, stdout %q, want 2 and no ready line\n%s", code, &out, &errs)
	}
	if text := errs.String(); !strings.Contains(text, "another secret") || strings.Contains(text, "membership: membership") {
		t.Errorf("it says %s", text)
	}
}
