package grading

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	boltdb "github.com/hashicorp/raft-boltdb/v2"
	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// keyNode is where the log store carries the id of the node it belongs to.
var keyNode = []byte("rollcall node id")

// logCache is how many recent entries stay in memory for followers.
const logCache = 512

// store is raft's place on disk: log and votes in bolt, snapshots in files.
//
//	grading.id           the node's id: "this node has a store"
//	grading/raft.db      log, term, vote, and the node's id again
//	grading/snapshots/   the last two
//
// The two notes of the id check each other. Raft's safety rests on a disk that
// forgets nothing: a voter that comes back under its old id with an empty log
// can vote a grade away that it helped to commit (in a trial 20 of 20
// acknowledged writes were lost that way). So one without the other is refused.
type store struct {
	bolt      *boltdb.BoltStore
	disk      *disk // bolt, as raft writes to it
	logs      raft.LogStore
	snapshots raft.SnapshotStore
	pin       *pin // the one gradebook it is for
	used      bool // raft has state here
}

// openStore opens or makes the store of node id in dir.
func openStore(dir, id string, log hclog.Logger) (*store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("grading: store: %w", err)
	}
	marker, db := dir+".id", filepath.Join(dir, "raft.db")
	noted, err := readMarker(marker)
	if err != nil {
		return nil, err
	}
	if noted != "" && noted != id {
		return nil, fmt.Errorf("grading: %s belongs to node %s, this is node %s: give each node its own --data-dir", marker, noted, id)
	}
	info, err := os.Stat(db)
	if missing := errors.Is(err, os.ErrNotExist); missing && noted != "" {
		return nil, fmt.Errorf("grading: %s says that node %s has a raft store, but %s is not there: restore it; or, if it is lost, run `rollcall leave --id %s` on another node, remove the whole data directory, and start this node as a new one", marker, id, db, id)
	} else if err != nil && !missing {
		return nil, fmt.Errorf("grading: store: %w", err)
	}
	if err == nil && (noted != "" || info.Size() > 0) { // an empty one without a note was being made when the node died
		if err := whole(db); err != nil {
			return nil, damaged(db, id, err)
		}
	}
	s := &store{}
	s.bolt, err = boltdb.New(boltdb.Options{Path: db, BoltOptions: &bbolt.Options{NoFreelistSync: true, Timeout: time.Second}, MsgpackUseNewTimeFormat: true})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, fmt.Errorf("grading: %s is locked: another agent uses this data directory", db)
	}
	if err != nil {
		return nil, damaged(db, id, err)
	}
	if err := s.open(dir, id, marker, noted, log); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// whole checks that no page is cut off the end of the file at db. Bolt does
// not: it maps the file and would read beyond its end, which ends the process;
// and it takes a file of no bytes for a new one.
func whole(db string) error {
	b, err := bbolt.Open(db, 0o600, &bbolt.Options{ReadOnly: true, Timeout: time.Second})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil // in use, which opening it says better
	}
	if err != nil {
		return err
	}
	defer b.Close()
	return b.View(func(tx *bbolt.Tx) error {
		info, err := os.Stat(db)
		if err == nil && info.Size() < tx.Size() {
			err = fmt.Errorf("it has %d bytes and should have %d", info.Size(), tx.Size())
		}
		return err
	})
}

// damaged says what to do about a log store that cannot be read.
func damaged(db, id string, err error) error {
	return fmt.Errorf("grading: the log store %s is damaged: %w: restore it; or run `rollcall leave --id %s` on another node, remove the whole data directory, and start this node as a new one", db, err, id)
}

func (s *store) open(dir, id, marker, noted string, log hclog.Logger) (err error) {
	s.disk = &disk{BoltStore: s.bolt, ending: make(chan struct{})}
	if s.logs, err = raft.NewLogCache(logCache, s.disk); err != nil {
		return fmt.Errorf("grading: log cache: %w", err)
	}
	if s.snapshots, err = raft.NewFileSnapshotStoreWithLogger(dir, 2, log); err != nil {
		return fmt.Errorf("grading: snapshots in %s: %w", dir, err)
	}
	if s.used, err = raft.HasExistingState(s.bolt, s.bolt, s.snapshots); err != nil {
		return fmt.Errorf("grading: store in %s: %w", dir, err)
	}
	if s.pin, err = newPin(s.bolt); err != nil {
		return err
	}
	return s.claim(dir, id, marker, noted)
}

// claim checks whose store this is, and notes it in a new one. A crash between
// the two notes leaves an unused store, which may be claimed again.
func (s *store) claim(dir, id, marker, noted string) error {
	owner, err := s.bolt.Get(keyNode)
	if err != nil && !errors.Is(err, boltdb.ErrKeyNotFound) {
		return fmt.Errorf("grading: owner of the store in %s: %w", dir, err)
	}
	switch {
	case len(owner) > 0 && string(owner) != id:
		return fmt.Errorf("grading: the raft store in %s belongs to node %s, this is node %s: put the right one back, or remove the whole data directory to join as a new node", dir, owner, id)
	case noted == "" && s.used:
		return fmt.Errorf("grading: %s holds the raft store of node %s, but %s, which should note it, is gone: if this is that node's own data directory, write the id into the file; otherwise remove the whole data directory", dir, owner, marker)
	case len(owner) == 0 && s.used:
		return fmt.Errorf("grading: the raft store in %s does not say whose it is: remove the whole data directory to join as a new node", dir)
	}
	if len(owner) == 0 {
		if err := s.bolt.Set(keyNode, []byte(id)); err != nil {
			return fmt.Errorf("grading: store in %s: %w", dir, err)
		}
	}
	if noted != "" {
		return nil
	}
	return writeMarker(marker, id)
}

// Close closes the log.
func (s *store) Close() error {
	if err := s.bolt.Close(); err != nil {
		return fmt.Errorf("grading: close store: %w", err)
	}
	return nil
}

func readMarker(path string) (string, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("grading: %w", err)
	}
	if id := strings.TrimSpace(string(b)); id != "" {
		return id, nil
	}
	return "", fmt.Errorf("grading: %s is empty: write the node's id into it, or remove the whole data directory", path)
}

// writeMarker writes the file so that it is whole or not there, whenever the
// power goes.
func writeMarker(path, id string) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("grading: %w", err)
	}
	_, err = tmp.WriteString(id + "\n")
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("grading: %s: %w", path, errors.Join(err, os.Remove(tmp.Name())))
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("grading: %w", err)
	}
	if err := errors.Join(dir.Sync(), dir.Close()); err != nil {
		return fmt.Errorf("grading: %s: %w", path, err)
	}
	return nil
}
