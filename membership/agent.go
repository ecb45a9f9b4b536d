package membership

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/memberlist"
	"github.com/hashicorp/serf/serf"
)

var (
	// ErrWrongSecret says that every seed that could be reached uses another
	// secret. Nothing but a change of configuration helps.
	ErrWrongSecret = errors.New("membership: every seed that could be reached uses another secret; give this node the cluster's, or other seeds")
	// ErrSameID says that another node uses this node's id.
	ErrSameID = errors.New("membership: gossip ended because another node uses this node's id; was the data directory copied?")
	// ErrCrashed is what Run returns after Crash.
	ErrCrashed = errors.New("membership: crashed on purpose")
)

// BindError says that the gossip port cannot be had. Addr is Config.Bind.
type BindError struct {
	Addr string
	Err  error
}

func (e *BindError) Error() string { return fmt.Sprintf("membership: Bind %s: %v", e.Addr, e.Err) }
func (e *BindError) Unwrap() error { return e.Err }

// Agent is this node's part in the gossip. All methods may be called at once.
//
//	New ──► gossiping, alone ──► Run: joins, stays joined ──► ctx ends: leaves
//	                  └────────────────── Crash ─────────────► gone without a word
type Agent struct {
	cfg      Config
	log      *slog.Logger
	timing   timing
	serf     *serf.Serf
	self     string // gossip address told to others
	timeline *Timeline
	guard    *guard
	queue    *queue
	pulse    pulse

	// turn is a lock with room for one, held over a whole change of tags, so
	// that changes are in order. A channel, because a change waits for its
	// broadcast, and virtual time stands still while anyone waits for a mutex.
	turn chan struct{}
	tags Tags // guarded by turn

	viewMu sync.Mutex        // one refresh at a time
	known  map[string]Member // guarded by viewMu: by id
	spoken spoken            // guarded by viewMu
	view   atomic.Pointer[view]

	saidSecret sometimes // that a seed uses another secret

	contact   chan struct{} // closed by contacted
	contacted func()        // once

	stop    chan struct{} // closed when gossip has ended
	ended   sync.Once
	crashed atomic.Bool
	wg      sync.WaitGroup // drain and follow
}

// New binds the gossip port and begins to gossip, alone. Run joins the others.
// An agent that is never run is ended by Crash.
func New(cfg Config) (*Agent, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	a := &Agent{
		cfg: cfg, log: cfg.Logger.With("part", "membership"), timing: profiles[cfg.Profile],
		tags: cfg.Tags.clone(), timeline: newTimeline(cfg.Now), queue: newQueue(),
		known: map[string]Member{}, stop: make(chan struct{}), turn: make(chan struct{}, 1),
		contact: make(chan struct{}),
	}
	a.contacted = sync.OnceFunc(func() { close(a.contact) })
	a.tags.Started = time.Time{}
	a.guard = &guard{self: cfg.ID, log: a.log, timeline: a.timeline, own: a.tags.Gradebook}
	if err := a.start(); err != nil {
		return nil, err
	}
	return a, nil
}

// start opens the transport and creates serf on it.
func (a *Agent) start() error {
	c := a.timing.configure()
	m := c.MemberlistConfig
	c.NodeName, c.Merge = a.cfg.ID, a.guard
	logger := newBridge(a.cfg.Logger)
	c.Logger, m.Logger = logger, logger
	c.LogOutput, m.LogOutput = nil, nil
	var err error
	if m.Keyring, err = memberlist.NewKeyring(slices.Clone(a.cfg.Keys), a.cfg.Keys[0]); err != nil {
		return fmt.Errorf("membership: Keys: %w", err)
	}
	if err := a.openTransport(m); err != nil {
		return err
	}
	fail := func(err error) error {
		_ = m.Transport.Shutdown()
		return err
	}
	ip, port, err := m.Transport.FinalAdvertiseAddr(m.AdvertiseAddr, m.AdvertisePort)
	if err != nil {
		return fail(fmt.Errorf("membership: Advertise %q: %w", a.cfg.Advertise, err))
	}
	a.self = net.JoinHostPort(ip.String(), fmt.Sprint(port))
	if c.Tags, err = a.tags.encode(ip.String()); err != nil {
		return fail(err)
	}
	events := make(chan serf.Event, 256)
	c.EventCh = events
	a.wg.Go(func() { a.queue.drain(events, a.stop) })
	if a.serf, err = serf.Create(c); err != nil {
		a.end()
		return fail(fmt.Errorf("membership: start gossip on %s: %w", a.self, err))
	}
	a.reconcile()
	a.wg.Go(a.follow)
	return nil
}

// openTransport binds the port, unless a test brings its own network, and puts
// the gate around it when there is a fault switch.
func (a *Agent) openTransport(m *memberlist.Config) error {
	m.Transport = a.cfg.Transport
	if m.Transport == nil {
		host, _, _ := net.SplitHostPort(a.cfg.Bind)
		bindPort, _ := splitPort(a.cfg.Bind)
		ip, port, err := a.cfg.advertised()
		if err != nil {
			return err
		}
		t, err := bind(&memberlist.NetTransportConfig{BindAddrs: []string{host}, BindPort: bindPort, Logger: m.Logger})
		if err != nil {
			return &BindError{a.cfg.Bind, bindCause(err)}
		}
		if port == 0 {
			port = t.GetAutoBindPort()
		}
		m.Transport, m.BindAddr, m.BindPort = t, host, t.GetAutoBindPort()
		m.AdvertiseAddr, m.AdvertisePort = ip, port
	}
	if a.cfg.Faults != nil {
		m.Transport = newGate(m.Transport, a.cfg.Faults, a.idOf)
	}
	return nil
}

// bind opens UDP and TCP on one port. A free port for TCP may be taken for
// UDP; with port 0 another one is tried.
func bind(c *memberlist.NetTransportConfig) (*memberlist.NetTransport, error) {
	tries := 1
	if c.BindPort == 0 {
		tries = 10
	}
	for {
		t, err := memberlist.NewNetTransport(c)
		if tries--; err == nil || tries == 0 {
			return t, err
		}
	}
}

// bindCause finds the cause in memberlist's error, which keeps only its text.
func bindCause(err error) error {
	for _, cause := range []syscall.Errno{syscall.EADDRINUSE, syscall.EADDRNOTAVAIL, syscall.EACCES} {
		if text := err.Error(); strings.HasSuffix(text, cause.Error()) {
			network := "tcp"
			if strings.Contains(text, "listen udp") {
				network = "udp"
			}
			return fmt.Errorf("%s: %w", network, cause)
		}
	}
	return err
}

// Run joins the seeds, stays joined, and when ctx ends leaves in order: the
// others list this node as left, not failed. It returns nil when only ctx
// ended it, and ErrWrongSecret, ErrSameID or ErrCrashed otherwise.
func (a *Agent) Run(ctx context.Context) error {
	work, cancel := context.WithCancel(ctx)
	fatal := make(chan error, 1)
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := a.stayJoined(work); err != nil {
			fatal <- err
		}
	})
	wg.Go(func() { a.settle(work) })
	defer wg.Wait()
	defer a.end()
	defer cancel()

	select {
	case <-ctx.Done():
		return a.leave()
	case err := <-fatal:
		_ = a.serf.Shutdown()
		return err
	case <-a.serf.ShutdownCh():
		if a.crashed.Load() {
			return ErrCrashed
		}
		return ErrSameID
	}
}

// leave says goodbye and closes the port. That a goodbye could not be
// delivered is no failure of the stop: the others then see a crash.
func (a *Agent) leave() error {
	err := a.goodbye()
	if a.crashed.Load() {
		return ErrCrashed
	}
	if err != nil {
		a.log.Warn("could not say goodbye; the others will see a crash", "error", err)
	}
	if err := a.serf.Shutdown(); err != nil {
		return fmt.Errorf("membership: close gossip: %w", err)
	}
	return nil
}

// goodbye survives a Crash in its middle: memberlist panics then.
func (a *Agent) goodbye() (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("ended while leaving: %v", r)
		}
	}()
	return a.serf.Leave()
}

// Crash ends gossip without a word, as kill -9 does, and frees the port. For
// tests, and for an agent that was never run.
func (a *Agent) Crash() {
	a.crashed.Store(true)
	_ = a.serf.Shutdown()
	a.end()
}

// end stops the agent's own goroutines, once gossip has ended.
func (a *Agent) end() {
	a.ended.Do(func() { close(a.stop) })
	a.wg.Wait()
}

// follow keeps the view up to date until gossip ends.
func (a *Agent) follow() {
	tick := time.NewTicker(viewEvery)
	defer tick.Stop()
	for {
		select {
		case <-a.queue.wake:
			a.refresh()
		case <-tick.C:
			a.reconcile()
		case <-a.stop:
			return
		}
		select {
		case <-time.After(viewPause):
		case <-a.stop:
			return
		}
	}
}

// Addr is the gossip address others reach this node at.
func (a *Agent) Addr() string { return a.self }

// FirstContact returns a channel that is closed once Run has joined somebody, or
// has tried all seeds and found nothing against this node. It stays open while
// seeds say that this node's secret is another one.
func (a *Agent) FirstContact() <-chan struct{} { return a.contact }

// Timeline is what this node saw happen. Other parts add to it.
func (a *Agent) Timeline() *Timeline { return a.timeline }

// Watch returns a channel that pulses after any change of the members, merged,
// and a func that ends it.
func (a *Agent) Watch() (<-chan struct{}, func()) { return a.pulse.watch() }

// Self is this node as the others are told of it.
func (a *Agent) Self() Member {
	m, _ := a.Member(a.cfg.ID)
	return m
}

// Members lists everybody known, this node too, sorted by name. A dead member
// whose name a newer one has taken is left out. The slice is the caller's;
// the roles in it are shared and must not be changed.
func (a *Agent) Members() []Member { return slices.Clone(a.view.Load().shown) }

// Member finds one member by id, superseded ones too.
func (a *Agent) Member(id string) (Member, bool) {
	m, ok := a.view.Load().byID[id]
	return m, ok
}

// idOf finds the member that gossips, or did, from an address. Before the first
// view there is nobody.
func (a *Agent) idOf(addr string) string {
	if v := a.view.Load(); v != nil {
		return v.byAddr[addr]
	}
	return ""
}

// RTT estimates the round-trip time to a member from Vivaldi coordinates
// (Dabek and others 2004), which ride on probes. It is not known at first.
func (a *Agent) RTT(id string) (time.Duration, bool) {
	there, ok := a.serf.GetCachedCoordinate(id)
	here, err := a.serf.GetCoordinate()
	if !ok || err != nil || id == a.cfg.ID {
		return 0, false
	}
	return here.DistanceTo(there), true
}
