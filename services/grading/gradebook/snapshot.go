package gradebook

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"hash"
	"io"
	"time"
)

// A snapshot is text that a person can read and a stream that is never whole
// in memory: one record a line, its kind and then its JSON.
//
//	rollcall-gradebook 1
//	book {"index":4711,"seq":3,…}
//	account {…}
//	student {…}
//	course {…}
//	event {…}            the history of the course above
//	end {"records":5,"sha256":"…"}
//
// The table is not in it: a cell is the last value its history gave it, so
// reading the history back fills the table. The last line says how much there
// was and the hash of every byte before that line; without a good one nothing
// is believed.
const (
	snapshotMagic   = "rollcall-gradebook"
	snapshotVersion = 1
)

// The records. Fields may be added in later versions; none may change meaning.
type (
	bookRecord struct {
		Index   uint64   `json:"index"`
		Seq     uint64   `json:"seq"`
		Counted counters `json:"counted"`
	}
	accountRecord struct {
		Account
		Hash string `json:"hash"`
	}
	// eventRecord leaves out what the reader can tell: the course it stands
	// under, the value before (the one after the cell's last event), and who
	// and when of the value after (those of the event).
	eventRecord struct {
		Index      uint64    `json:"index"`
		Seq        uint64    `json:"seq"`
		At         time.Time `json:"at"`
		By         string    `json:"by,omitempty"`
		ByName     string    `json:"byName,omitempty"`
		Node       string    `json:"node,omitempty"`
		Kind       string    `json:"kind"`
		Student    string    `json:"student,omitempty"`
		Assignment string    `json:"assignment,omitempty"`
		Account    string    `json:"account,omitempty"`
		Detail     string    `json:"detail,omitempty"`
		Why        string    `json:"why,omitempty"`
		Scored     bool      `json:"scored,omitempty"` // the next four are a value
		Points     *Points   `json:"points,omitempty"`
		Status     Status    `json:"status,omitempty"`
		Comment    string    `json:"comment,omitempty"`
		Version    uint64    `json:"version,omitempty"`
	}
	endRecord struct {
		Records int    `json:"records"`
		SHA256  string `json:"sha256"`
	}
)

var _ io.WriterTo = (*Frozen)(nil)

// WriteTo writes a snapshot that Read reads back. Equal books write equal
// bytes. It buffers little and may take its time: the book goes on meanwhile.
func (f *Frozen) WriteTo(w io.Writer) (int64, error) {
	s := newSnapshotWriter(w)
	s.state(f.state)
	return s.end()
}

// Hash returns a fingerprint of everything in the book: the hash in the last
// line of its snapshot. It takes as long as writing one.
func (s *state) Hash() [sha256.Size]byte {
	w := newSnapshotWriter(io.Discard)
	w.state(s)
	return w.sum()
}

// snapshotWriter writes records and remembers the first error.
type snapshotWriter struct {
	out     *bufio.Writer // before the hash and the count, so that they see large pieces
	hash    hash.Hash
	count   *counter
	records int
	err     error
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

func newSnapshotWriter(w io.Writer) *snapshotWriter {
	s := &snapshotWriter{hash: sha256.New(), count: &counter{w: w}}
	s.out = bufio.NewWriterSize(io.MultiWriter(s.count, s.hash), 64<<10)
	_, s.err = s.out.WriteString(snapshotMagic + " 1\n")
	return s
}

func (s *snapshotWriter) record(kind string, v any) {
	if s.err != nil {
		return
	}
	data, err := json.Marshal(v)
	if err != nil {
		s.err = err
		return
	}
	s.records++
	// A bufio.Writer keeps its first error and returns it from Flush.
	_, _ = s.out.WriteString(kind)
	_ = s.out.WriteByte(' ')
	_, _ = s.out.Write(data)
	_ = s.out.WriteByte('\n')
}

func (s *snapshotWriter) state(b *state) {
	s.record("book", bookRecord{b.index, b.seq, b.counted})
	for _, a := range b.accounts {
		s.record("account", accountRecord{*a, a.Hash})
	}
	for _, st := range b.students {
		s.record("student", st)
	}
	for _, t := range b.tokens {
		s.record("token", t)
	}
	for _, r := range b.revoked {
		s.record("revoked", r)
	}
	s.events(b.events)
	for _, c := range b.courses {
		s.record("course", c.Course)
		s.events(c.events)
	}
}

func (s *snapshotWriter) events(events []Event) {
	for i := range events {
		e := &events[i]
		r := eventRecord{
			Index: e.Index, Seq: e.Seq, At: e.At, By: e.By, ByName: e.ByName, Node: e.Node, Kind: e.Kind,
			Student: e.Student, Assignment: e.Assignment, Account: e.Account, Detail: e.Detail, Why: e.Why,
		}
		if v := e.After; v != nil {
			r.Scored, r.Points, r.Status, r.Comment, r.Version = true, v.Points, v.Status, v.Comment, v.Version
		}
		s.record("event", r)
	}
}

func (s *snapshotWriter) sum() (sum [sha256.Size]byte) {
	if err := s.out.Flush(); s.err == nil {
		s.err = err
	}
	s.hash.Sum(sum[:0])
	return sum
}

func (s *snapshotWriter) end() (int64, error) {
	sum, records := s.sum(), s.records
	s.record("end", endRecord{records, hex.EncodeToString(sum[:])})
	if err := s.out.Flush(); s.err == nil {
		s.err = err
	}
	return s.count.n, s.err
}
