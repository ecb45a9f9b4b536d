package membership

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/hashicorp/serf/serf"
)

// ErrOtherGradebook says that a member holds another gradebook than this
// cluster. Two gradebooks that were joined would diverge silently, so such a
// member is not let in.
var ErrOtherGradebook = errors.New("holds another gradebook")

// guard turns away members of another gradebook: a merge delegate. A node
// without a gradebook goes with any; but a node without one that stands among
// members of gradebook A must not become the bridge by which B comes in, so
// the guard asks for what the members around hold as well.
//
// serf calls it with memberlist's locks held: it must not call back, and has
// its own small state instead.
type guard struct {
	self     string
	log      *slog.Logger
	timeline *Timeline

	mu     sync.Mutex
	own    string               // guarded by mu: this node's gradebook
	around string               // guarded by mu: what alive members hold
	met    time.Time            // guarded by mu: when the first of them was let in
	said   map[string]time.Time // guarded by mu: refusals already logged
}

var _ serf.MergeDelegate = (*guard)(nil)

func (g *guard) setOwn(gradebook string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.own = gradebook
}

// setAround takes over what the view found. A member just let in may not be in
// the view yet, so for a moment it counts without being seen.
func (g *guard) setAround(gradebook string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if gradebook == "" && time.Since(g.met) < time.Second {
		return
	}
	g.around = gradebook
}

// NotifyMerge judges one member that is announced as alive, or all members
// another node knows when it is joined. Such a list also holds the dead: it is
// refused only when nobody on it shares our gradebook. Its members are judged
// one by one afterwards.
func (g *guard) NotifyMerge(members []*serf.Member) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	ours := g.own
	if ours == "" {
		ours = g.around
	}
	var stranger *serf.Member
	for _, m := range members {
		switch theirs := m.Tags["g"]; {
		case m.Name == g.self || theirs == "":
		case ours == "" && len(members) > 1:
			return nil
		case ours == "":
			g.around, g.met = theirs, time.Now() // the first gradebook met is the one to stay with
			return nil
		case theirs == ours:
			return nil
		default:
			stranger = m
		}
	}
	if stranger == nil {
		return nil
	}
	return g.refuse(stranger, ours)
}

func (g *guard) refuse(m *serf.Member, ours string) error {
	theirs := m.Tags["g"]
	err := fmt.Errorf("membership: member %s (%s) %w: %s, here it is %s; wipe one side's data directories, or start it with other seeds",
		m.Tags["n"], m.Name, ErrOtherGradebook, theirs, ours)
	key := m.Name + " " + theirs
	if now := time.Now(); now.Sub(g.said[key]) > time.Minute {
		if g.said == nil || len(g.said) > timelineLen {
			g.said = map[string]time.Time{}
		}
		g.said[key] = now
		g.log.Error("member of another gradebook refused", "member", m.Name, "name", m.Tags["n"], "gradebook", theirs, "here", ours)
		g.timeline.Add(EventRefused, m.Name, m.Tags["n"], "holds gradebook "+theirs+", here it is "+ours)
	}
	return err
}
