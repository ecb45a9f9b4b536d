// Package grading keeps the school's gradebook on several nodes at once, so
// that an acknowledged grade outlives any minority of them.
//
// The gradebook itself (package gradebook) is a pure value. This package makes
// it the state machine of a raft group (Ongaro and Ousterhout, "In Search of an
// Understandable Consensus Algorithm", 2014) and puts HTTP in front. The path
// of one grade:
//
//	PUT …/scores/s7 ─► any grading node: check, hash the request, make a command
//	                     │ propose: to the leader, however often it takes
//	                     ▼
//	             leader: stamp the time ─► batch with the others that wait
//	                     │ one raft entry, one fsync on a majority
//	                     ▼
//	     every replica: fsm.Apply: seen this key? allowed? then change the book
//	                     │
//	                     ▼
//	             the first answer, now and whenever the same key comes again
//
// What it promises when nodes die: a write is answered only after a majority
// of the voters has it on disk, so the next leader has it too. When the answer
// is lost with a leader, the command is sent again under the same key and the
// state machine, not the network, sees to it that it is applied once. Reads
// are linearizable: they see every write that was answered before they began.
// Without a majority nothing is written and nobody pretends; reads that may be
// old (?consistency=stale) go on.
package grading

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"github.com/distributedgo/rollcall/node/health"
)

// Service is one node's replica and its HTTP face. All methods may be called
// at once.
type Service struct {
	cfg     Config
	log     *slog.Logger
	raftLog *bridge
	store   *store
	fsm     *fsm
	batch   *batcher
	reads   reads
	signIns *signIns

	raft   atomic.Pointer[raft.Raft] // nil before and after Run
	news   pulse                     // leader, term or configuration may have changed
	halted chan struct{}             // closed when raft has shut down
	wg     sync.WaitGroup            // short work that Run waits for

	mu      sync.Mutex
	reign   *reign // of this node, the last one it led
	stopped bool   // no more goroutines

	founding sync.Mutex // held while this node takes on a gradebook, its own or another

	watch watch // what the leader notes of the others
}

// New checks the configuration and opens the store. The caller runs Run, or,
// when it gives up before, Close.
func New(cfg Config) (*Service, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	s := &Service{cfg: cfg, log: cfg.Logger.With("part", "grading"), halted: make(chan struct{})}
	var err error
	s.raftLog = newBridge(s.log)
	if s.store, err = openStore(cfg.Dir, cfg.ID, s.raftLog); err != nil {
		return nil, err
	}
	s.store.disk.fault, s.store.disk.told = cfg.diskFault, s.diskChanged
	s.fsm = newFSM(s.log, cfg.memory)
	s.signIns = newSignIns()
	s.reads.s = s
	return s, nil
}

// Close releases the store of a service that never ran.
func (s *Service) Close() error { return s.store.Close() }

// Run takes part in raft until ctx ends. It returns nil then, and an error
// when this replica must not go on.
func (s *Service) Run(ctx context.Context) error {
	r, stop, err := s.startRaft()
	if err != nil {
		return errors.Join(err, s.store.Close())
	}
	s.raft.Store(r)
	s.news.ring()
	ctx, cancel := context.WithCancelCause(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { s.observe(ctx, r) })
	wg.Go(func() { s.announce(ctx, r, cancel) })
	wg.Go(func() { s.tend(ctx, r) })
	if s.cfg.Found {
		wg.Go(func() { s.foundIfNone(ctx) })
	}
	<-ctx.Done()
	s.raft.Store(nil)
	s.news.ring()
	err = stop()
	close(s.halted)
	s.mu.Lock()
	s.stopped = true
	s.mu.Unlock()
	wg.Wait()
	s.wg.Wait()
	err = errors.Join(err, s.store.Close())
	s.cfg.Health.Clear(healthName)
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) && !errors.Is(cause, context.DeadlineExceeded) {
		err = errors.Join(cause, err)
	}
	cancel(nil)
	return err
}

// commitTimeout is after how long without a command followers are told what is
// committed. It is long, since nobody waits for it: see batcher.nudge.
const commitTimeout = time.Second

// startRaft starts raft on the store and returns how to stop it.
func (s *Service) startRaft() (*raft.Raft, func() error, error) {
	c := raft.DefaultConfig()
	c.LocalID = raft.ServerID(s.cfg.ID)
	c.HeartbeatTimeout, c.ElectionTimeout, c.LeaderLeaseTimeout = s.cfg.Raft.Heartbeat, s.cfg.Raft.Election, s.cfg.Raft.Lease
	c.CommitTimeout = commitTimeout
	c.NoLegacyTelemetry = true
	c.ShutdownOnRemove = false // a retired node says so, and goes on answering that it does not serve
	c.Logger = s.raftLog
	if s.cfg.snapshotEvery > 0 {
		c.SnapshotThreshold, c.TrailingLogs, c.SnapshotInterval = s.cfg.snapshotEvery, s.cfg.snapshotEvery, 100*time.Millisecond
	}
	transport := raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		Stream:  newStream(s.cfg.Listener, s.cfg.ID, s.cfg.Dial, s.store.pin.gradebook, s.letIn),
		MaxPool: 3, Timeout: 2 * time.Second, Logger: s.raftLog, MsgpackUseNewTimeFormat: true,
	})
	r, err := raft.NewRaft(c, s.fsm, s.store.logs, s.store.disk, s.store.snapshots, transport)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("grading: start raft: %w", err), transport.Close())
	}
	s.batch = &batcher{raft: awaited{r, s}, spawn: s.spawn}
	return r, func() error {
		s.store.disk.end()
		return errors.Join(r.Shutdown().Error(), transport.Close())
	}, nil
}

// diskChanged tells that the log can't be written, or can again.
func (s *Service) diskChanged(failed error) {
	if failed != nil {
		s.log.Error("the log cannot be written", "error", failed)
		s.cfg.Timeline("grading.disk", fmt.Sprintf("%s: %v", s.cfg.Name, failed))
	} else {
		s.log.Info("the log can be written again")
		s.cfg.Timeline("grading.disk", s.cfg.Name+" can write again")
	}
	s.news.ring()
}

// Fault returns why this copy takes no part although it is one: its disk can't
// be written. It is nil when all is well, and on a nil Service.
func (s *Service) Fault() error {
	if s == nil {
		return nil
	}
	return s.store.disk.err()
}

// able refuses what needs this copy to move on, while it can't and follows
// another: the answer would wait for an entry that is not taken here.
func (s *Service) able() error {
	if r := s.raft.Load(); r != nil && r.State() == raft.Leader {
		return nil
	}
	return s.Fault()
}

// spawn runs short work in a goroutine that Run waits for. It reports false,
// and runs nothing, once the service has stopped.
func (s *Service) spawn(work func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.spawnLocked(work)
}

func (s *Service) spawnLocked(work func()) bool {
	if s.stopped {
		return false
	}
	s.wg.Go(work)
	return true
}

// running returns raft, or ErrNotServing before and after Run.
func (s *Service) running() (*raft.Raft, error) {
	if r := s.raft.Load(); r != nil {
		return r, nil
	}
	return nil, ErrNotServing
}

// serving returns raft once this node holds a replica: it is in the
// configuration of a founded gradebook.
func (s *Service) serving() (*raft.Raft, error) {
	r, err := s.running()
	if err != nil {
		return nil, err
	}
	if s.fsm.view.Load().gradebook == "" {
		return nil, fmt.Errorf("%w yet: %s", ErrNotServing, waiting)
	}
	if err := s.fsm.failure(); err != nil {
		return nil, fmt.Errorf("%w any more: %w", ErrNotServing, err)
	}
	if !s.member(r) {
		return nil, fmt.Errorf("%w: it is not in the gradebook's configuration", ErrNotServing)
	}
	return r, nil
}

// member reports whether raft's configuration has this node.
func (s *Service) member(r *raft.Raft) bool {
	return slices.ContainsFunc(servers(r), func(srv server) bool { return srv.ID == s.cfg.ID })
}

// servers returns raft's configuration in our words.
func servers(r *raft.Raft) []server {
	f := r.GetConfiguration()
	if f.Error() != nil {
		return nil
	}
	var out []server
	for _, srv := range f.Configuration().Servers {
		out = append(out, server{ID: string(srv.ID), Voter: srv.Suffrage == raft.Voter})
	}
	return out
}

const healthName = "grading"

// report says how this replica is.
func (s *Service) report(st health.Status, output string) {
	s.cfg.Health.Report(healthName, st, output)
}
