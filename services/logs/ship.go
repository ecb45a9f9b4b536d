package logs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/distributedgo/rollcall/services/logs/segment"
)

const (
	shipBytes   = 1 << 20                // of batches in one call
	shipLook    = 2048                   // batches looked at in one round
	shipTimeout = 5 * time.Second        // of one call
	restFailed  = 500 * time.Millisecond // before a node that failed is called again
	restFull    = 5 * time.Second        // the same for one without room
	beat        = 500 * time.Millisecond // of housekeeping
	tellEvery   = 2 * time.Second        // a manifest to each log node, whatever happens
	goodbye     = 2 * time.Second        // for the last batches at the end
)

// shipper sends batches to log nodes until R have each. One goroutine plans;
// each log node has at most one call under way, so a slow one holds up nobody
// else. A batch whose node fails goes to the next in its order at once.
type shipper struct {
	cfg   AgentConfig
	spool *spool
	own   *troubles
	peers peers

	acks, failures atomic.Int64

	// All below belongs to run.
	calls   map[string]context.CancelFunc // by node: one under way
	rest    map[string]time.Time          // by node: not before
	told    map[string]time.Time          // by node: when it took the last manifest
	results chan result
	sending sync.WaitGroup
}

// result is the end of one call.
type result struct {
	node     string
	entries  []*entry
	conflict []*entry // refused for ever
	err      error
}

// receipt is a log node's answer to batches: those that it does not name are
// on its disk.
type receipt struct {
	Refused []refusal `json:"refused,omitempty"`
}

type refusal struct {
	BatchID
	Reason string `json:"reason"`
}

func newShipper(cfg AgentConfig, sp *spool, own *troubles) *shipper {
	return &shipper{
		cfg: cfg, spool: sp, own: own, peers: peers{cfg.Peers, cfg.NodeID},
		calls: map[string]context.CancelFunc{}, rest: map[string]time.Time{}, told: map[string]time.Time{},
		results: make(chan result),
	}
}

func (s *shipper) run(ctx context.Context) {
	tick := time.NewTicker(beat)
	defer tick.Stop()
	defer s.sending.Wait()
	for {
		if ctx.Err() == nil {
			s.plan(ctx)
		} else if len(s.calls) == 0 {
			return
		}
		done := ctx.Done()
		if ctx.Err() != nil {
			done = nil // only results are waited for
		}
		select {
		case <-done:
		case <-s.spool.news:
		case r := <-s.results:
			s.note(ctx, r)
		case <-tick.C:
			if err := s.spool.tidy(); err != nil {
				s.own.report("cursors could not be written", "error", err)
			}
			s.spool.checkup()
		}
	}
}

// plan begins a call to each log node that has none under way and for which
// there is something to send, if only the manifest.
func (s *shipper) plan(ctx context.Context) {
	live := logNodes(s.cfg.Members())
	for node, cancel := range s.calls {
		if !slices.Contains(live, node) {
			cancel() // gossip knows sooner than the time-out
		}
	}
	now := time.Now()
	rested := slices.DeleteFunc(live, func(n string) bool { return now.Before(s.rest[n]) })
	loads := s.spool.assign(rested, func(node string) bool { return s.calls[node] == nil })
	for _, node := range rested {
		if s.calls[node] != nil || len(loads[node]) == 0 && now.Sub(s.told[node]) < tellEvery {
			continue
		}
		call, cancel := context.WithTimeout(ctx, shipTimeout)
		s.calls[node] = cancel
		s.sending.Go(func() {
			defer cancel()
			s.results <- s.send(call, node, loads[node])
		})
	}
}

// send makes one call: the manifest as first frame, then the batches.
func (s *shipper) send(ctx context.Context, node string, entries []*entry) result {
	r := result{node: node, entries: entries}
	var got receipt
	if got, r.err = s.deliver(ctx, node, s.spool.manifest(false), entries); r.err != nil {
		return r
	}
	for _, no := range got.Refused {
		if i := slices.IndexFunc(r.entries, func(e *entry) bool { return e.id == no.BatchID }); i >= 0 {
			r.conflict = append(r.conflict, r.entries[i])
		}
	}
	return r
}

func (s *shipper) deliver(ctx context.Context, node string, m manifest, entries []*entry) (receipt, error) {
	var got receipt
	text, err := json.Marshal(m)
	if err != nil {
		return got, err
	}
	body, err := segment.AppendFrame(nil, text)
	if err != nil {
		return got, fmt.Errorf("manifest: %w", err)
	}
	if body, err = s.spool.read(entries, body); err != nil {
		return got, err
	}
	return got, s.peers.call(ctx, node, http.MethodPost, pathBatches, MediaType, body, &got)
}

// note takes in how a call ended.
func (s *shipper) note(ctx context.Context, r result) {
	delete(s.calls, r.node)
	s.spool.landed(r.node, r.entries)
	var bad *damagedError
	switch {
	case errors.As(r.err, &bad):
		s.own.report("spooled batch is damaged and lost", "batch", bad.entry.id.String(), "error", bad.err)
		s.spool.lose(bad.entry)
		return
	case r.err != nil:
		if ctx.Err() != nil {
			return
		}
		s.failures.Add(1)
		pause := restFailed
		var st *statusError
		if errors.As(r.err, &st) && st.Status == http.StatusInsufficientStorage {
			pause = restFull
		}
		s.rest[r.node] = time.Now().Add(pause)
		s.own.report("log node did not take batches", "node", r.node, "batches", len(r.entries), "error", r.err)
		return
	}
	s.told[r.node] = time.Now()
	stored := slices.DeleteFunc(r.entries, func(e *entry) bool { return slices.Contains(r.conflict, e) })
	s.acks.Add(int64(len(stored)))
	s.spool.acked(r.node, stored)
	for _, e := range r.conflict {
		s.sending.Go(func() { s.rename(ctx, r.node, e) })
	}
}

// farewell ships what it can in a short while and tells all log nodes that
// this epoch is over.
func (s *shipper) farewell(ctx context.Context) {
	live := logNodes(s.cfg.Members())
	if len(live) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, goodbye)
	defer cancel()
	if err := s.spool.waitStored(ctx); err != nil {
		s.own.report("stopped before all records were shipped; they go out after the next start", "error", err)
	}
	last, end := context.WithTimeout(context.WithoutCancel(ctx), goodbye/2)
	defer end()
	var wg sync.WaitGroup
	for _, node := range live {
		wg.Go(func() {
			if _, err := s.deliver(last, node, s.spool.manifest(true), nil); err != nil {
				s.own.report("log node did not take the last manifest", "node", node, "error", err)
			}
		})
	}
	wg.Wait()
}
