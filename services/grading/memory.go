package grading

import (
	"cmp"
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
//
// Memos are kept in the order they came, on pages that are only ever appended
// to; forgetting moves the start forward and drops whole pages. So a snapshot
// is a copy of the list of pages, whatever is added after it.
type memory struct {
	size  int
	pages [][]memo
	base  uint64            // number of the first memo on the first page
	first uint64            // number of the oldest memo that is remembered
	next  uint64            // number of the next memo
	index map[memoID]uint64 // number of each memo
}

// maxAnswer is the longest answer that can be remembered, in bytes; see
// shorten. One that claims to be longer comes from a damaged file.
const maxAnswer = 1 << 20

// memosPerPage is small enough that the oldest page, which is kept while any
// memo on it is, wastes little.
const memosPerPage = 4096

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
	return &memory{size: size, index: map[memoID]uint64{}}
}

// memoOf returns the id under which an account's key is remembered.
func memoOf(account, key string) memoID {
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "%d:%s%s", len(account), account, key)
	return memoID(h.Sum(nil)[:16])
}

// at returns the memo of a number that is remembered.
func (m *memory) at(number uint64) memo {
	n := number - m.base
	return m.pages[n/memosPerPage][n%memosPerPage]
}

// find returns what was remembered under id.
func (m *memory) find(id memoID) (memo, bool) {
	number, ok := m.index[id]
	if !ok {
		return memo{}, false
	}
	return m.at(number), true
}

// add remembers one more answer and, when full, forgets the oldest.
func (m *memory) add(e memo) {
	if (m.next-m.base)/memosPerPage == uint64(len(m.pages)) {
		m.pages = append(m.pages, make([]memo, 0, memosPerPage))
	}
	last := len(m.pages) - 1
	m.pages[last] = append(m.pages[last], e)
	m.index[e.id] = m.next
	m.next++
	if m.next-m.first <= uint64(m.size) {
		return
	}
	delete(m.index, m.at(m.first).id)
	m.first++
	if m.first-m.base == memosPerPage {
		m.pages = slices.Delete(m.pages, 0, 1)
		m.base = m.first
	}
}

// memos is what a memory held at one moment.
type memos struct {
	pages [][]memo
	skip  uint64 // forgotten ones on the first page
	count uint64
}

// freeze returns what is remembered now; later adds don't change it.
func (m *memory) freeze() memos {
	return memos{pages: slices.Clone(m.pages), skip: m.first - m.base, count: m.next - m.first}
}

// write writes a count and the memos, oldest first; readMemos reads them back.
func (m memos) write(w io.Writer) error {
	if _, err := w.Write(binary.AppendUvarint(nil, m.count)); err != nil {
		return err
	}
	var b []byte
	skip := m.skip
	for _, page := range m.pages {
		for _, e := range page[skip:] {
			b = append(b[:0], e.id[:]...)
			b = append(b, e.request[:]...)
			b = binary.AppendUvarint(b, uint64(len(e.answer)))
			b = append(b, e.answer...)
			if _, err := w.Write(b); err != nil {
				return err
			}
		}
		skip = 0
	}
	return nil
}

// byteReader is what readMemos reads from: a bufio.Reader.
type byteReader interface {
	io.Reader
	io.ByteReader
}

// readMemos reads what write wrote into a memory of the given size. A
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
		if err != nil || length > maxAnswer {
			return nil, fmt.Errorf("remembered answer %d of %d: length %d: %w", i+1, n, length, cmp.Or(err, errDamaged))
		}
		e.answer = make([]byte, length)
		if _, err := io.ReadFull(r, e.answer); err != nil {
			return nil, fmt.Errorf("remembered answer %d of %d: %w", i+1, n, err)
		}
		m.add(e)
	}
	return m, nil
}
