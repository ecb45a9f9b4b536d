package logs

import (
	"context"
	"fmt"
	"slices"

	"github.com/distributedgo/rollcall/services/logs/segment"
)

// The spool's way out: what goes to which log node, what came back, and what
// may be let go of.

// assign chooses what goes to which node, and marks it as under way. First
// come batches that are nowhere but here, then those that need more copies.
func (s *spool) assign(nodes []string, free func(node string) bool) map[string][]*entry {
	loads, sizes := map[string][]*entry{}, map[string]int64{}
	if len(nodes) == 0 {
		return loads
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	orders := map[BatchID][]string{}
	for _, some := range [][]*entry{s.open[s.secure:], s.open[:s.secure]} {
		for _, e := range some[:min(len(some), shipLook)] {
			if e.gone || e.renaming {
				continue
			}
			key := e.id
			key.Seq = bucket(key.Seq) * bucketSize
			order := orders[key]
			if order == nil {
				order = rank(nodes, e.id)
				orders[key] = order
			}
			want := s.cfg.replicas - len(e.holders) - len(e.flying)
			for _, n := range order {
				if want <= 0 {
					break
				}
				if slices.Contains(e.holders, n) || slices.Contains(e.flying, n) {
					continue
				}
				want-- // a busy node is waited for, not passed over
				if !free(n) || sizes[n]+e.size > shipBytes && sizes[n] > 0 {
					continue
				}
				e.flying = append(e.flying, n)
				loads[n] = append(loads[n], e)
				sizes[n] += e.size
			}
		}
	}
	return loads
}

// landed takes the mark off again.
func (s *spool) landed(node string, entries []*entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range entries {
		e.flying = slices.DeleteFunc(e.flying, func(n string) bool { return n == node })
	}
}

// read returns the frames of batches, as they were cut, ready to be sent.
func (s *spool) read(entries []*entry, into []byte) ([]byte, error) {
	var buf []byte
	for _, e := range entries {
		p, err := e.file.ReadAt(e.off, buf)
		if err != nil {
			return into, &damagedError{entry: e, err: err}
		}
		if cap(buf) < len(p)+segment.FrameOverhead {
			buf = make([]byte, 0, 2*(len(p)+segment.FrameOverhead))
		}
		if into, err = segment.AppendFrame(into, p); err != nil {
			return into, err
		}
	}
	return into, nil
}

// damagedError is a batch that the disk does not give back.
type damagedError struct {
	entry *entry
	err   error
}

func (e *damagedError) Error() string { return fmt.Sprintf("batch %s: %v", e.entry.id, e.err) }
func (e *damagedError) Unwrap() error { return e.err }

// lose gives a batch up that the disk does not give back. The manifest names
// it, so queries that miss it say so.
func (s *spool) lose(e *entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ep := s.epoch(e.id.Epoch); ep != nil && !e.stored {
		ep.Lost = ep.Lost.union(spans{{e.id.Seq, e.id.Seq}})
	}
	s.count.Damaged += e.size
	s.release(e)
	s.advance()
}

// acked notes that a log node has batches on its disk, and moves the cursors.
func (s *spool) acked(node string, entries []*entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range entries {
		if e.gone || slices.Contains(e.holders, node) {
			continue
		}
		e.stored = true
		e.holders = append(e.holders, node)
		if len(e.holders) >= s.cfg.replicas {
			s.release(e)
		}
	}
	s.advance()
}

// release lets go of a batch. Callers hold mu.
func (s *spool) release(e *entry) {
	if e.gone {
		return
	}
	e.gone, e.stored = true, true
	e.file.live--
	s.used -= e.size
	if ep := s.epoch(e.id.Epoch); ep != nil {
		ep.place(e.id.Seq, e.holders)
	}
}

// advance moves the cursors over what was acknowledged. Callers hold mu.
func (s *spool) advance() {
	i := 0
	for ; i < len(s.open) && s.open[i].gone; i++ {
		if ep := s.epoch(s.open[i].id.Epoch); ep != nil {
			ep.Released = s.open[i].id.Seq
			ep.Stored = max(ep.Stored, ep.Released)
		}
		s.open[i] = nil // the array behind lives on
	}
	s.open = s.open[i:]
	s.secure = max(0, s.secure-i)
	for ; s.secure < len(s.open) && s.open[s.secure].stored; s.secure++ {
		if ep := s.epoch(s.open[s.secure].id.Epoch); ep != nil {
			ep.Stored = s.open[s.secure].id.Seq
		}
	}
	s.dirty = true
	close(s.moved)
	s.moved = make(chan struct{})
}

// waitStored returns when a log node has each batch that was cut until now.
func (s *spool) waitStored(ctx context.Context) error {
	s.mu.Lock()
	wait := slices.Clone(s.open[s.secure:])
	s.mu.Unlock()
	for {
		s.mu.Lock()
		wait = slices.DeleteFunc(wait, func(e *entry) bool { return e.stored })
		moved := s.moved
		s.mu.Unlock()
		if len(wait) == 0 {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return fmt.Errorf("%d batches are on this node's disk only: %w", len(wait), ctx.Err())
		}
	}
}
