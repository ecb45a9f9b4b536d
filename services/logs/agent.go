package logs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"

	"github.com/distributedgo/rollcall/membership"
	"github.com/distributedgo/rollcall/node/health"
)

// AgentConfig says how a node keeps and ships its log records.
type AgentConfig struct {
	// Dir is the node's data directory; the spool is its folder "spool".
	Dir string
	// Node is the node's name, as records show it.
	Node string
	// NodeID is the node's id: the producer of its batches.
	NodeID string
	// Members lists the cluster as gossip sees it, this node too.
	Members func() []membership.Member
	// Peers reaches exactly one member by the host "<id>.node".
	Peers http.RoundTripper
	// Replicas is how many log nodes must hold a batch before the spool lets
	// it go. Default 2. With fewer log nodes than that the spool waits and
	// fills up, so a cluster that has one log node for ever needs 1.
	Replicas int
	// MaxBytes bounds what waits in the spool, in bytes. Default 512 MiB. From
	// three quarters on debug records are refused, at the end all are. The
	// folder may be larger by one file, 1/8 of it or at most 8 MiB.
	MaxBytes int64
	// Level is the lowest level that handlers keep. Default info.
	Level slog.Leveler
	// Health is told how full the spool is. May be nil.
	Health *health.Set
	// Stderr is where the agent's own troubles are written. Default os.Stderr.
	Stderr io.Writer
}

// Agent is the half of central logging that runs on every node: it takes
// records in, keeps them on this node's disk, and ships them to log nodes.
// All methods may be called at once.
type Agent struct {
	cfg   AgentConfig
	spool *spool
	ship  *shipper
	own   *troubles
	ran   sync.Once
}

// OpenAgent opens the spool, recovers what is in it, and begins a new epoch.
// Handlers work from then on; Run ships.
func OpenAgent(cfg AgentConfig) (*Agent, error) {
	var errs []error
	for _, f := range []struct{ name, value string }{{"Dir", cfg.Dir}, {"Node", cfg.Node}, {"NodeID", cfg.NodeID}} {
		if f.value == "" {
			errs = append(errs, fmt.Errorf("logs.AgentConfig.%s is empty", f.name))
		}
	}
	if len(cfg.NodeID) > maxProducer {
		errs = append(errs, fmt.Errorf("logs.AgentConfig.NodeID has %d bytes, at most %d can be", len(cfg.NodeID), maxProducer))
	}
	if cfg.Members == nil || cfg.Peers == nil {
		errs = append(errs, errors.New("logs.AgentConfig.Members and Peers must be set"))
	}
	if cfg.Replicas < 0 || cfg.MaxBytes < 0 {
		errs = append(errs, fmt.Errorf("logs.AgentConfig.Replicas %d and MaxBytes %d must not be negative", cfg.Replicas, cfg.MaxBytes))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if cfg.Replicas == 0 {
		cfg.Replicas = 2
	}
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = 512 << 20
	}
	if cfg.Level == nil {
		cfg.Level = slog.LevelInfo
	}
	if cfg.Health == nil {
		cfg.Health = new(health.Set)
	}
	if cfg.Stderr == nil {
		cfg.Stderr = os.Stderr
	}
	a := &Agent{cfg: cfg, own: newTroubles(cfg.Stderr, "log agent")}
	var err error
	if a.spool, err = openSpool(spoolConfig{
		dir: filepath.Join(cfg.Dir, "spool"), producer: cfg.NodeID, maxBytes: cfg.MaxBytes, replicas: cfg.Replicas,
		own: a.own, health: cfg.Health,
	}); err != nil {
		return nil, err
	}
	a.ship = newShipper(cfg, a.spool, a.own)
	return a, nil
}

// Run cuts, syncs and ships until ctx ends. Then it takes no more records,
// syncs what waits, ships what it can in two seconds, and closes its epoch, so
// that queries need not wait for this node. What is not shipped by then stays
// on the disk and goes out after the next start.
func (a *Agent) Run(ctx context.Context) error {
	err := errors.New("logs.Agent.Run was called twice")
	a.ran.Do(func() { err = a.run(ctx) })
	return err
}

func (a *Agent) run(ctx context.Context) error {
	var shipping sync.WaitGroup
	shipCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	shipping.Go(func() { a.ship.run(shipCtx) })

	err := a.spool.run(ctx) // cuts the last batches when ctx ends
	a.ship.farewell(shipCtx)
	stop()
	shipping.Wait()
	return errors.Join(err, a.spool.close())
}

// Flush cuts what waits and returns when at least one log node holds each
// batch that was cut until now, or with ctx's error.
func (a *Agent) Flush(ctx context.Context) error {
	if err := a.spool.sync(ctx); err != nil {
		return err
	}
	return a.spool.waitStored(ctx)
}

// SpoolBytes is how many bytes wait on this node's disk for R log nodes.
func (a *Agent) SpoolBytes() int64 { return a.spool.bytes() }

// Counters is what the agent counted since it was opened.
type Counters struct {
	Accepted int64 `json:"accepted"` // records on this node's disk
	Refused  int64 `json:"refused"`  // records that found no room, or came after the end
	Batches  int64 `json:"batches"`  // batches cut
	Shipped  int64 `json:"shipped"`  // acknowledgements of log nodes
	Failures int64 `json:"failures"` // calls to log nodes that failed
	Torn     int64 `json:"torn"`     // bytes of half-written frames cut off at the start
	Damaged  int64 `json:"damaged"`  // bytes of damaged frames found at the start
	Troubles int64 `json:"troubles"` // lines written to stderr, those held back too
}

// Counters returns the present counts.
func (a *Agent) Counters() Counters {
	c := a.spool.counters()
	c.Shipped, c.Failures = a.ship.acks.Load(), a.ship.failures.Load()
	c.Troubles = a.own.count.Load()
	return c
}
