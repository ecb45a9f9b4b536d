package registry

import (
	"fmt"
	"slices"
	"time"

	"github.com/distributedgo/rollcall/membership"
	"github.com/distributedgo/rollcall/node/health"
)

// checks lists what the witnesses say of a member: gossip, the lead's probe,
// this node's own asking, and the member's parts. The member's health is the
// worst of them. What a dead process last said of itself is left out, since
// it is no longer true.
func (in *input) checks(m membership.Member, probe *Probe) []health.Check {
	checks := []health.Check{gossipCheck(m)}
	if m.Status != membership.StatusAlive && m.Status != membership.StatusLeaving {
		return checks
	}
	if probe != nil {
		checks = append(checks, health.Check{Name: "probe", Status: probe.Status, Output: probe.Output, Since: probe.Since.UTC()})
	}
	h := in.reports[m.ID]
	if h.failures >= silentAfter {
		since := m.Since
		if h.ok {
			since = h.at
		}
		checks = append(checks, health.Check{
			Name:   "report",
			Status: health.Warning,
			Output: fmt.Sprintf("no report since %s: %s", since.UTC().Format(time.TimeOnly), h.err),
			Since:  since.UTC(),
		})
	}
	if h.ok {
		checks = append(checks, h.report.Health...)
	}
	return checks
}

// gossipCheck says in the words of a check what gossip says of a member.
func gossipCheck(m membership.Member) health.Check {
	c := health.Check{Name: "gossip", Status: health.Critical, Output: string(m.Status), Since: m.Since.UTC()}
	switch m.Status {
	case membership.StatusAlive:
		c.Status = health.Passing
	case membership.StatusLeaving:
		c.Status, c.Output = health.Warning, "leaving in good order"
	case membership.StatusLeft:
		c.Status, c.Output = health.Warning, "left in good order"
	}
	return c
}

const (
	// preserveFrom is the least number of members whose sudden loss says more
	// about this side than about them.
	preserveFrom = 4
	// atOnce is how close together failures must be to count as one event: a
	// cut shows as failures within a few seconds, as the detector goes round.
	atOnce = 10 * time.Second
)

// vanished reports whether more than half of the members failed at once and
// are still gone, of four or more. Members that left in good order do not
// count. The idea is Eureka's self-preservation: from within, a network cut
// in front of this node looks just like the death of everybody else.
func vanished(members []membership.Member) bool {
	var total int
	var failed []time.Time
	for _, m := range members {
		if m.Status == membership.StatusLeft {
			continue
		}
		total++
		if m.Status == membership.StatusFailed {
			failed = append(failed, m.Since)
		}
	}
	if total < preserveFrom {
		return false
	}
	slices.SortFunc(failed, time.Time.Compare)
	need := total/2 + 1
	for i := need - 1; i < len(failed); i++ {
		if failed[i].Sub(failed[i-need+1]) <= atOnce {
			return true
		}
	}
	return false
}
