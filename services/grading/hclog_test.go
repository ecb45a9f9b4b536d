package grading

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
)

func TestRaftsComplaintsAreThinnedOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		b := newBridge(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelInfo})))
		for range 100 {
			b.Named("net").With("part", "x").Error("failed to heartbeat to", "peer", raft.ServerAddress("n2"), "error", "gone")
			time.Sleep(100 * time.Millisecond)
		}
		b.Error("failed to heartbeat to", "peer", raft.ServerAddress("n3"))
		b.Info("entering follower state", "follower", "n1")
		time.Sleep(repeatEvery)
		b.Error("failed to heartbeat to", "peer", raft.ServerAddress("n2"))
		if n := strings.Count(out.String(), "peer=n2"); n != 2 {
			t.Errorf("said %d times of n2, want once each %v:\n%s", n, repeatEvery, &out)
		}
		if n := strings.Count(out.String(), "level=WARN"); n != 3 || strings.Contains(out.String(), "follower state") {
			t.Errorf("raft's errors are our warnings and its chatter is debug:\n%s", &out)
		}
	})
}
