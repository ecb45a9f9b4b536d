// Package node assembles one rollcall node; it is the only place that knows
// every part. A node is one process. It holds the cluster's secret, takes part
// in the gossip, and serves roles:
//
//	                     built                        stopped
//	secret, data dir       1   keys, id, lock             –
//	log agent              2   spool on disk, handler     8  flushes, closes
//	membership             3   gossip port bound          9  says goodbye
//	cluster port           4   mTLS: HTTP │ raft          7
//	peer.Transport         5   calls by role and by id    –
//	grading, log, registry 6   those that are configured  6 5 4
//	cluster API            7   what other nodes call      3  drained
//	public port            8   edge → pages │ gateway     2  drained
//	promises               9   role tags, last of all     1  taken back, one spread waited
//
// A call from outside goes down this picture: the edge finds out who calls, the
// gateway finds the role that answers, and this node's own API or that of a
// peer does. A call between nodes enters at the cluster API, where the caller
// has proved by its certificate that it is a member.
//
// When a node dies its tags go with it: the others stop calling it in about a
// second, raft elects among those that are left, and nothing has to be told to
// anybody.
package node

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/distributedgo/rollcall/membership"
	"github.com/distributedgo/rollcall/membership/peer"
	"github.com/distributedgo/rollcall/node/group"
	"github.com/distributedgo/rollcall/node/health"
	"github.com/distributedgo/rollcall/node/httpapi"
	"github.com/distributedgo/rollcall/node/identity"
	"github.com/distributedgo/rollcall/node/secret"
	"github.com/distributedgo/rollcall/services/grading"
	"github.com/distributedgo/rollcall/services/logs"
	"github.com/distributedgo/rollcall/services/portal"
	"github.com/distributedgo/rollcall/services/registry"
)

// Version is the program's version: the module's, or what it was built from.
func Version() string { return version() }

var version = sync.OnceValue(func() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "0.1.0-dev"
})

// standAge is how old a node's copy of revocations and session epochs may be
// while the gradebook answers.
const standAge = 5 * time.Second

// Node is one node of a cluster.
type Node struct {
	cfg    Config
	ring   secret.Ring
	dir    *dataDir
	log    *slog.Logger
	health *health.Set
	clock  clock
	faults *membership.Faults

	logAgent *logs.Agent
	agent    *membership.Agent
	dial     *dialer
	port     *clusterPort
	peers    *peer.Transport
	stand    *identity.Stand
	promises *promises

	grading  *grading.Service // nil without the role
	logStore *logs.Service    // nil without the role
	registry *registry.Service
	portal   *portal.Service // nil without the role

	clusterAPI  *httpapi.API
	publicAPI   *httpapi.API
	public      net.Listener
	publicTLS   bool
	certificate string // fingerprint of a certificate of the node's own

	leave   chan struct{} // closed when `leave` has retired this node
	leaving sync.Once
	killed  context.CancelFunc // set by Kill
	dead    context.Context
}

// New checks the configuration, opens the data directory and binds all ports.
// Its error names every fault of the configuration. A node that is not Run must
// be closed by Kill.
func New(cfg Config) (*Node, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	dir, err := openDataDir(cfg.DataDir)
	if err != nil {
		return nil, err
	}
	n := &Node{cfg: cfg, dir: dir, health: &health.Set{}, stand: &identity.Stand{}, leave: make(chan struct{})}
	n.dead, n.killed = context.WithCancel(context.Background())
	if err := n.build(); err != nil {
		n.abandon()
		dir.Close()
		return nil, err
	}
	return n, nil
}

// ID returns the node's id, and Addr the address of its public port.
func (n *Node) ID() string   { return n.dir.id }
func (n *Node) Addr() string { return n.reachable(n.public) }

// URL is how a browser reaches the node.
func (n *Node) URL() string {
	if n.cfg.PublicURL != "" {
		return strings.TrimRight(n.cfg.PublicURL, "/")
	}
	if n.publicTLS {
		return "https://" + n.Addr()
	}
	return "http://" + n.Addr()
}

// Ready returns the line that tells where the node listens.
func (n *Node) Ready() string {
	line := fmt.Sprintf("rollcall %s ready: node %s (%s) %s cluster %s gossip %s", Version(), n.cfg.Name, n.dir.id, n.URL(), n.reachable(n.port.ln), n.agent.Addr())
	if n.certificate != "" {
		line += " certificate SHA-256 " + n.certificate
	}
	return line
}

// Started returns a channel that is closed once the node, under Run, has met the
// cluster, or has found nobody to meet: from then on it is part of it.
func (n *Node) Started() <-chan struct{} { return n.agent.FirstContact() }

// Run works until ctx ends, the node is told to leave, or a part fails. It then
// stops every part in reverse; see stop.go for what a stop owes the others.
func (n *Node) Run(ctx context.Context) error {
	defer n.dir.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-n.leave:
		case <-n.dead.Done():
		case <-ctx.Done():
		}
		cancel()
	}()
	var g group.Group
	g.Add("membership", n.runMembership)
	g.Add("log agent", n.logAgent.Run)
	g.Add("address book", n.keepAddresses)
	g.Add("cluster port", n.port.Run)
	if n.grading != nil {
		g.Add(roleGrading, n.grading.Run)
	}
	if n.logStore != nil {
		g.Add(roleLog, n.logStore.Run)
	}
	g.Add(roleRegistry, n.registry.Run)
	g.Add("revocations", func(ctx context.Context) error { return grading.Follow(ctx, n.peers, n.stand, standAge) })
	g.Add("cluster API", func(ctx context.Context) error { return n.serve(ctx, n.port.http, n.clusterAPI) })
	g.Add("public port", func(ctx context.Context) error { return n.serve(ctx, n.public, n.publicHandler()) })
	g.Add("promises", n.keepPromises)
	err := g.Run(ctx)
	if n.isDead() {
		return nil // killed: whatever it says does not matter
	}
	return err
}

// keepAddresses writes the cluster addresses of the members down.
func (n *Node) keepAddresses(ctx context.Context) error {
	changed, stop := n.agent.Watch()
	defer stop()
	for {
		if err := n.dial.book.note(n.agent.Members()); err != nil {
			n.log.Warn("addresses of other nodes are not written down", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
	}
}

// Self and Members are what gossip knows, as this node sees it.
func (n *Node) Self() membership.Member      { return n.agent.Self() }
func (n *Node) Members() []membership.Member { return n.agent.Members() }

// Grading is the state of this node's copy of the gradebook; nil without the
// role.
func (n *Node) Grading() *grading.Status {
	if n.grading == nil {
		return nil
	}
	s := n.grading.Status()
	return &s
}
