package registry

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/distributedgo/rollcall/membership"
	"github.com/distributedgo/rollcall/node/health"
)

// leadState is who leads, in this node's eyes, and since when it thinks so.
// The zero value says that nobody does.
type leadState struct {
	ID    string
	Since time.Time
}

// findLead returns the member that leads: the oldest start among the alive
// ones that serve the role and that silent does not name. Gossip alone would
// keep as lead a node whose gossip lives and whose service is dead, and
// nobody would probe the prober. When all are silent, the fault is more
// likely on this side, and gossip's answer stands.
func findLead(members []membership.Member, silent func(id string) bool) (membership.Member, bool) {
	heard := slices.DeleteFunc(slices.Clone(members), func(m membership.Member) bool { return silent(m.ID) })
	if m, ok := membership.Lead(heard, Role); ok {
		return m, true
	}
	return membership.Lead(members, Role)
}

// leadWatch remembers the lead between two looks.
type leadWatch struct {
	looking sync.Mutex // held over a whole look, so that an older one never comes last

	mu    sync.Mutex
	state leadState // guarded by mu
}

func (l *leadWatch) current() leadState {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state
}

// set notes who leads now and reports whether that is a change.
func (l *leadWatch) set(id string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state.ID == id {
		return false
	}
	l.state = leadState{ID: id, Since: now}
	return true
}

// updateLead looks who leads now, notes a change in the timeline, and reports
// whether it is this node.
func (s *Service) updateLead() bool {
	s.lead.looking.Lock()
	defer s.lead.looking.Unlock()
	members := s.cfg.Members()
	m, ok := findLead(members, func(id string) bool { return id != s.cfg.Self && s.reports.silent(id) })
	leads := ok && m.ID == s.cfg.Self
	if !s.lead.set(m.ID, time.Now().UTC()) {
		return leads
	}
	if !leads {
		s.probes.clear() // what this node found is no longer asked for
	}
	if !ok {
		s.log.Info("no registry lead")
		return false
	}
	s.cfg.Timeline.Add("lead", m.ID, m.Name, fmt.Sprintf("%s leads the registry; %d members alive in this view", m.Name, sees(members)))
	s.log.Info("registry lead", "member", m.ID, "name", m.Name)
	return leads
}

// sees counts the members alive in a view.
func sees(members []membership.Member) int {
	n := 0
	for _, m := range members {
		if m.Status == membership.StatusAlive {
			n++
		}
	}
	return n
}

// probeFailures is how many probes in a row must fail before a node's service
// counts as dead. With one probe a second that is some two seconds; a single
// lost connection only warns.
const probeFailures = 2

// probeBook keeps the lead's findings.
type probeBook struct {
	mu    sync.Mutex
	found map[string]finding // by node id; guarded by mu
}

type finding struct {
	probe    Probe
	failures int // in a row
}

// note takes one probe's outcome.
func (b *probeBook) note(id string, status health.Status, output string, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.found == nil {
		b.found = map[string]finding{}
	}
	old, known := b.found[id]
	f := finding{probe: Probe{Node: id, Status: status, Output: output, Since: now}}
	if status == health.Critical {
		if f.failures = old.failures + 1; f.failures < probeFailures {
			f.probe.Status = health.Warning
		}
	}
	if known && old.probe.Status == f.probe.Status {
		f.probe.Since = old.probe.Since
	}
	b.found[id] = f
}

// keep forgets all nodes but those named.
func (b *probeBook) keep(ids []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for id := range b.found {
		if !slices.Contains(ids, id) {
			delete(b.found, id)
		}
	}
}

func (b *probeBook) clear() { b.keep(nil) }

// all returns the findings, by node id.
func (b *probeBook) all() []Probe {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]Probe, 0, len(b.found))
	for _, f := range b.found {
		out = append(out, f.probe)
	}
	slices.SortFunc(out, func(a, b Probe) int { return strings.Compare(a.Node, b.Node) })
	return out
}

// probe calls one node's readiness page. 2xx passes; 429 and 503 are a node
// that speaks for itself and is not ready, which warns; no answer, or any
// other one, is a dead service.
func (s *Service) probe(ctx context.Context, id string) (health.Status, string) {
	resp, err := s.ask(ctx, id, "/readyz")
	if err != nil {
		return health.Critical, "does not answer: " + brief(err)
	}
	defer discard(resp.Body)
	switch code := resp.StatusCode; {
	case code >= 200 && code < 300:
		return health.Passing, "answers"
	case code == http.StatusTooManyRequests || code == http.StatusServiceUnavailable:
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 200))
		return health.Warning, strings.TrimSpace(fmt.Sprintf("answers %d: %s", code, firstLine(string(text))))
	default:
		return health.Critical, fmt.Sprintf("answers %d", code)
	}
}
