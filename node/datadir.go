package node

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// dataDir is everything a node keeps on disk. One process at a time holds it.
//
//	lock    held by flock while a node runs; says its pid
//	id      the node's id, made once: a wiped disk is a new node
//	peers   last known cluster addresses, for a start before gossip knows any
//	raft/   the gradebook's log and snapshots
//	spool/  log records that are not yet replicated
//	logs/   log batches of the whole cluster, where the log role is served
type dataDir struct {
	path string
	id   string
	lock *os.File
}

// ErrInUse is for a data directory that another running node holds.
var ErrInUse = errors.New("the data directory is in use")

// openDataDir makes, locks and reads the directory at path.
func openDataDir(path string) (*dataDir, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("data-dir %q: %w", path, err)
	}
	lock, err := os.OpenFile(filepath.Join(path, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data-dir %q: %w", path, err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder, _ := os.ReadFile(lock.Name())
		lock.Close()
		return nil, fmt.Errorf("data-dir %q: %w by the agent with pid %s: stop it, or choose another directory", path, ErrInUse, strings.TrimSpace(string(holder)))
	}
	d := &dataDir{path: path, lock: lock}
	if err := errors.Join(lock.Truncate(0), writeAt(lock, strconv.Itoa(os.Getpid())+"\n")); err != nil {
		d.Close()
		return nil, fmt.Errorf("data-dir %q: %w", path, err)
	}
	if d.id, err = nodeID(filepath.Join(path, "id")); err != nil {
		d.Close()
		return nil, fmt.Errorf("data-dir %q: %w", path, err)
	}
	return d, nil
}

// Close lets another process have the directory.
func (d *dataDir) Close() error { return d.lock.Close() }

func (d *dataDir) join(name string) string { return filepath.Join(d.path, name) }

// nodeID reads the id at path, or makes one: 16 characters of a–z and 2–7, 80
// random bits, fit for a DNS label, which is where certificates carry it.
func nodeID(path string) (string, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		id := strings.ToLower(rand.Text()[:16])
		return id, writeFile(path, id+"\n")
	}
	if err != nil {
		return "", err
	}
	id := strings.TrimSpace(string(text))
	if len(id) != 16 || strings.Trim(id, "abcdefghijklmnopqrstuvwxyz234567") != "" {
		return "", fmt.Errorf("id file %s: %q is not a node id: restore the file, or start with an empty directory to join as a new node", path, id)
	}
	return id, nil
}

// writeFile replaces the file at path so that a crash leaves the old content
// or the new, never a mixture (rename is atomic; both syncs make it last).
func writeFile(path, content string) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	_, err = f.WriteString(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func writeAt(f *os.File, content string) error {
	_, err := f.WriteAt([]byte(content), 0)
	return err
}
