package segment

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
)

var (
	// ErrClosed is returned after Close.
	ErrClosed = errors.New("segment is closed")
	// ErrFailed is returned by every Append after one that failed: what a
	// failed sync left on the disk cannot be known, so a new file is the only
	// honest way on (Rebello and others, "Can applications recover from fsync
	// failures?", 2020).
	ErrFailed = errors.New("segment takes no more frames after a failed write")
)

// File is one segment file, open for reading and appending. All methods may be
// called at once.
type File struct {
	path string
	f    *os.File

	mu     sync.Mutex // guards all below
	next   *group     // gathers who comes while another group is under way
	busy   bool       // one caller is writing and syncing
	size   int64      // bytes that are durable
	flying int64      // bytes of the group under way
	err    error      // why no more frames are taken
}

// group is the frames of all callers that share one write and one sync.
type group struct {
	buf  []byte
	done chan struct{} // closed when err is set
	err  error
}

// Open opens the file at path, makes it when there is none, and calls visit for
// every good frame (visit may be nil). A torn tail is cut off. It returns
// ErrVersion for a file of a newer program.
func Open(path string, visit Visit) (*File, Recovery, error) {
	if visit == nil {
		visit = func(int64, []byte) error { return nil }
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, Recovery{}, err
	}
	s := &File{path: path, f: f}
	rec, err := s.recover(visit)
	if err != nil {
		return nil, rec, errors.Join(fmt.Errorf("segment %s: recover: %w", filepath.Base(path), err), f.Close())
	}
	return s, rec, nil
}

func (s *File) recover(visit Visit) (Recovery, error) {
	st, err := s.f.Stat()
	if err != nil {
		return Recovery{}, err
	}
	end, rec, err := Scan(s.f, st.Size(), visit)
	if err != nil {
		return rec, err
	}
	if end < st.Size() {
		if err := s.f.Truncate(end); err != nil {
			return rec, err
		}
	}
	if end == 0 {
		if _, err := s.f.WriteAt(header(), 0); err != nil {
			return rec, err
		}
		end = headerSize
	}
	s.size = end
	if end == st.Size() {
		return rec, nil
	}
	if err := datasync(s.f); err != nil {
		return rec, err
	}
	return rec, SyncDir(filepath.Dir(s.path)) // a new file is durable only when its name is
}

// Append writes each payload as a frame and returns, when all of them are on
// the disk, the offset of each for ReadAt. Callers at the same time share one
// sync. After an error it is unknown whether the frames are there; the file
// then takes no more of them (ErrFailed).
func (s *File) Append(payloads ...[]byte) ([]int64, error) {
	offs := make([]int64, len(payloads))
	s.mu.Lock()
	if s.err != nil {
		defer s.mu.Unlock()
		return nil, s.err
	}
	if s.next == nil {
		s.next = &group{done: make(chan struct{})}
	}
	g, start := s.next, len(s.next.buf)
	for i, p := range payloads {
		offs[i] = s.size + s.flying + int64(len(g.buf))
		var err error
		if g.buf, err = AppendFrame(g.buf, p); err != nil {
			g.buf = g.buf[:start] // none of ours
			s.mu.Unlock()
			return nil, err
		}
	}
	lead := !s.busy
	s.busy = true
	s.mu.Unlock()
	if lead {
		s.write()
	}
	<-g.done
	return offs, g.err
}

// write serves groups until none waits. Only one caller is in it at a time.
func (s *File) write() {
	for {
		s.mu.Lock()
		g := s.next
		s.next = nil
		if g == nil {
			s.busy = false
			s.mu.Unlock()
			return
		}
		err, at := s.err, s.size
		s.flying = int64(len(g.buf))
		s.mu.Unlock()

		if err == nil {
			if _, err = s.f.WriteAt(g.buf, at); err == nil {
				err = datasync(s.f)
			}
			if err != nil { // best effort: what is not there needs no recovery
				err = errors.Join(err, s.f.Truncate(at))
			}
		}

		s.mu.Lock()
		s.flying = 0
		if err == nil {
			s.size += int64(len(g.buf))
		} else if s.err == nil {
			s.err = fmt.Errorf("segment %s: %w: %w", filepath.Base(s.path), ErrFailed, err)
		}
		g.err = s.err
		s.mu.Unlock()
		close(g.done)
	}
}

// ReadAt returns the payload of the frame at off, checked. buf is used when it
// is large enough.
func (s *File) ReadAt(off int64, buf []byte) ([]byte, error) {
	var h [frameHeader]byte
	if _, err := s.f.ReadAt(h[:], off); err != nil {
		return nil, s.readErr(off, err)
	}
	n := int64(uint32(h[0]) | uint32(h[1])<<8 | uint32(h[2])<<16 | uint32(h[3])<<24)
	if n == 0 || n > MaxPayload {
		return nil, s.readErr(off, ErrDamaged)
	}
	if int64(cap(buf)) < n+frameHeader {
		buf = make([]byte, n+frameHeader)
	}
	buf = buf[:n+frameHeader]
	if _, err := s.f.ReadAt(buf, off); err != nil {
		return nil, s.readErr(off, err)
	}
	p, _, err := NextFrame(buf)
	if err != nil {
		return nil, s.readErr(off, err)
	}
	return p, nil
}

func (s *File) readErr(off int64, err error) error {
	if errors.Is(err, io.EOF) {
		err = ErrTorn
	}
	return fmt.Errorf("segment %s at %d: %w", filepath.Base(s.path), off, err)
}

// Size is the file's durable length in bytes.
func (s *File) Size() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.size
}

// Path is the name that the file was opened with.
func (s *File) Path() string { return s.path }

// Close closes the file. Appends that wait are finished first by those who
// wait; later ones get ErrClosed.
func (s *File) Close() error {
	s.mu.Lock()
	if errors.Is(s.err, ErrClosed) {
		s.mu.Unlock()
		return nil
	}
	last := s.next
	if s.busy && last == nil {
		last = &group{done: make(chan struct{})} // an empty group: done when the one before is
		s.next = last
	}
	s.mu.Unlock()
	if last != nil {
		<-last.done
	}
	s.mu.Lock()
	s.err = fmt.Errorf("segment %s: %w", filepath.Base(s.path), ErrClosed)
	s.mu.Unlock()
	return s.f.Close()
}

// Remove closes the file and deletes it.
func (s *File) Remove() error {
	return errors.Join(s.Close(), os.Remove(s.path))
}
