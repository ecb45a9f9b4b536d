package logs

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/distributedgo/rollcall/services/logs/segment"
)

// run cuts until ctx ends, then once more, and takes nothing afterwards.
func (s *spool) run(ctx context.Context) error {
	timer := time.NewTimer(linger)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			s.mu.Lock()
			s.closed = true
			s.mu.Unlock()
			s.cut()
			return nil
		case <-s.wake:
		}
		timer.Reset(linger)
		select {
		case <-timer.C:
		case <-s.hurry:
		case <-ctx.Done():
		}
		s.cut()
	}
}

// cut makes batches of all that waits and syncs them.
func (s *spool) cut() {
	s.mu.Lock()
	w := s.next
	s.next = nil
	s.mu.Unlock()
	if w == nil {
		return
	}
	var raw, records int64
	for _, d := range w.drafts {
		raw += int64(len(d.lines))
		records += int64(d.count)
	}
	if len(w.drafts) > 0 {
		w.err = s.cutDrafts(w.drafts)
	}
	s.mu.Lock()
	s.pending -= raw
	if w.err != nil {
		s.count.Refused += records
	} else {
		s.count.Accepted += records
	}
	s.mu.Unlock()
	close(w.done)
	for _, d := range w.drafts {
		giveBuffer(d.lines)
	}
	if w.err != nil {
		s.cfg.own.report("records could not be written", "records", records, "error", w.err)
		return
	}
	notify(s.news)
}

// cutDrafts names, packs and appends one batch per draft. Only run calls it,
// so counters go up in the order of the file.
func (s *spool) cutDrafts(drafts []draft) error {
	ep, f, err := s.ready()
	if err != nil {
		return fmt.Errorf("%w: spool: %w", ErrFull, err)
	}
	now := time.Now()
	frames := make([][]byte, len(drafts))
	for i, d := range drafts {
		id := BatchID{Producer: s.cfg.producer, Epoch: ep.Epoch, Seq: ep.Cut + uint64(i) + 1}
		frames[i] = cut(id, now, d).encode()
	}
	offs, err := f.Append(frames...)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		// Whether the frames are there is unknown. Their names must not be used
		// again for other bytes: the next cut begins a new epoch.
		s.broken = true
		return fmt.Errorf("%w: spool: %w", ErrFull, err)
	}
	for i, off := range offs {
		ep.Cut++
		e := &entry{
			id: BatchID{Producer: s.cfg.producer, Epoch: ep.Epoch, Seq: ep.Cut}, file: f, off: off,
			size: int64(len(frames[i])) + segment.FrameOverhead,
		}
		f.live++
		s.used += e.size
		s.open = append(s.open, e)
	}
	s.count.Batches += int64(len(offs))
	return nil
}

// ready returns the epoch and the file that the next batches go to.
func (s *spool) ready() (*epochState, *spoolFile, error) {
	s.mu.Lock()
	broken, f := s.broken, s.file
	ep := s.epochs[len(s.epochs)-1]
	s.mu.Unlock()
	if broken {
		var err error
		if ep, err = s.beginEpoch(); err != nil {
			return nil, nil, err
		}
		f = nil
	}
	if f != nil && f.Size() < min(fileBytes, s.cfg.maxBytes/8) {
		return ep, f, nil
	}
	f, err := s.newFile(ep.Epoch, ep.Cut+1)
	return ep, f, err
}

// buffers are the lines of drafts, used again after the cut.
var buffers sync.Pool

func takeBuffer() []byte {
	if b, ok := buffers.Get().(*[]byte); ok {
		return (*b)[:0]
	}
	return make([]byte, 0, 64<<10)
}

func giveBuffer(b []byte) { buffers.Put(&b) }
