package registry

import (
	"time"

	"github.com/distributedgo/rollcall/node/health"
)

// NodeReport is what one node says of itself: the answer of GET /v1/node on
// its cluster port. A node's tags hold 512 bytes and move by gossip; whatever
// is larger, or changes faster, is asked for once a second instead.
type NodeReport struct {
	ID          string             `json:"id" doc:"Node id: random, made once, kept on the node's disk."`
	Name        string             `json:"name" doc:"The name people use."`
	Zone        string             `json:"zone" doc:"Where the node runs; empty when not told."`
	Version     string             `json:"version" doc:"Version of the binary."`
	Roles       []string           `json:"roles" doc:"Roles served now."`
	HTTP        string             `json:"http" doc:"host:port of the public port."`
	Started     time.Time          `json:"started" doc:"Start time the election goes by."`
	Unreachable []string           `json:"unreachable" doc:"Ids of the nodes whose last calls from here failed."`
	RTTMs       map[string]float64 `json:"rttMs" doc:"Round-trip time to other nodes in milliseconds, by node id."`
	SpoolBytes  int64              `json:"spoolBytes" doc:"Log bytes on this node's disk that are not yet shipped."`
	Health      []health.Check     `json:"health" doc:"What the node's parts say of themselves."`
	Grading     *GradingReport     `json:"grading" doc:"The node's copy of the gradebook; null without the grading role."`
	Log         *LogReport         `json:"log" doc:"The node's log store; null without the log role."`
	Registry    *RegistryReport    `json:"registry,omitempty" doc:"The node's registry; absent while it does not serve one."`
}

// GradingReport is the state of one node's copy of the gradebook, as raft on
// that node sees it.
type GradingReport struct {
	Voter       bool     `json:"voter" doc:"Whether this copy counts for quorum."`
	Index       uint64   `json:"index" doc:"Last log index applied here."`
	Lag         uint64   `json:"lag" doc:"Committed entries not yet applied here, as far as this node knows."`
	Leader      string   `json:"leader" doc:"Node id of the leader this node follows; empty while it knows none."`
	Term        uint64   `json:"term" doc:"Raft term this node is in."`
	CommitIndex uint64   `json:"commitIndex" doc:"Highest log index this node knows to be agreed on."`
	Voters      []string `json:"voters" doc:"Node ids of the voters, from the newest configuration this node has."`
	Quorum      bool     `json:"quorum" doc:"Whether this node believes that a majority of the voters works together."`
	Gradebook   string   `json:"gradebook" doc:"Id of the gradebook; empty before it is founded."`
	Fault       string   `json:"fault,omitempty" doc:"Why this copy takes no part although it is one, such as a full disk; absent when it does."`
}

// LogReport is the state of one node's log store.
type LogReport struct {
	Batches int   `json:"batches" doc:"Batches stored here."`
	Bytes   int64 `json:"bytes" doc:"Bytes stored here."`
}

// RegistryReport is one registry's claim about itself. Nothing is fenced on
// it: under a partition two nodes may both claim the lead, which is harmless
// because all that a lead does may be done twice. That is why the claim says
// since when, and how many members its owner sees: a reader can tell which
// side it is talking to.
type RegistryReport struct {
	Leads  bool      `json:"leads" doc:"Whether this node takes itself for the lead."`
	Since  time.Time `json:"since" doc:"When this node first took the present lead for the lead."`
	Sees   int       `json:"sees" doc:"Members alive in this node's view."`
	Probes []Probe   `json:"probes,omitempty" doc:"What the lead found by calling every node; from the lead only."`
}

// Probe is the lead's last word about one node's service, found by calling it
// rather than by listening to its gossip.
type Probe struct {
	Node   string        `json:"node" doc:"Node id."`
	Status health.Status `json:"status" doc:"passing, warning or critical."`
	Output string        `json:"output" doc:"What the call gave."`
	Since  time.Time     `json:"since" doc:"When the status last changed."`
}
