package registry

import (
	"context"
	"slices"
	"time"

	"github.com/distributedgo/rollcall/membership"
)

// A standby is a node that was not given the registry role and takes it when
// nobody else serves it:
//
//	          nobody serves for 1 s, not in the first 10 s
//	waiting ───────────────────────────────────────────────► serving
//	        ◄───────────────────────────────────────────────
//	          a configured one has served for 30 s
//
// No vote is held. The oldest alive standby takes the role first. Each younger
// one waits a second longer, in case the older ones are standbys in gossip
// only. Should two take the role all the same (a partition), the younger one
// withdraws as if the older one were configured.
const (
	// vacantFor is how long nobody must serve before a standby takes the role.
	vacantFor = time.Second
	// vacantStep is how much longer each younger standby waits. It is several
	// gossip spreads, by which it hears that an older one took the role.
	vacantStep = time.Second
	// settleFor is how long after its own start a node takes nothing: in a
	// cluster's first seconds the view is still filling.
	settleFor = 10 * time.Second
	// relievedFor is how long another must have served before a standby
	// withdraws. It is long, so that a flapping node does not carry the role
	// back and forth.
	relievedFor = 30 * time.Second
	// readEvery is the time between two readings when nothing changes.
	readEvery = 200 * time.Millisecond
	// readGap is the longest time between two readings that still proves
	// anything about what lay between them; a process that was paused, or a
	// closed laptop, begins to watch anew.
	readGap = time.Second
)

// reading is what a standby saw at one moment.
type reading struct {
	at       time.Time
	serving  bool // this node serves the role, as a standby
	vacant   bool // no alive member serves it
	relieved bool // another serves it, answers, and goes before this node
	rank     int  // alive standbys that are older than this node
}

// move is what a standby does after a reading.
type move string

const (
	stay     move = "stay"
	take     move = "take"
	withdraw move = "withdraw"
)

// decide says what to do after the last reading of history, the oldest first;
// began is when this node started to watch.
func decide(history []reading, began time.Time) move {
	if len(history) == 0 {
		return stay
	}
	last := history[len(history)-1]
	switch {
	case last.serving:
		if held(history, func(r reading) bool { return r.relieved }) >= relievedFor {
			return withdraw
		}
	case last.vacant:
		behind := time.Duration(last.rank) * vacantStep // the older ones go first
		vacant := held(history, func(r reading) bool { return r.vacant })
		if vacant >= vacantFor+behind && last.at.Sub(began) >= settleFor+behind {
			return take
		}
	}
	return stay
}

// held returns for how long a fact was true in every reading up to the last
// one, without a gap between them.
func held(history []reading, fact func(reading) bool) time.Duration {
	var since, last time.Time
	for _, r := range slices.Backward(history) {
		if !fact(r) || !since.IsZero() && since.Sub(r.at) > readGap {
			break
		}
		if last.IsZero() {
			last = r.at
		}
		since = r.at
	}
	return last.Sub(since)
}

// standBy reads the members on every change, and at least every readEvery,
// and does what decide says, until ctx ends.
func (s *Service) standBy(ctx context.Context) {
	pulses, stop := s.cfg.Watch()
	defer stop()
	tick := time.NewTicker(readEvery)
	defer tick.Stop()
	began := time.Now()
	var history []reading
	for {
		now := time.Now()
		history = append(history, s.read(now))
		old := func(r reading) bool { return now.Sub(r.at) > relievedFor+readGap }
		history = slices.DeleteFunc(history, old)
		switch decide(history, began) {
		case take:
			s.standIn()
		case withdraw:
			s.standDown()
		}
		select {
		case <-ctx.Done():
			return
		case <-pulses:
		case <-tick.C:
		}
	}
}

// read takes one reading of the members and their reports.
func (s *Service) read(now time.Time) reading {
	r := reading{at: now, serving: s.Serving(), vacant: true}
	members := s.cfg.Members()
	self, known := memberOf(members, s.cfg.Self)
	if !known || self.Status != membership.StatusAlive {
		r.vacant = false // who is not a member has no say
		return r
	}
	reports := s.reports.all()
	for _, m := range members {
		if m.ID == self.ID || m.Status != membership.StatusAlive {
			continue
		}
		before := older(m, self)
		if m.StandsBy(Role) && before {
			r.rank++
		}
		if !m.Serves(Role) {
			continue
		}
		r.vacant = false
		if h := reports[m.ID]; h.ok && h.failures == 0 {
			r.relieved = r.relieved || before || !m.StandsBy(Role)
		}
	}
	return r
}

// standIn takes the role. A promise that fails is made again after the next
// reading.
func (s *Service) standIn() {
	s.beginServing()
	if err := s.cfg.Promise(true); err != nil {
		s.endServing()
		s.log.Warn("standby could not take the role", "err", err)
		return
	}
	s.log.Info("standby took the role")
	s.cfg.Timeline.Add("standby", s.cfg.Self, s.ownName(), "nobody served the registry; this node stands in")
}

// standDown gives the role back: first the promise, then the service.
func (s *Service) standDown() {
	if err := s.cfg.Promise(false); err != nil {
		s.log.Warn("standby could not give the role back", "err", err)
		return
	}
	s.endServing()
	s.log.Info("standby gave the role back")
	s.cfg.Timeline.Add("standby", s.cfg.Self, s.ownName(), "another node serves the registry; this node stood down")
}

func (s *Service) ownName() string {
	m, _ := memberOf(s.cfg.Members(), s.cfg.Self)
	return m.Name
}

// older reports whether a goes before b in the election; both are alive.
func older(a, b membership.Member) bool {
	first, _ := membership.Oldest([]membership.Member{a, b}, nil)
	return first.ID == a.ID
}

func memberOf(members []membership.Member, id string) (membership.Member, bool) {
	i := slices.IndexFunc(members, func(m membership.Member) bool { return m.ID == id })
	if i < 0 {
		return membership.Member{}, false
	}
	return members[i], true
}
