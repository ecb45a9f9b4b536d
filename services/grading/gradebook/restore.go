package gradebook

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"strconv"
	"strings"
)

// maxRecord bounds one line of a snapshot, in bytes: a course with all the
// assignments and students there can be takes a few megabytes.
const maxRecord = 64 << 20

// Read reads a snapshot and returns the book it was written from. Errors wrap
// ErrDamaged when the bytes are not a whole snapshot.
//
// Given a *bufio.Reader it reads no further than the snapshot's last line, so
// that other things can follow in the same stream.
func Read(r io.Reader) (*Book, error) {
	in, ok := r.(*bufio.Reader)
	if !ok {
		in = bufio.NewReaderSize(r, 64<<10)
	}
	s := &snapshotReader{in: in, hash: sha256.New(), names: map[string]string{}}
	if err := s.read(); err != nil {
		return nil, fmt.Errorf("gradebook snapshot, line %d: %w", s.line, err)
	}
	return &Book{&s.state}, nil
}

type snapshotReader struct {
	state
	in      *bufio.Reader
	hash    hash.Hash // of all lines before text
	text    []byte    // the current line, with its end
	line    int
	records int
	begun   bool              // the book record was seen
	current *course           // the course events belong to; nil for the book
	where   *finder           // of current
	names   map[string]string // strings that come again and again, kept once
}

func (s *snapshotReader) read() error {
	header, err := s.next()
	if err != nil {
		return err
	}
	version, ok := strings.CutPrefix(string(header), snapshotMagic+" ")
	if !ok {
		return damaged("it does not begin with %q", snapshotMagic)
	}
	if n, err := strconv.Atoi(version); err == nil && n > snapshotVersion {
		return fmt.Errorf("version %d was written by a newer rollcall, this one reads up to %d: upgrade this node", n, snapshotVersion)
	} else if version != strconv.Itoa(snapshotVersion) {
		return damaged("unknown version %q", clip(version))
	}
	for {
		s.hash.Write(s.text)
		text, err := s.next()
		if err != nil {
			return err
		}
		kind, data, _ := bytes.Cut(text, []byte(" "))
		if string(kind) == "end" {
			return s.check(data)
		}
		if err := s.record(string(kind), data); err != nil {
			return err
		}
		s.records++
	}
}

// next returns the next line without its end. It is good until the next call.
func (s *snapshotReader) next() ([]byte, error) {
	s.line++
	s.text = s.text[:0]
	for {
		piece, err := s.in.ReadSlice('\n')
		s.text = append(s.text, piece...)
		if err == nil {
			break
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			if errors.Is(err, io.EOF) {
				return nil, damaged("it ends too early")
			}
			return nil, err
		}
		if len(s.text) > maxRecord {
			return nil, damaged("the line is longer than %d bytes", maxRecord)
		}
	}
	return s.text[:len(s.text)-1], nil
}

// check holds the last line against all lines before it.
func (s *snapshotReader) check(data []byte) error {
	end, err := decode[endRecord](data)
	if err != nil {
		return err
	}
	if end.Records != s.records || end.SHA256 != hex.EncodeToString(s.hash.Sum(nil)) {
		return damaged("the content does not match its checksum")
	}
	if !s.begun {
		return damaged("there is no book in it")
	}
	return nil
}

func (s *snapshotReader) record(kind string, data []byte) error {
	switch kind {
	case "book":
		return s.book(data)
	case "account":
		return s.account(data)
	case "student":
		return s.student(data)
	case "token":
		return s.token(data)
	case "revoked":
		return s.revocation(data)
	case "course":
		return s.aCourse(data)
	case "event":
		return s.event(data)
	}
	return damaged("unknown record %q", clip(kind))
}

func decode[T any](data []byte) (T, error) {
	var v T
	if err := json.Unmarshal(data, &v); err != nil {
		return v, damaged("%v", err)
	}
	return v, nil
}

func (s *snapshotReader) book(data []byte) error {
	r, err := decode[bookRecord](data)
	s.index, s.seq, s.counted, s.begun = r.Index, r.Seq, r.Counted, true
	return err
}

func (s *snapshotReader) account(data []byte) error {
	r, err := decode[accountRecord](data)
	if err != nil {
		return err
	}
	a := r.Account
	a.Hash = r.Hash
	s.accounts = append(s.accounts, &a)
	return inOrder(a.ID, 'u', len(s.accounts))
}

func (s *snapshotReader) student(data []byte) error {
	st, err := decode[Student](data)
	if err != nil {
		return err
	}
	s.students = append(s.students, &st)
	return inOrder(st.ID, 's', len(s.students))
}

func (s *snapshotReader) token(data []byte) error {
	t, err := decode[Token](data)
	s.tokens = append(s.tokens, t)
	return err
}

func (s *snapshotReader) revocation(data []byte) error {
	r, err := decode[Revocation](data)
	s.revoked = append(s.revoked, r)
	return err
}

func (s *snapshotReader) aCourse(data []byte) error {
	c, err := decode[Course](data)
	if err != nil {
		return err
	}
	s.current = &course{Course: c, rows: make([]cells, len(c.Enrollments)), sums: new(summaryCache)}
	s.where = newFinder(s.current)
	s.courses = append(s.courses, s.current)
	return inOrder(c.ID, 'c', len(s.courses))
}

func (s *snapshotReader) event(data []byte) error {
	r, err := decode[eventRecord](data)
	if err != nil {
		return err
	}
	e := Event{
		Index: r.Index, Seq: r.Seq, At: r.At, By: s.once(r.By), ByName: s.once(r.ByName), Node: s.once(r.Node), Kind: s.once(r.Kind),
		Student: s.once(r.Student), Assignment: s.once(r.Assignment), Account: s.once(r.Account), Detail: r.Detail, Why: s.once(r.Why),
	}
	if s.current == nil {
		s.events = append(s.events, e)
		return nil
	}
	c := s.current
	e.Course = c.ID
	if r.Scored {
		row, a, err := s.where.find(c, Cell{e.Assignment, e.Student})
		if err != nil {
			return damaged("a score without a place: %v", err)
		}
		e.Before = c.rows[row].at(a)
		e.After = &Score{Points: r.Points, Status: r.Status, Comment: r.Comment, Version: r.Version, By: e.By, ByName: e.ByName, At: e.At}
		if e.Kind != KindRefused {
			for len(c.rows[row]) <= a {
				c.rows[row] = append(c.rows[row], nil)
			}
			c.rows[row][a] = e.After
		}
	}
	c.events = append(c.events, e)
	return nil
}

// once returns the one copy of a string that many lines repeat.
func (s *snapshotReader) once(v string) string {
	if kept, ok := s.names[v]; ok {
		return kept
	}
	s.names[v] = v
	return v
}

// inOrder checks that the nth thing of its kind has the nth id.
func inOrder(id string, prefix byte, n int) error {
	if ordinal(id, prefix) != n {
		return damaged("id %q is out of order", clip(id))
	}
	return nil
}

func damaged(format string, a ...any) error {
	return fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(format, a...))
}
