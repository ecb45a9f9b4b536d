package grading

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/distributedgo/rollcall/membership"
	"github.com/distributedgo/rollcall/node/health"
	"github.com/distributedgo/rollcall/node/identity"
)

// CommandVersion is the newest command version that this program applies. A
// node carries it as a tag; the leader proposes nothing that some voter does
// not know (rolling upgrades).
const CommandVersion = 1

// Config is what a Service needs. Fields are required unless they say else.
type Config struct {
	ID   string // node id; it is also the raft id and the raft address
	Name string // human name, for the history's "which node"
	Dir  string // where raft's log and snapshots live; a marker lies beside it

	Listener net.Listener                                           // raft connections that came in
	Dial     func(ctx context.Context, id string) (net.Conn, error) // to raft of exactly that node
	Peers    http.RoundTripper                                      // http://<id>.node/… reaches that node

	Members func() []membership.Member       // what gossip knows
	Watch   func() (<-chan struct{}, func()) // pulses when that changes; optional

	Keys     identity.Keys                        // sign sessions and tokens
	Publish  func(gradebook string, serving bool) // sets the node's tags; optional
	Timeline func(kind, detail string)            // events for the cluster page; optional
	Raft     RaftConfig                           // default: DefaultRaft
	Found    bool                                 // found a gradebook when there is none (--dev)
	Logger   *slog.Logger                         // default: discard
	Health   *health.Set                          // optional

	// Tests turn these; the zero value means the constants beside their use.
	stable, replace, planEvery, patience time.Duration
	memory                               int
	snapshotEvery                        uint64
	diskFault                            func() error
}

// RaftConfig is raft's timing. Shorter times find a dead leader sooner and
// take a slow one for dead more often. A kill -9 of the leader was answered by
// the next acknowledged write after 0.4–1.0 s with the defaults.
type RaftConfig struct {
	Heartbeat time.Duration // silence of the leader after which a follower stands for election; default 300 ms
	Election  time.Duration // after which a candidate tries again; default 300 ms
	Lease     time.Duration // without a quorum after which a leader steps down; default 300 ms, at most Heartbeat
}

// DefaultRaft returns the timing for a local network.
func DefaultRaft() RaftConfig {
	return RaftConfig{Heartbeat: 300 * time.Millisecond, Election: 300 * time.Millisecond, Lease: 300 * time.Millisecond}
}

// complete fills in defaults and returns every fault.
func (c *Config) complete() error {
	var faults []error
	need := func(ok bool, field, remedy string) {
		if !ok {
			faults = append(faults, fmt.Errorf("grading: %s is missing: %s", field, remedy))
		}
	}
	need(c.ID != "", "ID", "give the node's id")
	need(c.Dir != "", "Dir", "give a folder for raft's log")
	need(c.Listener != nil, "Listener", "give the listener of raft connections")
	need(c.Dial != nil, "Dial", "give a function that connects to a node's raft")
	need(c.Peers != nil, "Peers", "give a transport to the other nodes")
	need(c.Members != nil, "Members", "give the list of members")
	need(len(c.Keys.Session) > 0 && len(c.Keys.Token) > 0, "Keys", "derive them from the cluster's secret")
	if c.Name == "" {
		c.Name = c.ID
	}
	if c.Watch == nil {
		c.Watch = func() (<-chan struct{}, func()) { return nil, func() {} }
	}
	if c.Publish == nil {
		c.Publish = func(string, bool) {}
	}
	if c.Timeline == nil {
		c.Timeline = func(string, string) {}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Health == nil {
		c.Health = &health.Set{}
	}
	if c.Raft == (RaftConfig{}) {
		c.Raft = DefaultRaft()
	}
	def(&c.stable, stableAfter)
	def(&c.replace, replaceAfter)
	def(&c.planEvery, planEvery)
	def(&c.patience, patience)
	def(&c.memory, remembered)
	return errors.Join(append(faults, c.Raft.validate())...)
}

// def sets a field that was left zero.
func def[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func (c RaftConfig) validate() error {
	var faults []error
	for _, f := range []struct {
		name  string
		value time.Duration
	}{{"heartbeat", c.Heartbeat}, {"election", c.Election}, {"lease", c.Lease}} {
		if f.value < 5*time.Millisecond {
			faults = append(faults, fmt.Errorf("grading: raft %s %v is too short: at least 5ms", f.name, f.value))
		}
	}
	if c.Lease > c.Heartbeat {
		faults = append(faults, fmt.Errorf("grading: raft lease %v is longer than heartbeat %v: a leader would go on after its followers chose another; shorten the lease", c.Lease, c.Heartbeat))
	}
	if c.Election < c.Heartbeat {
		faults = append(faults, fmt.Errorf("grading: raft election %v is shorter than heartbeat %v: lengthen it", c.Election, c.Heartbeat))
	}
	return errors.Join(faults...)
}
