package membership

import (
	"cmp"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/serf/serf"
)

const (
	// viewEvery is how often the view is compared with serf's list even without
	// an event: it finds those that are leaving.
	viewEvery = 500 * time.Millisecond
	// viewPause merges a burst of events, as when a hundred nodes start, into
	// few new views. It is also how late a change is seen, at most.
	viewPause = 5 * time.Millisecond
)

// view is what this node knows at one moment. It never changes once published,
// so any number of readers share it without a lock.
type view struct {
	shown  []Member          // sorted by name, as Members returns them
	byID   map[string]Member // all, the superseded too
	byAddr map[string]string // gossip address → id; of two, the one that is here
}

// refresh brings the view up to date with the queued events, in order, so that
// the timeline misses nothing.
func (a *Agent) refresh() {
	a.viewMu.Lock()
	defer a.viewMu.Unlock()
	if a.applyQueued() {
		a.publish()
	}
}

// reconcile refreshes and then compares with serf's own list, which also knows
// what no event tells (a member that is leaving). Applying the same news twice
// changes nothing, so the two may overlap. It takes longer the more members
// there are, so it is not done for each event.
func (a *Agent) reconcile() {
	a.viewMu.Lock()
	defer a.viewMu.Unlock()
	changed := a.applyQueued()
	seen := map[string]bool{}
	for _, m := range a.serf.Members() {
		seen[m.Name] = true
		changed = a.learn(fromSerf(m)) || changed
	}
	for id := range a.known {
		if !seen[id] {
			changed = a.forget(id) || changed
		}
	}
	if changed || a.view.Load() == nil {
		a.publish()
	}
}

// applyQueued reports whether the queue held anything new. The caller holds
// viewMu.
func (a *Agent) applyQueued() (changed bool) {
	for _, e := range a.queue.take() {
		for _, m := range e.Members {
			if e.Type == serf.EventMemberReap {
				changed = a.forget(m.Name) || changed
				continue
			}
			changed = a.learn(fromSerf(m)) || changed
		}
	}
	return changed
}

// learn takes note of a member as it is now and tells the timeline what that
// means. It reports whether anything is new.
func (a *Agent) learn(m Member) bool {
	old, had := a.known[m.ID]
	m.Since = old.Since
	if had && old.same(m) {
		return false
	}
	if !had || old.Status != m.Status {
		m.Since = a.cfg.Now().UTC()
	}
	a.known[m.ID] = m
	if kind := transition(old.Status, m.Status); kind != "" {
		a.note(kind, m, strings.Join(m.Roles, ", "))
	} else if !slices.Equal(old.Roles, m.Roles) {
		a.note(EventServing, m, cmp.Or(strings.Join(m.Roles, ", "), "nothing"))
	}
	return true
}

// transition names the event that a change of status is.
func transition(from, to Status) string {
	switch {
	case from == to:
		return ""
	case to == StatusAlive && from == StatusFailed:
		return EventBack
	case to == StatusAlive:
		return EventJoined
	case to == StatusLeaving:
		return EventLeaving
	case to == StatusLeft:
		return EventLeft
	case to == StatusFailed:
		return EventFailed
	}
	return ""
}

func (a *Agent) forget(id string) bool {
	m, had := a.known[id]
	if had {
		delete(a.known, id)
		a.note(EventReaped, m, "")
	}
	return had
}

// note logs an event and adds it to the timeline.
func (a *Agent) note(kind string, m Member, detail string) {
	a.log.Info("member "+kind, "member", m.ID, "name", m.Name, "detail", detail)
	a.timeline.Add(kind, m.ID, m.Name, detail)
}

// publish renders what is known into a new view and wakes the watchers.
func (a *Agent) publish() {
	all := slices.Collect(maps.Values(a.known))
	v := &view{byID: maps.Clone(a.known), byAddr: map[string]string{}}
	var s spoken
	v.shown, s = arrange(all)
	around := ""
	for _, m := range all {
		if m.Status == StatusAlive && m.ID != a.cfg.ID {
			around = max(around, m.Gradebook)
		}
		if other, taken := v.byAddr[m.Gossip]; !taken || liveliness(a.known[other]) < liveliness(m) {
			v.byAddr[m.Gossip] = m.ID
		}
	}
	a.guard.setAround(around)
	for id := range s.replaced {
		if !a.spoken.replaced[id] {
			a.note(EventReplaced, a.known[id], "a newer member has its name")
		}
	}
	for id := range s.twins {
		if !a.spoken.twins[id] {
			a.log.Warn("two members share a name; give one another --name", "member", id, "name", a.known[id].Name)
			a.timeline.Add(EventTwin, id, a.known[id].Name, "two members share this name; give one another")
		}
	}
	a.spoken = s
	a.view.Store(v)
	a.pulse.beat()
}

// spoken is what arrange had to do about names, so that it is said once.
type spoken struct{ replaced, twins map[string]bool }

// arrange is the pure rule of names. Ids never collide; names do when a node
// is wiped and comes back under a new id, and then the newer member supersedes
// the dead one, which is not shown any more. Two alive members of one name are
// both shown, as name-<first four of the id>. The result is sorted by name.
func arrange(all []Member) ([]Member, spoken) {
	s := spoken{map[string]bool{}, map[string]bool{}}
	groups := map[string][]Member{}
	for _, m := range all {
		groups[m.Name] = append(groups[m.Name], m)
	}
	shown := make([]Member, 0, len(all))
	for _, group := range groups {
		slices.SortFunc(group, func(x, y Member) int { // the one to show first
			return cmp.Or(cmp.Compare(liveliness(y), liveliness(x)), y.Started.Compare(x.Started), cmp.Compare(y.ID, x.ID))
		})
		for i, m := range group {
			switch twin := len(group) > 1 && group[1].Status == StatusAlive; {
			case m.Status == StatusAlive && twin:
				s.twins[m.ID] = true
				m.Name += "-" + m.ID[:min(4, len(m.ID))]
			case i > 0:
				s.replaced[m.ID] = true
				continue
			}
			shown = append(shown, m)
		}
	}
	slices.SortFunc(shown, func(x, y Member) int {
		return cmp.Or(cmp.Compare(x.Name, y.Name), cmp.Compare(x.ID, y.ID))
	})
	return shown, s
}

func liveliness(m Member) int {
	switch m.Status {
	case StatusAlive:
		return 2
	case StatusLeaving:
		return 1
	}
	return 0
}

// fromSerf reads a member as serf has it.
func fromSerf(m serf.Member) Member {
	out := Member{ID: m.Name, Gossip: net.JoinHostPort(m.Addr.String(), strconv.Itoa(int(m.Port)))}
	switch m.Status {
	case serf.StatusAlive:
		out.Status = StatusAlive
	case serf.StatusLeaving:
		out.Status = StatusLeaving
	case serf.StatusLeft:
		out.Status = StatusLeft
	default:
		out.Status = StatusFailed
	}
	decode(&out, m.Tags)
	return out
}
