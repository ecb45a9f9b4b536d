// Package registry is the role that gathers what is known about every node
// into one view of the cluster.
//
// It is a hub view without a hub. Who is here, and which roles they serve,
// comes from gossip, and every node has that already; without any registry
// node our roles still find each other. What a registry node adds is what
// gossip is too small and too slow to carry: it asks every node once a second
// for its report (how full is the log spool, how far is its copy of the
// gradebook, whom can it not reach), and merges the answers with gossip into a
// Cluster.
//
//	gossip ── members ──────────────┐
//	GET <id>.node/v1/node ─ reports ┼─► build ─► Cluster ─► GET /v1/cluster
//	GET <id>.node/readyz ── probes ─┘                   └─► /v1/cluster/events
//
// All registry nodes hold such a view and all of them answer. One of them is
// the lead: besides asking for reports it calls every node's readiness page,
// and so finds the node whose gossip lives and whose service is dead. The
// others take its findings from its report. The lead is found, not elected:
// the oldest start among the alive members with the role, ties by id
// (membership.Lead), passing over one that this node cannot get an answer
// from. Two leads during a partition are harmless, since all that a lead does
// may be done twice, and each view says who leads, since when, and how many
// members it sees.
//
// When a registry node dies, gossip tells everyone in about a second, calls
// for the role go to the next one, and the next oldest leads. When the last
// one dies, a standby takes the role by itself; see standby.go.
//
// A node's health is the worst of three witnesses: its member status, what
// its own parts say of themselves, and the lead's probe. When more than half
// of the members vanish at once, the view says that this side may be the one
// that was cut off, as Eureka's self-preservation does.
package registry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/distributedgo/rollcall/membership"
	"github.com/distributedgo/rollcall/node/health"
)

// Role is the name of the role in member tags and in URL hosts.
const Role = "registry"

// timeline is what the registry needs of membership.Timeline: a bounded list
// of numbered events that can be added to, read from a number on, and watched.
type timeline interface {
	Add(kind, member, name, detail string) membership.Event
	After(seq uint64) []membership.Event
	Watch() (<-chan struct{}, func())
}

// Config says what a registry works with. All fields are required unless the
// comment says otherwise.
type Config struct {
	// Self is this node's id, Name the cluster's name.
	Self, Name string

	// Members returns all known members, this node among them, and Watch a
	// channel that pulses after any change to them, with a func to end it.
	Members func() []membership.Member
	Watch   func() (<-chan struct{}, func())

	// Timeline is this node's numbered events. The registry adds those about
	// the lead and the standby, and streams all.
	Timeline timeline

	// Peers reaches the node with id x at http://x.node.
	Peers http.RoundTripper

	// Report says what this node answers to GET /v1/node. Its Registry field
	// is filled in by the registry for its own view; for the answer to others
	// the caller sets it to Service.Claim.
	Report func() NodeReport

	// Configured is true when the operator gave this node the role. Run then
	// makes the promise as soon as it has asked every member once.
	Configured bool

	// Standby is true when this node may take the role while nobody serves
	// it. It has no effect on a configured node, which therefore should not
	// carry the standby tag: a member that serves the role and has that tag
	// is one that stands in.
	Standby bool

	// Promise sets or clears the role's tag on this member, so that others
	// send calls here. It may be called again with what already holds. An
	// error is logged and the call repeated. Run never clears the tag when it
	// ends: an orderly stop withdraws all roles of a node together, before it.
	Promise func(serve bool) error

	// Health takes what the registry says of itself, under "registry".
	// Optional.
	Health *health.Set

	// Logger is optional; without one nothing is logged.
	Logger *slog.Logger
}

// validate returns all faults of c at once.
func (c *Config) validate() error {
	var faults []error
	need := func(ok bool, field, what string) {
		if !ok {
			faults = append(faults, fmt.Errorf("registry: Config.%s: missing; give %s", field, what))
		}
	}
	need(c.Self != "", "Self", "this node's id")
	need(c.Name != "", "Name", "the cluster's name")
	need(c.Members != nil, "Members", "a func that lists the members")
	need(c.Watch != nil, "Watch", "a func that watches the members")
	need(c.Timeline != nil, "Timeline", "the node's timeline")
	need(c.Peers != nil, "Peers", "a RoundTripper that reaches http://<id>.node")
	need(c.Report != nil, "Report", "a func that reports on this node")
	need(c.Promise != nil || !c.Configured && !c.Standby, "Promise", "a func that sets the role's tag")
	return errors.Join(faults...)
}

// Service is the registry of one node. All methods may be called at once.
type Service struct {
	cfg Config
	log *slog.Logger

	serving atomic.Bool
	reports reportBook // what the others said of themselves
	probes  probeBook  // what this node found by probing, while it leads
	lead    leadWatch  // who leads, as this node sees it
	board   board      // the last published view, for streams
	kick    chan struct{}
}

// New checks cfg and returns a registry. A configured one answers at once,
// from gossip alone until Run has asked the others.
func New(cfg Config) (*Service, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Health == nil {
		cfg.Health = &health.Set{}
	}
	s := &Service{
		cfg:  cfg,
		log:  cfg.Logger.With("part", Role),
		kick: make(chan struct{}, 1),
	}
	return s, nil
}

// Run serves until ctx ends and then returns nil. A node that is neither
// configured nor a standby only waits.
func (s *Service) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	if s.cfg.Configured {
		wg.Go(func() {
			s.settle(ctx)
			s.beginServing()
			s.round(ctx) // nobody is sent here while the view is empty
			s.keepPromise(ctx)
		})
	} else if s.cfg.Standby {
		wg.Go(func() { s.standBy(ctx) })
	}
	wg.Go(func() { s.rounds(ctx) })
	wg.Go(func() { s.publish(ctx) })
	<-ctx.Done()
	return nil
}

// Serving reports whether this node answers for the role now. It is false on
// a nil Service.
func (s *Service) Serving() bool { return s != nil && s.serving.Load() }

// Claim returns what this node's registry says of itself, for the Registry
// field of the node's report; nil while it does not serve, and on a nil
// Service.
func (s *Service) Claim() *RegistryReport {
	if !s.Serving() {
		return nil
	}
	lead := s.lead.current()
	claim := &RegistryReport{
		Leads: lead.ID == s.cfg.Self,
		Since: lead.Since,
		Sees:  sees(s.cfg.Members()),
	}
	if claim.Leads {
		claim.Probes = s.probes.all()
	}
	return claim
}

// Cluster takes a fresh view.
func (s *Service) Cluster() Cluster {
	now := time.Now().UTC()
	own := s.cfg.Report()
	own.Registry = s.Claim()
	reports := s.reports.all()
	reports[s.cfg.Self] = heard{report: own, at: now, ok: true, marks: reports[s.cfg.Self].marks}
	return build(input{
		self:    s.cfg.Self,
		name:    s.cfg.Name,
		now:     now,
		members: s.cfg.Members(),
		reports: reports,
		lead:    s.lead.current(),
	})
}

// settleLimit is how long a starting registry waits to meet the others.
const settleLimit = 3 * time.Second

// settle waits until this node has tried to join the others, which is when
// gossip stamps its start, and at most settleLimit: a view of oneself alone
// would tell everybody that all others are gone.
func (s *Service) settle(ctx context.Context) {
	changed, stop := s.cfg.Watch()
	defer stop()
	limit := time.NewTimer(settleLimit)
	defer limit.Stop()
	for !s.joined() {
		select {
		case <-ctx.Done():
			return
		case <-limit.C:
			return
		case <-changed:
		}
	}
}

func (s *Service) joined() bool {
	for _, m := range s.cfg.Members() {
		if m.ID == s.cfg.Self {
			return !m.Started.IsZero()
		}
	}
	return false
}

// beginServing opens the doors; the promise, which sends others here, comes
// after it.
func (s *Service) beginServing() {
	s.serving.Store(true)
	s.cfg.Health.Report(Role, health.Passing, "serving")
	select {
	case s.kick <- struct{}{}:
	default:
	}
}

// endServing closes the doors, after the promise was taken back. What was
// heard is forgotten: it will be old when the doors open again.
func (s *Service) endServing() {
	s.serving.Store(false)
	s.cfg.Health.Clear(Role)
	s.reports.keep(nil)
	s.probes.clear()
	s.board.withdraw()
}

// keepPromise makes the promise of a configured node, again until it is taken.
func (s *Service) keepPromise(ctx context.Context) {
	for wait := 50 * time.Millisecond; ctx.Err() == nil; wait = min(2*wait, time.Second) {
		err := s.cfg.Promise(true)
		if err == nil {
			return
		}
		s.log.Warn("role not promised", "err", err, "again", wait)
		sleep(ctx, wait)
	}
}
