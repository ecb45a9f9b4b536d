package grading

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
)

// remembered is how many commands' answers the state machine keeps. It counts
// commands and not hours: replicas have no clock in common, and no clock can
// then make a node forget what another remembers.
const remembered = 262_144

// memory holds the answers of the last commands, so that a command which is
// sent again, through another node or to a new leader, gets the answer that
// it got the first time and is not applied again. It is part of the
// replicated state: each replica remembers and forgets the same commands at
// the same log index.
//
// An answer is found by account and key, in one hash: nobody can ask for the
// answer of somebody else's command. Beside it stands the hash of the request,
// for the caller who uses one key for two different things.
type memory struct {
	size  int
	slots []memo         // a ring, once full
	next  int            // where the next memo goes
	index map[memoID]int // where each memo is
}

type (
	memoID      [16]byte // of account and key
	requestHash [16]byte // of what was asked for
)

// memo is one remembered answer.
type memo struct {
	id      memoID
	request requestHash
	answer  []byte // an outcome as JSON; never changed
}

func newMemory(size int) *memory {
	return &memory{size: size, index: map[memoID]int{}}
}

// memoOf returns the id under which an account's key is remembered.
func memoOf(account, key string) memoID {
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "%d:%s%s", len(account), account, key)
	return memoID(h.Sum(nil)[:16])
}

// find returns what was remembered under id.
func (m *memory) find(id memoID) (memo, bool) {
	i, ok := m.index[id]
	if !ok {
		return memo{}, false
	}
	return m.slots[i], true
}

// add remembers one more answer and, when full, forgets the oldest.
func (m *memory) add(e memo) {
	if len(m.slots) < m.size {
		m.index[e.id] = len(m.slots)
		m.slots = append(m.slots, e)
		return
	}
	delete(m.index, m.slots[m.next].id)
	m.slots[m.next] = e
	m.index[e.id] = m.next
	m.next = (m.next + 1) % m.size
}

// ordered returns the memos, oldest first, as a copy that later adds don't
// change. Copying the full ring takes some milliseconds.
func (m *memory) ordered() []memo {
	return slices.Concat(m.slots[m.next:], m.slots[:m.next])
}

// writeMemos writes a count and the memos; readMemos reads them back.
func writeMemos(w io.Writer, memos []memo) error {
	head := binary.AppendUvarint(nil, uint64(len(memos)))
	if _, err := w.Write(head); err != nil {
		return err
	}
	var b []byte
	for _, e := range memos {
		b = append(b[:0], e.id[:]...)
		b = append(b, e.request[:]...)
		b = binary.AppendUvarint(b, uint64(len(e.answer)))
		b = append(b, e.answer...)
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	return nil
}

// byteReader is what readMemos reads from: a bufio.Reader.
type byteReader interface {
	io.Reader
	io.ByteReader
}

// readMemos reads what writeMemos wrote into a memory of the given size. A
// file from a version that remembered more keeps only its newest memos.
func readMemos(r byteReader, size int) (*memory, error) {
	n, err := binary.ReadUvarint(r)
	if err != nil {
		return nil, fmt.Errorf("number of remembered answers: %w", err)
	}
	m := newMemory(size)
	for i := range n {
		var e memo
		if _, err := io.ReadFull(r, e.id[:]); err != nil {
			return nil, fmt.Errorf("remembered answer %d of %d: %w", i+1, n, err)
		}
		if _, err := io.ReadFull(r, e.request[:]); err != nil {
			return nil, fmt.Errorf("remembered answer %d of %d: %w", i+1, n, err)
		}
		length, err := binary.ReadUvarint(r)
		if err != nil || length > maxBatchBytes {
			return nil, fmt.Errorf("remembered answer %d of %d: length %d: %w", i+1, n, length, cmpErr(err, errDamaged))
		}
		e.answer = make([]byte, length)
		if _, err := io.ReadFull(r, e.answer); err != nil {
			return nil, fmt.Errorf("remembered answer %d of %d: %w", i+1, n, err)
		}
		m.add(e)
	}
	return m, nil
}

// cmpErr returns the first error that is one.
func cmpErr(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
