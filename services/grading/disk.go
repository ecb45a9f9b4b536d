package grading

import (
	"errors"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/raft"
	boltdb "github.com/hashicorp/raft-boltdb/v2"
)

// diskPause is how long a write of the term waits before it is tried again.
const diskPause = 250 * time.Millisecond

// disk is the log store as raft sees it, and notes whether it can be written.
// Raft itself only logs it: a follower that cannot append goes on hearing
// heartbeats and looks well, and a leader steps down and says no more. So this
// is where a full disk is seen, and the next append that succeeds is how it is
// seen to be over; the leader repeats what a follower has not taken, and a
// leader's first entry is written in every term.
//
// A term that cannot be written would end the process: raft panics. Here it
// waits instead, for room or for the stop. Until then this node answers no vote
// and no append, which is what a node that cannot write owes the others.
type disk struct {
	*boltdb.BoltStore
	fault  func() error  // tests: what a write meets before it reaches the file
	told   func(error)   // when a failure begins (an *diskError) or ends (nil)
	ending chan struct{} // closed when raft is being stopped

	mu     sync.Mutex
	failed error // guarded by mu: nil while writes succeed
}

var (
	_ raft.LogStore    = (*disk)(nil)
	_ raft.StableStore = (*disk)(nil)
)

// diskError says that this copy cannot write. It is ErrNotServing: whoever
// meets it may ask another node.
type diskError struct{ err error }

func (e *diskError) Error() string {
	text := e.err.Error()
	for _, full := range []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT} {
		// Bolt keeps nothing of some causes but their text.
		if errors.Is(e.err, full) || strings.Contains(text, full.Error()) {
			return "disk: " + full.Error() + "; this copy takes no part until there is room"
		}
	}
	return "disk: " + text + "; this copy takes no part until it can be written"
}

func (e *diskError) Unwrap() error        { return e.err }
func (e *diskError) Is(target error) bool { return target == ErrNotServing }

// err returns the failure that lasts, a *diskError, or nil.
func (d *disk) err() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.failed
}

// write has one write made and notes how it went.
func (d *disk) write(do func() error) error {
	err := error(nil)
	if d.fault != nil {
		err = d.fault()
	}
	if err == nil {
		err = do()
	}
	if err != nil {
		d.note(&diskError{err})
	}
	return err
}

// note takes a failure, or nil for the end of one, and tells of a change.
func (d *disk) note(failed error) {
	select {
	case <-d.ending:
		return // a store that is being closed fails too
	default:
	}
	d.mu.Lock()
	changed := (d.failed == nil) != (failed == nil)
	d.failed = failed
	d.mu.Unlock()
	if changed && d.told != nil {
		d.told(failed)
	}
}

// StoreLogs appends entries. That it succeeds is the proof that there is room.
func (d *disk) StoreLogs(logs []*raft.Log) error {
	err := d.write(func() error { return d.BoltStore.StoreLogs(logs) })
	if err == nil {
		d.note(nil)
	}
	return err
}

// StoreLog appends one entry.
func (d *disk) StoreLog(log *raft.Log) error { return d.StoreLogs([]*raft.Log{log}) }

// DeleteRange takes entries away, at the end or those that a snapshot holds.
func (d *disk) DeleteRange(from, to uint64) error {
	return d.write(func() error { return d.BoltStore.DeleteRange(from, to) })
}

// Set keeps a vote.
func (d *disk) Set(k, v []byte) error {
	return d.write(func() error { return d.BoltStore.Set(k, v) })
}

// keyTerm is the name under which raft keeps the term (raft.go, keyCurrentTerm).
const keyTerm = "CurrentTerm"

// SetUint64 keeps the term of a vote, or the current term, for which it waits.
func (d *disk) SetUint64(k []byte, v uint64) error {
	for {
		err := d.write(func() error { return d.BoltStore.SetUint64(k, v) })
		if err == nil || string(k) != keyTerm {
			return err
		}
		wait := time.NewTimer(diskPause)
		select {
		case <-wait.C:
		case <-d.ending:
			wait.Stop()
			// Neither answer would do: with an error raft panics, and without one it
			// votes in a term that a restart forgets. So its goroutine ends here, as
			// it is about to anyway; its deferred calls refuse what waits for it.
			runtime.Goexit()
		}
	}
}

// end lets go of a write that waits, before raft is stopped.
func (d *disk) end() { close(d.ending) }
