package grading

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/raft"
)

func TestStoreBelongsToOneNode(t *testing.T) {
	t.Parallel()
	log := newBridge(noLog)
	open := func(dir, id string) (*store, error) { return openStore(dir, id, log) }
	fresh := func(t *testing.T, used bool) string {
		t.Helper()
		dir := filepath.Join(t.TempDir(), "grading")
		s, err := open(dir, "n1")
		if err != nil {
			t.Fatal(err)
		}
		if used {
			if err := s.logs.StoreLog(&raft.Log{Index: 1, Term: 1}); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	for _, tc := range []struct {
		name string
		used bool
		id   string
		do   func(dir string) error
		says string // empty: it opens
	}{
		{"again", true, "n1", func(string) error { return nil }, ""},
		{"another node", true, "n2", func(string) error { return nil }, "belongs to node n1"},
		{"store lost", true, "n1", os.RemoveAll, "rollcall leave --id n1"},
		{"log lost", true, "n1", func(dir string) error { return os.Remove(filepath.Join(dir, "raft.db")) }, "is not there"},
		{"marker lost", true, "n1", func(dir string) error { return os.Remove(dir + ".id") }, "is gone"},
		{"marker lost before use", false, "n1", func(dir string) error { return os.Remove(dir + ".id") }, ""},
		{"marker empty", true, "n1", func(dir string) error { return os.WriteFile(dir+".id", nil, 0o600) }, "is empty"},
		{"store of another", true, "n2", func(dir string) error { return os.WriteFile(dir+".id", []byte("n2\n"), 0o600) }, "belongs to node n1, this is node n2"},
		{"no database", true, "n1", func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "raft.db"), []byte("not bolt, not at all"), 0o600)
		}, "raft.db"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			dir := fresh(t, tc.used)
			if err := tc.do(dir); err != nil {
				t.Fatal(err)
			}
			s, err := open(dir, tc.id)
			if err == nil {
				err = s.Close()
				if tc.says != "" {
					t.Fatalf("opened; want an error that says %q", tc.says)
				}
			}
			if tc.says == "" && err != nil || tc.says != "" && !strings.Contains(err.Error(), tc.says) {
				t.Fatalf("got %v, want an error that says %q", err, tc.says)
			}
		})
	}
	t.Run("twice at once", func(t *testing.T) {
		t.Parallel()
		dir := fresh(t, false)
		s, err := open(dir, "n1")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = s.Close() }()
		if _, err := open(dir, "n1"); err == nil || !strings.Contains(err.Error(), "another agent") {
			t.Fatalf("got %v", err)
		}
	})
}

func TestConfigNamesEveryFault(t *testing.T) {
	t.Parallel()
	_, err := New(Config{Raft: RaftConfig{Heartbeat: 1, Election: 300e6, Lease: 400e6}})
	for _, says := range []string{"ID", "Dir", "Listener", "Dial", "Peers", "Members", "Keys", "heartbeat 1ns is too short", "lease 400ms is longer"} {
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("got %v, want it to name %s", err, says)
		}
	}
}
