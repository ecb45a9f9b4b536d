package grading

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"github.com/distributedgo/rollcall/node/identity"
	"github.com/distributedgo/rollcall/services/grading/gradebook"
)

// fsm is the state machine that raft drives: the gradebook, the answers it
// remembers, its id, and the node ids that are retired. Raft calls Apply,
// StoreConfiguration, Snapshot and Restore from one goroutine; readers take
// the newest view, which never changes, and wait for nobody.
type fsm struct {
	log     *slog.Logger
	applied progress // log index of the last entry seen, an empty one too
	changed progress // log index of the last entry with a command or configuration

	mu        sync.Mutex // guards memory and, for recall, its place in time
	memory    *memory
	book      *gradebook.Book
	gradebook string    // id; empty until founded
	retired   []string  // node ids, sorted
	stamp     time.Time // of the newest command

	view   atomic.Pointer[reading]
	broken atomic.Pointer[error]
}

// reading is the whole state at one moment, for readers.
type reading struct {
	*gradebook.Frozen
	gradebook string
	retired   []string
	stamp     time.Time
}

var (
	_ raft.FSM                = (*fsm)(nil)
	_ raft.ConfigurationStore = (*fsm)(nil)
)

func newFSM(log *slog.Logger, memorySize int) *fsm {
	f := &fsm{log: log, memory: newMemory(memorySize), book: gradebook.New()}
	f.publish()
	return f
}

// publish makes the state readable.
func (f *fsm) publish() {
	f.view.Store(&reading{Frozen: f.book.Freeze(), gradebook: f.gradebook, retired: f.retired, stamp: f.stamp})
}

// failure returns why the state machine stopped, or nil.
func (f *fsm) failure() error {
	if err := f.broken.Load(); err != nil {
		return *err
	}
	return nil
}

// Apply applies one entry, which holds one command or many, and returns their
// outcomes as []any. It returns an error, and never applies anything again,
// when it meets what it does not understand: the other replicas may, and to go
// on without it would be to hold another gradebook under the same name.
func (f *fsm) Apply(l *raft.Log) any {
	if err := f.failure(); err != nil {
		return err
	}
	commands, err := splitEntry(l.Data)
	answers := make([]any, len(commands))
	f.mu.Lock()
	for i := 0; i < len(commands) && err == nil; i++ {
		answers[i], err = f.apply(l.Index, commands[i])
	}
	f.mu.Unlock()
	if err != nil {
		err = fmt.Errorf("grading: log index %d: %w", l.Index, err)
		f.broken.Store(&err)
		return err
	}
	if len(commands) > 0 {
		f.publish()
		f.changed.advance(l.Index)
	}
	f.applied.advance(l.Index)
	return answers
}

// StoreConfiguration only notes that the index was passed, for readers who
// wait for it.
func (f *fsm) StoreConfiguration(index uint64, _ raft.Configuration) {
	if f.failure() == nil {
		f.changed.advance(index)
		f.applied.advance(index)
	}
}

// apply applies one command. The caller holds mu.
func (f *fsm) apply(index uint64, b []byte) (outcome, error) {
	c, err := decodeCommand(b)
	if err != nil {
		return outcome{}, err
	}
	id := memoOf(c.Actor.Account, c.Key)
	if m, ok := f.memory.find(id); ok {
		return f.again(m, c.Request)
	}
	if c.At.After(f.stamp) {
		f.stamp = c.At
	}
	out, err := f.change(index, c)
	if err != nil {
		return outcome{}, err
	}
	answer, err := json.Marshal(shorten(out))
	if err != nil {
		return outcome{}, fmt.Errorf("answer to %s: %w", c.Kind, err)
	}
	f.memory.add(memo{id: id, request: c.Request, answer: answer})
	return out, nil
}

// change makes the change that a command asks for.
func (f *fsm) change(index uint64, c command) (outcome, error) {
	out := outcome{Index: index}
	payload, err := c.unpack()
	if err != nil {
		return out, err
	}
	switch c.Kind {
	case kindFound:
		err = f.found(c)
	case kindRetire:
		err = f.retire(c)
	default:
		var change gradebook.Change
		change, err = gradebook.Decode(c.Kind, payload)
		if errors.Is(err, gradebook.ErrUnknownKind) {
			return out, fmt.Errorf("command %s: %w", c.Kind, errTooNew)
		}
		if err == nil {
			out.Course = bulkCourse(change)
			out.Result, err = f.edit(index, c, change)
		}
	}
	if err == nil {
		return out, nil
	}
	if out.Fault = faultOf(err); out.Fault == nil {
		return out, fmt.Errorf("command %s: %w", c.Kind, err)
	}
	return out, nil
}

// edit checks the author's right once more and changes the book.
func (f *fsm) edit(index uint64, c command, change gradebook.Change) (gradebook.Result, error) {
	if err := authorise(f.book, c.Actor, change); err != nil {
		return gradebook.Result{}, err
	}
	name := c.Actor.Name
	if a, err := f.book.Account(c.Actor.Account); err == nil {
		name = a.Display
	}
	return f.book.Apply(change, gradebook.Meta{At: f.stamp, By: c.Actor.Account, ByName: name, Node: c.Node, Index: index})
}

// found gives the gradebook its id.
func (f *fsm) found(c command) error {
	var id string
	if err := json.Unmarshal(c.Payload, &id); err != nil || id == "" {
		return &fault{Code: faultInvalid, Text: "the gradebook's id is missing"}
	}
	if f.gradebook != "" {
		return &fault{Code: faultFounded, Text: fmt.Sprintf("gradebook %s is founded already", f.gradebook)}
	}
	f.gradebook = id
	return nil
}

// retire notes a node id that must never come back.
func (f *fsm) retire(c command) error {
	p, err := refresh(f.book, c.Actor)
	if err != nil {
		return err
	}
	if err := mayRetire(p); err != nil {
		return err
	}
	var id string
	if err := json.Unmarshal(c.Payload, &id); err != nil || id == "" {
		return &fault{Code: faultInvalid, Text: "the node's id is missing"}
	}
	if i, ok := slices.BinarySearch(f.retired, id); !ok {
		f.retired = slices.Insert(slices.Clone(f.retired), i, id)
	}
	return nil
}

// mayRetire lets a node retire (itself, when it leaves) and whoever manages
// the cluster.
func mayRetire(p identity.Principal) error {
	if p.Role == identity.Node {
		return nil
	}
	return p.Allow(identity.ManageCluster, identity.Resource{})
}

// again answers a command that was answered before.
func (f *fsm) again(m memo, request requestHash) (outcome, error) {
	if m.request != request {
		return outcome{Fault: &fault{
			Code: faultReusedKey, Text: "not accepted", Field: HeaderKey,
			Remedy: "this key was used for another request: use a new key for each",
		}}, nil
	}
	var out outcome
	if err := json.Unmarshal(m.answer, &out); err != nil {
		return outcome{}, fmt.Errorf("remembered answer: %w: %w", errDamaged, err)
	}
	return f.lengthen(out), nil
}

// recall returns the remembered answer to a request, if there is one.
func (f *fsm) recall(account, key string, request requestHash) (outcome, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	m, ok := f.memory.find(memoOf(account, key))
	if !ok {
		return outcome{}, false, nil
	}
	out, err := f.again(m, request)
	return out, true, err
}

// Snapshot captures the state; writing it goes on beside later Applys.
func (f *fsm) Snapshot() (raft.FSMSnapshot, error) {
	if err := f.failure(); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return &snapshot{
		header: snapshotHeader{
			Format: snapshotFormat, Version: snapshotVersion, Gradebook: f.gradebook,
			Applied: f.applied.now(), Stamp: f.stamp, Retired: f.retired,
		},
		memos: f.memory.freeze(), book: f.book.Freeze(),
	}, nil
}

// Restore takes the state of a snapshot in place of its own.
func (f *fsm) Restore(r io.ReadCloser) error {
	defer func() { _ = r.Close() }()
	head, memory, book, err := readSnapshot(r, f.memory.size)
	if err != nil {
		return fmt.Errorf("grading: snapshot: %w", err)
	}
	f.mu.Lock()
	f.memory, f.book = memory, book
	f.gradebook, f.retired, f.stamp = head.Gradebook, head.Retired, head.Stamp
	f.mu.Unlock()
	f.publish()
	f.changed.advance(head.Applied)
	f.applied.advance(head.Applied)
	return nil
}
