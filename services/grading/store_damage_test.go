package grading

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A log store that lost its end, or was written over, keeps the node from
// starting. It never ends the process in the middle of a read.
func TestDamagedStoreIsRefused(t *testing.T) {
	t.Parallel()
	for name, harm := range map[string]func(path string) error{
		"emptied":      func(path string) error { return os.Truncate(path, 0) },
		"one byte":     func(path string) error { return os.Truncate(path, 1) },
		"one page":     func(path string) error { return os.Truncate(path, 4096) },
		"three pages":  func(path string) error { return os.Truncate(path, 3*4096) },
		"written over": func(path string) error { return os.WriteFile(path, make([]byte, 64<<10), 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "grading")
			s, err := openStore(dir, "n1", newBridge(noLog))
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if err := harm(filepath.Join(dir, "raft.db")); err != nil {
				t.Fatal(err)
			}
			_, err = openStore(dir, "n1", newBridge(noLog))
			if err == nil || !strings.Contains(err.Error(), "is damaged") || !strings.Contains(err.Error(), "leave --id n1") {
				t.Errorf("openStore: %v, want the damage and what to do", err)
			}
		})
	}
}
