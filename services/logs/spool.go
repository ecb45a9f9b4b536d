package logs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/distributedgo/rollcall/node/health"
	"github.com/distributedgo/rollcall/services/logs/segment"
)

// The spool turns lines into batches and keeps them until R log nodes have
// them. Two kinds of callers give it lines:
//
//	loggers   offer   return at once; their lines wait up to linger for company
//	intake    write   return when the lines are on the disk
//
// One goroutine cuts: it takes all that waits, makes batches of it, and appends
// them with one sync. A batch has two states on its way out, and the spool one
// durable cursor for each: stored, when one log node has it, and released, when
// R have. Files are deleted when all their batches are released.

const (
	linger     = 200 * time.Millisecond // how long a logger's line waits for company
	maxWaiting = 8 << 20                // bytes that loggers may have waiting for the disk
	maxWriting = 64 << 20               // the same with the intake's
	fileBytes  = 8 << 20                // a spool file is finished at this size
)

type spoolConfig struct {
	dir, producer string
	maxBytes      int64
	replicas      int
	own           *troubles
	health        *health.Set
}

type spool struct {
	cfg   spoolConfig
	wake  chan struct{} // lines wait
	hurry chan struct{} // somebody waits for them
	news  chan struct{} // batches were cut, for the shipper

	mu      sync.Mutex // guards all below
	next    *waiting
	pending int64 // raw bytes of lines that are not on the disk yet
	used    int64 // bytes of batches that are not released
	closed  bool
	broken  bool // the last write failed: begin a new epoch before the next
	file    *spoolFile
	files   []*spoolFile // all, file too
	open    []*entry     // batches that are not released, in the order of their cut
	secure  int          // open[:secure] have one copy elsewhere at least
	epochs  []*epochState
	moved   chan struct{} // closed and made anew at each acknowledgement
	dirty   bool          // the cursors moved since they were written down
	count   Counters
}

// waiting is the lines that the next cut takes.
type waiting struct {
	drafts []draft
	done   chan struct{} // closed when err is set
	err    error
}

// draft is the lines of a batch before it is cut.
type draft struct {
	lines    []byte // each ended by \n
	count    int
	min, max int64 // times of records, ns since 1970
}

// line is one record as the spool takes it.
type line struct {
	text  []byte
	time  int64 // ns since 1970
	level slog.Level
}

// entry is one batch in the spool.
type entry struct {
	id       BatchID
	file     *spoolFile
	off      int64
	size     int64
	stored   bool     // one log node has it, in this life or before
	holders  []string // log nodes that acknowledged it in this life
	flying   []string // log nodes that it is under way to
	gone     bool     // released
	renaming bool     // its lines are being cut anew
}

type spoolFile struct {
	*segment.File
	live int // batches that are not released
}

// room returns ErrFull when n more bytes of this level do not fit. Debug
// records stop at three quarters, so that what matters still finds room.
// Callers hold mu.
func (s *spool) room(n int64, level slog.Level, waiting int64) error {
	if s.closed {
		return ErrClosed
	}
	limit := s.cfg.maxBytes
	if level < slog.LevelInfo {
		limit = limit / 4 * 3
	}
	if have := s.used + s.pending; have+n > limit {
		return fmt.Errorf("%w: the spool holds %d bytes of %d (for level %s)", ErrFull, have, limit, levelName(level))
	}
	if s.pending+n > waiting {
		return fmt.Errorf("%w: %d bytes wait for the disk", ErrFull, s.pending)
	}
	return nil
}

// add puts a line into the next cut. Callers hold mu.
func (s *spool) add(text []byte, t int64) *waiting {
	if s.next == nil {
		s.next = &waiting{done: make(chan struct{})}
		notify(s.wake)
	}
	w := s.next
	if n := len(w.drafts); n == 0 || w.drafts[n-1].count >= batchLines || len(w.drafts[n-1].lines)+len(text)+1 > batchBytes {
		w.drafts = append(w.drafts, draft{lines: takeBuffer(), min: t, max: t})
	}
	d := &w.drafts[len(w.drafts)-1]
	d.lines = append(append(d.lines, text...), '\n')
	d.count++
	d.min, d.max = min(d.min, t), max(d.max, t)
	s.pending += int64(len(text)) + 1
	return w
}

// offer takes a logger's line and returns at once; false when there is no
// room. The line is copied.
func (s *spool) offer(text []byte, t int64, level slog.Level) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.room(int64(len(text))+1, level, maxWaiting) != nil {
		s.count.Refused++
		return false
	}
	s.add(text, t)
	return true
}

// write takes all lines or none and returns when they are on the disk. When
// ctx ends first, it is unknown whether they will be.
func (s *spool) write(ctx context.Context, lines []line) error {
	if len(lines) == 0 {
		return nil
	}
	var n int64
	top := lines[0].level
	for _, l := range lines {
		n += int64(len(l.text)) + 1
		top = max(top, l.level)
	}
	s.mu.Lock()
	if err := s.room(n, top, maxWriting); err != nil {
		s.count.Refused += int64(len(lines))
		s.mu.Unlock()
		return err
	}
	var w *waiting
	for _, l := range lines {
		w = s.add(l.text, l.time)
	}
	s.mu.Unlock()
	return s.await(ctx, w)
}

// sync returns when all lines given until now are on the disk.
func (s *spool) sync(ctx context.Context) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return ErrClosed
	}
	if s.next == nil { // an empty cut ends after the one under way
		s.next = &waiting{done: make(chan struct{})}
		notify(s.wake)
	}
	w := s.next
	s.mu.Unlock()
	return s.await(ctx, w)
}

func (s *spool) await(ctx context.Context, w *waiting) error {
	notify(s.hurry)
	select {
	case <-w.done:
		return w.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *spool) bytes() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.used
}

func (s *spool) counters() Counters {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count
}

// checkup tells the node's health how full the spool is.
func (s *spool) checkup() {
	s.mu.Lock()
	used, limit, broken, refused := s.used+s.pending, s.cfg.maxBytes, s.broken, s.count.Refused
	s.mu.Unlock()
	status, say := health.Passing, fmt.Sprintf("%d of %d bytes wait for log nodes", used, limit)
	switch {
	case broken:
		status, say = health.Critical, "the last write failed; log records are refused until the disk takes them again"
	case used >= limit/100*99:
		status, say = health.Critical, fmt.Sprintf("full: %s; new records are refused (%d so far)", say, refused)
	case used >= limit/4*3:
		status, say = health.Warning, say+"; debug records are refused"
	}
	s.cfg.health.Report("log spool", status, say)
}

// close writes the cursors down and closes the files.
func (s *spool) close() error {
	errs := []error{s.tidy()}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, f := range s.files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

// notify leaves a mark in a channel of one place.
func notify(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
