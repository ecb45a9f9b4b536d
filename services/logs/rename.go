package logs

import (
	"bytes"
	"context"
	"fmt"

	"github.com/distributedgo/rollcall/node/health"
)

// rename gives the records of a batch whose name is taken a new one. The name
// is taken when two nodes share an identity or a disk was put back from a
// copy. What was accepted must not be dropped, so it goes out again as a new
// batch; and somebody is told.
func (s *shipper) rename(ctx context.Context, node string, e *entry) {
	s.own.report("batch is known with other bytes: is this node's data directory a copy?", "batch", e.id.String(), "node", node)
	s.cfg.Health.Report("log identity", health.Critical,
		fmt.Sprintf("batch %s is known at %s with other bytes; is this node's data directory a copy of another's?", e.id, node))
	if err := s.spool.rename(ctx, e); err != nil && ctx.Err() == nil {
		s.own.report("batch could not be cut anew", "batch", e.id.String(), "error", err)
	}
}

// rename cuts the lines of e anew and releases e when they are on the disk.
func (s *spool) rename(ctx context.Context, e *entry) error {
	s.mu.Lock()
	busy := e.gone || e.renaming || s.closed // when closed: tried again after the next start
	e.renaming = true
	s.mu.Unlock()
	if busy {
		return nil
	}
	err := s.copy(ctx, e)
	s.mu.Lock()
	defer s.mu.Unlock()
	e.renaming = false
	if err != nil {
		return err
	}
	s.release(e)
	s.advance()
	return nil
}

// copy gives the lines of e to the next cut, full or not, and waits for it.
func (s *spool) copy(ctx context.Context, e *entry) error {
	p, err := e.file.ReadAt(e.off, nil)
	if err != nil {
		return err
	}
	b, err := decodeBatch(p)
	if err != nil {
		return err
	}
	text, err := b.lines(nil)
	if err != nil {
		return err
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return ErrClosed
	}
	var w *waiting
	for l := range bytes.Lines(text) {
		l = bytes.TrimSuffix(l, []byte{'\n'})
		w = s.add(l, timeOf(l))
	}
	s.mu.Unlock()
	return s.await(ctx, w)
}
