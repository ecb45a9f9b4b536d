package grading

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// Limits of one raft entry. More commands in an entry bring no more speed,
// and a small entry keeps the pause short for whoever waits behind it. A
// command that is larger than a batch, the import of a big file, goes alone.
const (
	maxBatchCommands = 256
	maxBatchBytes    = 1 << 20
	maxCommandBytes  = 16 << 20 // the most cells that one change may have, with room
	enqueueTimeout   = 5 * time.Second
)

// errNotSent says that a command never left the queue: it is certainly not
// applied, and never will be.
var errNotSent = errors.New("not sent")

// applier is the one method of raft that a batcher needs.
type applier interface {
	Apply(data []byte, timeout time.Duration) raft.ApplyFuture
}

// batcher puts many callers' commands into one raft entry.
//
// A commit costs one fsync on a majority of disks, however much it carries.
// So commands that arrive while an entry is under way wait for it and leave
// together in the next one; a command that finds the way free leaves at once,
// alone. An idle leader therefore never waits for company, and a busy one
// shares each fsync among all who wait. There is no timer to tune. (More than
// one entry under way was measured to be slower: it makes smaller batches.)
//
//	callers   a b       c d e      f g …
//	entries  [a]──fsync─[b c d e]──fsync─[f g …]
//
// All methods may be called at once.
type batcher struct {
	raft  applier
	spawn func(func()) bool // runs a goroutine that the owner waits for; false when it is stopping

	mu    sync.Mutex
	busy  bool    // an entry is under way
	queue []*call // commands that wait for the next entry
}

// call is one command on its way. done is closed when answer or err is set.
type call struct {
	command []byte
	answer  any
	err     error
	done    chan struct{}
}

// Apply sends one command and returns what the state machine answered, once
// it is committed and applied. errNotSent says that the command was never
// handed to raft; with any other error, raft's or the context's, it may still
// be applied, or not. The command must not be changed even then.
func (b *batcher) Apply(ctx context.Context, command []byte) (any, error) {
	if err := checkSize(command); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("%w: %w", errNotSent, err)
	}
	c := &call{command: command, done: make(chan struct{})}
	b.mu.Lock()
	b.queue = append(b.queue, c)
	if !b.busy {
		first := b.take()
		if b.busy = b.spawn(func() { b.send(first) }); !b.busy {
			b.mu.Unlock()
			return nil, fmt.Errorf("%w: %w", errNotSent, ErrNotServing)
		}
	}
	b.mu.Unlock()
	select {
	case <-c.done:
		return c.answer, c.err
	case <-ctx.Done():
	}
	if b.withdraw(c) {
		return nil, fmt.Errorf("%w: %w", errNotSent, ctx.Err())
	}
	return nil, ctx.Err()
}

// nudge sends an empty entry when nothing is under way. Followers learn that an
// entry is committed from the one after it, and without one only after
// commitTimeout; whoever waits for that at a follower is served at once. An
// entry that is under way already was sent after all that is committed, and so
// does the same.
func (b *batcher) nudge() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.busy {
		b.busy = b.spawn(func() {
			b.entry(nil)
			b.mu.Lock()
			next := b.take()
			b.busy = len(next) > 0
			b.mu.Unlock()
			b.send(next)
		})
	}
}

// checkSize refuses what is too large to be one command.
func checkSize(command []byte) error {
	if len(command) > maxCommandBytes {
		return fmt.Errorf("%w: the command has %d bytes, at most %d fit: send it in smaller parts", errTooLarge, len(command), maxCommandBytes)
	}
	return nil
}

// withdraw takes c out of the queue and reports whether it was still there.
func (b *batcher) withdraw(c *call) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := slices.Index(b.queue, c)
	if i < 0 {
		return false
	}
	b.queue = slices.Delete(b.queue, i, i+1)
	return true
}

// take removes the calls of one entry from the queue. The caller holds mu.
func (b *batcher) take() []*call {
	n, size := 0, 0
	for n < len(b.queue) && n < maxBatchCommands && (n == 0 || size+len(b.queue[n].command) <= maxBatchBytes) {
		size += len(b.queue[n].command)
		n++
	}
	calls := slices.Clone(b.queue[:n])
	b.queue = slices.Delete(b.queue, 0, n)
	return calls
}

// send sends entry after entry until nobody waits.
func (b *batcher) send(calls []*call) {
	for len(calls) > 0 {
		b.entry(calls)
		b.mu.Lock()
		calls = b.take()
		b.busy = len(calls) > 0
		b.mu.Unlock()
	}
}

// entry sends calls as one entry and gives each its own answer.
func (b *batcher) entry(calls []*call) {
	commands := make([][]byte, len(calls))
	for i, c := range calls {
		commands[i] = c.command
	}
	future := b.raft.Apply(joinEntry(commands), enqueueTimeout)
	err := future.Error()
	var answers []any
	if err == nil {
		switch r := future.Response().(type) {
		case []any:
			answers = r
		case error:
			err = r
		}
		if err == nil && len(answers) != len(calls) {
			err = fmt.Errorf("grading: %d answers to %d commands", len(answers), len(calls))
		}
	}
	for i, c := range calls {
		if c.err = err; err == nil {
			c.answer = answers[i]
		}
		close(c.done)
	}
}

// joinEntry packs commands as raft carries them: length, command, length, …
func joinEntry(commands [][]byte) []byte {
	size := 0
	for _, c := range commands {
		size += binary.MaxVarintLen32 + len(c)
	}
	data := make([]byte, 0, size)
	for _, c := range commands {
		data = binary.AppendUvarint(data, uint64(len(c)))
		data = append(data, c...)
	}
	return data
}

// splitEntry unpacks what joinEntry packed. An entry that can't be read is
// refused as a whole, before the first command.
func splitEntry(data []byte) ([][]byte, error) {
	var commands [][]byte
	for len(data) > 0 {
		n, w := binary.Uvarint(data)
		if w <= 0 || n > uint64(len(data)-w) {
			return nil, errors.New("grading: damaged raft entry: a length runs past its end")
		}
		commands = append(commands, data[w:w+int(n):w+int(n)])
		data = data[w+int(n):]
	}
	return commands, nil
}
