package membership

import (
	"slices"
	"time"
)

// Status is how gossip knows a member.
type Status string

// The four statuses. Only alive members are picked for work. A crash is
// failed and an orderly stop is left; both are forgotten after 24 hours.
const (
	StatusAlive   Status = "alive"
	StatusLeaving Status = "leaving"
	StatusLeft    Status = "left"
	StatusFailed  Status = "failed"
)

// Member is a node as gossip knows it, seen from this node.
type Member struct {
	ID     string    // random, made once per data directory
	Name   string    // for people; two alive members of one name are shown as name-<id4>
	Status Status    // as seen from here
	Since  time.Time // when this node saw the status change

	Roles   []string // served now: a promise
	Standby []string // roles it would take over when nobody serves them

	HTTP, Cluster, Gossip string // host:port of its public, cluster and gossip ports

	Version     string    // of the program
	Commands    int       // highest version of a grading command it understands
	Started     time.Time // the start tag, by which a lead is elected; zero until it has joined
	Zone        string    // where it stands: copies are spread over zones
	Gradebook   string    // id of the gradebook it holds; empty for none yet
	Fingerprint string    // of the newest secret it knows
	Voting      bool      // the grading role is configured: it offers itself to raft
}

// Serves reports whether the member is alive and promises the role now.
func (m Member) Serves(role string) bool {
	return m.Status == StatusAlive && slices.Contains(m.Roles, role)
}

// StandsBy reports whether the member is alive and would take over the role.
func (m Member) StandsBy(role string) bool {
	return m.Status == StatusAlive && slices.Contains(m.Standby, role)
}

// same reports whether two readings of a member differ in nothing but Since.
func (m Member) same(o Member) bool {
	return m.ID == o.ID && m.Name == o.Name && m.Status == o.Status &&
		slices.Equal(m.Roles, o.Roles) && slices.Equal(m.Standby, o.Standby) &&
		m.HTTP == o.HTTP && m.Cluster == o.Cluster && m.Gossip == o.Gossip &&
		m.Version == o.Version && m.Commands == o.Commands && m.Started.Equal(o.Started) &&
		m.Zone == o.Zone && m.Gradebook == o.Gradebook && m.Fingerprint == o.Fingerprint &&
		m.Voting == o.Voting
}
