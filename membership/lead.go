package membership

import "cmp"

// Lead names the member that leads a role: the oldest by start tag among the
// alive members that serve it, ties by id. It is a rule, not a vote: every
// node computes it from its own list, and equal lists give equal leads. The
// oldest, not the lowest name, so that the lead does not move back when an
// earlier one returns: whoever returns has a newer start tag.
//
// Under partition each side has a lead of its own. Nothing may be fenced on
// it; a lead's work must be harmless when done twice.
func Lead(members []Member, role string) (Member, bool) {
	return Oldest(members, func(m Member) bool { return m.Serves(role) })
}

// Oldest is the pure rule behind [Lead] and behind a standby's decision to
// step in: the alive member with the oldest start tag among those that
// qualify, ties by id. A nil qualify takes all. A member that has not joined
// yet has no start tag and counts as the youngest.
func Oldest(members []Member, qualify func(Member) bool) (Member, bool) {
	var best Member
	found := false
	for _, m := range members {
		if m.Status != StatusAlive || qualify != nil && !qualify(m) {
			continue
		}
		if !found || older(m, best) < 0 {
			best, found = m, true
		}
	}
	return best, found
}

// older orders by start tag, absent ones last, then by id.
func older(a, b Member) int {
	if a.Started.IsZero() != b.Started.IsZero() {
		if a.Started.IsZero() {
			return 1
		}
		return -1
	}
	return cmp.Or(a.Started.Compare(b.Started), cmp.Compare(a.ID, b.ID))
}
