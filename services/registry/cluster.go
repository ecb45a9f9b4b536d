package registry

import (
	"time"

	"github.com/distributedgo/rollcall/node/health"
)

// Cluster is one registry node's view of everybody, the answer of
// GET /v1/cluster. Another registry node may answer slightly differently: no
// node owns the truth, so the view says who saw it (SeenBy) and when (At).
type Cluster struct {
	Name         string        `json:"name" doc:"The cluster's name."`
	Gradebook    string        `json:"gradebook" doc:"Id of the gradebook; empty before it is founded."`
	At           time.Time     `json:"at" doc:"When this view was taken, by the clock of the node that took it."`
	SeenBy       string        `json:"seenBy" doc:"Id of the node that took this view."`
	Headline     string        `json:"headline" doc:"The state of the cluster in one sentence."`
	Notes        []string      `json:"notes" doc:"What else a person should know, one sentence each; empty when all is well."`
	Worst        health.Status `json:"worst" doc:"The worst health among the nodes that did not leave in good order."`
	Preserving   bool          `json:"preserving" doc:"More than half of the members vanished at once: this side may be the one that was cut off, so nothing is forgotten."`
	Nodes        []Node        `json:"nodes" doc:"Every known member, by name."`
	RegistryLead *RegistryLead `json:"registryLead" doc:"The registry node that probes; null while nobody has the role."`
	Grading      *Grading      `json:"grading" doc:"The gradebook's raft group; null while no node reports one."`
	Log          Log           `json:"log" doc:"The log role as a whole."`
}

// Node is one member: its status by gossip, and the last report it gave.
type Node struct {
	ID              string         `json:"id" doc:"Node id."`
	Name            string         `json:"name" doc:"The name people use."`
	Zone            string         `json:"zone" doc:"Where the node runs; empty when not told."`
	Version         string         `json:"version" doc:"Version of the binary."`
	Status          string         `json:"status" enum:"alive,leaving,left,failed" doc:"Member status by gossip."`
	Since           time.Time      `json:"since" doc:"When that status began, as the node that took the view saw it."`
	Roles           []string       `json:"roles" doc:"Roles served now."`
	HTTP            string         `json:"http" doc:"host:port of the public port."`
	Cluster         string         `json:"cluster" doc:"host:port of the cluster port."`
	Started         time.Time      `json:"started" doc:"Start time the election goes by."`
	Fingerprint     string         `json:"fingerprint" doc:"Names the secret the node uses, without telling it."`
	UnreachableFrom []string       `json:"unreachableFrom" doc:"Ids of the nodes whose last calls to this one failed."`
	RTTMs           *float64       `json:"rttMs" doc:"Round-trip time in milliseconds from the node that took the view; null when not known."`
	SpoolBytes      int64          `json:"spoolBytes" doc:"Log bytes on this node's disk, not yet shipped."`
	Worst           health.Status  `json:"worst" doc:"The worst of the checks below."`
	Health          []health.Check `json:"health" doc:"Gossip, the lead's probe, the age of the report, then the node's own checks."`
	Grading         *NodeGrading   `json:"grading" doc:"This node's copy of the gradebook; null without one."`
	ReportedAt      *time.Time     `json:"reportedAt" doc:"When the node's last report arrived; null when none did."`
}

// NodeGrading is how far one copy of the gradebook has come.
type NodeGrading struct {
	Voter bool   `json:"voter" doc:"Whether this copy counts for quorum."`
	Index uint64 `json:"index" doc:"Last log index applied."`
	Lag   uint64 `json:"lag" doc:"Committed entries this copy has still to apply."`
	Fault string `json:"fault,omitempty" doc:"Why this copy takes no part although it is one, such as a full disk; absent when it does."`
}

// RegistryLead says which registry node leads, since when, and how many
// members it sees alive.
type RegistryLead struct {
	ID    string    `json:"id" doc:"Node id of the lead."`
	Since time.Time `json:"since" doc:"When it became the lead."`
	Sees  int       `json:"sees" doc:"Members alive in its view."`
}

// Grading is the raft group as a whole, merged from the reports of its nodes.
type Grading struct {
	Leader      string   `json:"leader" doc:"Node id of the leader; empty while there is none."`
	Term        uint64   `json:"term" doc:"Raft term."`
	CommitIndex uint64   `json:"commitIndex" doc:"Highest agreed log index."`
	Voters      []string `json:"voters" doc:"Node ids that count for quorum."`
	Quorum      bool     `json:"quorum" doc:"Whether a majority of the voters is up, answers the node that took the view, and follows a leader, so that writes are accepted."`
}

// Log sums up the log role.
type Log struct {
	Nodes      []string `json:"nodes" doc:"Ids of the nodes that serve the role."`
	Batches    int      `json:"batches" doc:"Batches stored on all of them, copies counted."`
	Bytes      int64    `json:"bytes" doc:"Bytes stored on all of them, copies counted."`
	SpoolBytes int64    `json:"spoolBytes" doc:"Bytes that wait on all nodes to be shipped."`
}

// Event is one entry of the timeline of the node that serves the stream.
type Event struct {
	ID     string    `json:"id" doc:"<node id>:<number>; send it as Last-Event-ID to go on after it."`
	At     time.Time `json:"at" doc:"When the node noticed."`
	Kind   string    `json:"kind" doc:"What happened, in one word."`
	Member string    `json:"member" doc:"Node id it happened to."`
	Name   string    `json:"name" doc:"That node's name."`
	Detail string    `json:"detail" doc:"What happened, in words."`
}

// NodeByID finds a node of the view.
func (c *Cluster) NodeByID(id string) (Node, bool) {
	for _, n := range c.Nodes {
		if n.ID == id {
			return n, true
		}
	}
	return Node{}, false
}
