package membership

import (
	"math"
	"time"

	"github.com/hashicorp/memberlist"
	"github.com/hashicorp/serf/serf"
)

// Profile is a set of time-outs that belong together.
type Profile string

const (
	// Local is for one machine or one LAN, and the default: a dead node is
	// known to all in 0.8 to 1.0 s at 5 nodes, 1.3 to 1.5 s at 50, without
	// false alarms on machines that are busy.
	Local Profile = "local"
	// WAN is patient: for round trips up to some 300 ms. A dead node is known
	// after about six seconds.
	WAN Profile = "wan"
)

// timing holds the knobs of one profile. The first detection of a death takes
// about probe × (2 + suspicion × max(1, log10 N)).
type timing struct {
	probe     time.Duration // one random other is probed this often
	timeout   time.Duration // and has this long to answer before others are asked to try
	suspicion int           // how many probe intervals a suspect has to refute
	gossip    time.Duration // news go to three random others this often; shorter costs packets
	pushPull  time.Duration // full exchange with one other over TCP
	tcp       time.Duration // limit of a TCP exchange; also how long a stop waits for one
	dead      time.Duration // how long news still go to the dead, so that they can refute
	reconnect time.Duration // how often a failed member is tried again
	spread    time.Duration // how long a leaving node stays to hear probes
	confirm   time.Duration // how long to wait until news of our own went out; a stop may wait twice
}

// Not memberlist's DefaultLocalConfig for Local: with its two retransmissions
// it loses updates (measured).
var profiles = map[Profile]timing{
	Local: {
		probe: 150 * time.Millisecond, timeout: 75 * time.Millisecond, suspicion: 4,
		gossip: 40 * time.Millisecond, pushPull: 10 * time.Second, tcp: 2 * time.Second,
		dead: 15 * time.Second, reconnect: 2 * time.Second, spread: 250 * time.Millisecond, confirm: time.Second,
	},
	// serf's own defaults, with a shorter TCP limit so that a stop stays below
	// ten seconds even while a dial hangs.
	WAN: {
		probe: time.Second, timeout: 500 * time.Millisecond, suspicion: 4,
		gossip: 200 * time.Millisecond, pushPull: 30 * time.Second, tcp: 5 * time.Second,
		dead: 30 * time.Second, reconnect: 30 * time.Second, spread: time.Second, confirm: 2 * time.Second,
	},
}

// configure returns serf's configuration with these timings.
func (t timing) configure() *serf.Config {
	m := memberlist.DefaultLANConfig()
	m.ProbeInterval, m.ProbeTimeout, m.SuspicionMult = t.probe, t.timeout, t.suspicion
	m.GossipInterval, m.PushPullInterval, m.TCPTimeout = t.gossip, t.pushPull, t.tcp
	m.GossipToTheDeadTime = t.dead
	// A node that comes back on another port takes its id with it at once: ids
	// are random and never shared, so nobody can be robbed of one.
	m.DeadNodeReclaimTime = time.Millisecond
	// Packets are small; compressing them costs more than it saves.
	m.EnableCompression = false

	c := serf.DefaultConfig()
	c.MemberlistConfig = m
	c.ReconnectInterval = t.reconnect
	c.LeavePropagateDelay = t.spread
	c.BroadcastTimeout = t.confirm
	return c
}

// spreadTime is how long a change of tags needs to reach n members: gossip
// goes to three others each interval, so the number who know is multiplied by
// four each time. Twice that, because a packet may be lost.
func (t timing) spreadTime(n int) time.Duration {
	rounds := 1 + math.Ceil(math.Log(float64(n+1))/math.Log(4))
	return time.Duration(2*rounds) * t.gossip
}
