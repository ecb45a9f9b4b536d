package peer

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/distributedgo/rollcall/membership"
)

const (
	// fade is the time in which a latency loses two thirds of its weight, so
	// that a node that was slow once is tried again soon.
	fade = 10 * time.Second
	// unknownLatency stands in for a node that was never called: a good LAN's,
	// so that a new node gets its share.
	unknownLatency = time.Millisecond
	// latencyMost caps one sample: a blocking query answers late on purpose.
	latencyMost = 2 * time.Second
	// shortRest is how long a node that said "not me" is tried last.
	shortRest = time.Second
)

// stat is what this node learned of another one by calling it.
type stat struct {
	inFlight int           // calls whose answer is not read to its end
	latency  time.Duration // to the answer's head: peak EWMA
	at       time.Time     // of latency
	rest     time.Time     // tried last until then
	failed   bool          // the last call did not reach it
}

// cost is what the next call to a node is expected to wait: those under way
// and this one, each as long as the last ones took (Finagle's peak EWMA).
func (s *stat) cost(now time.Time) float64 {
	if s == nil {
		return float64(unknownLatency)
	}
	latency := unknownLatency
	if !s.at.IsZero() {
		latency = time.Duration(float64(s.latency) * math.Exp(-float64(now.Sub(s.at))/float64(fade)))
	}
	return float64(s.inFlight+1) * float64(max(latency, time.Microsecond))
}

// observe takes note of one latency: worse counts at once, better by and by.
func (s *stat) observe(d time.Duration, now time.Time) {
	d = min(d, latencyMost)
	keep := math.Exp(-float64(now.Sub(s.at)) / float64(fade))
	if s.at.IsZero() || d > s.latency {
		keep = 0
	}
	// A sample counts at least a tenth, or a burst of calls would teach nothing.
	keep = min(keep, 0.9)
	s.latency = time.Duration(float64(s.latency)*keep + float64(d)*(1-keep))
	s.at = now
}

// Pick lists the live members that serve a role, best first, and those that
// failed a moment ago last. The best is the better of two random ones
// (Mitzenmacher 2001): nearly as good as the best of all, and callers that
// decide at the same time do not all run to the same node. The others follow
// in random order.
func (t *Transport) Pick(role string) []Peer {
	members := t.cfg.Members()
	now := time.Now()
	fresh := make([]Peer, 0, len(members))
	var resting []Peer
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range members {
		m := &members[i]
		if m.Status != membership.StatusAlive || !slices.Contains(m.Roles, role) {
			continue
		}
		p := Peer{ID: m.ID, Name: m.Name}
		if s := t.stats[m.ID]; s != nil && now.Before(s.rest) {
			resting = append(resting, p)
		} else {
			fresh = append(fresh, p)
		}
	}
	shuffle(fresh)
	if len(fresh) > 1 && t.stats[fresh[1].ID].cost(now) < t.stats[fresh[0].ID].cost(now) {
		fresh[0], fresh[1] = fresh[1], fresh[0]
	}
	shuffle(resting)
	return append(fresh, resting...)
}

func shuffle(ps []Peer) {
	rand.Shuffle(len(ps), func(i, j int) { ps[i], ps[j] = ps[j], ps[i] })
}

// Unreachable lists the ids of the members whose last call from here did not
// reach them, sorted. Gossip cannot say this: it knows dead, not "not from
// here".
func (t *Transport) Unreachable() []string {
	known := map[string]bool{}
	for _, m := range t.cfg.Members() {
		known[m.ID] = true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	var ids []string
	for id, s := range t.stats {
		switch {
		case !known[id] && s.inFlight == 0:
			delete(t.stats, id) // forgotten by gossip, so by us
		case s.failed && id != t.cfg.Self:
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// begin counts a call to a node; the returned func, called once, ends it.
func (t *Transport) begin(id string) (end func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.statOf(id).inFlight++
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.statOf(id).inFlight--
	}
}

// reached notes that a node answered.
func (t *Transport) reached(id string, took time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.statOf(id)
	s.observe(took, time.Now())
	s.failed, s.rest = false, time.Time{}
}

// lost notes that a node could not be reached.
func (t *Transport) lost(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.statOf(id)
	s.failed, s.rest = true, time.Now().Add(t.cfg.Rest)
}

// declined notes that a node answered, but does not serve now.
func (t *Transport) declined(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.statOf(id)
	s.failed, s.rest = false, time.Now().Add(min(shortRest, t.cfg.Rest))
}

// statOf finds or makes the entry of a node. The caller holds mu.
func (t *Transport) statOf(id string) *stat {
	s := t.stats[id]
	if s == nil {
		s = &stat{}
		t.stats[id] = s
	}
	return s
}
