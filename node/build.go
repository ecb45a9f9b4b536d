package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/distributedgo/rollcall/membership"
	"github.com/distributedgo/rollcall/membership/peer"
	"github.com/distributedgo/rollcall/node/httpapi"
	"github.com/distributedgo/rollcall/node/identity"
	"github.com/distributedgo/rollcall/node/secret"
	"github.com/distributedgo/rollcall/services/grading"
	"github.com/distributedgo/rollcall/services/logs"
	"github.com/distributedgo/rollcall/services/portal"
	"github.com/distributedgo/rollcall/services/registry"
)

// build makes the parts in the order of the drawing in node.go.
func (n *Node) build() (err error) {
	if n.ring, err = readSecret(n.cfg, n.dir); err != nil {
		return err
	}
	if n.cfg.Lab {
		n.faults = &membership.Faults{}
	}
	n.clock = clock{membership.NewClock(n.dir.id)}
	if err := n.buildLogAgent(); err != nil {
		return err
	}
	if err := n.buildMembership(); err != nil {
		return err
	}
	if err := n.buildServices(); err != nil {
		return err
	}
	return n.buildPublic()
}

// readSecret reads the ring from the file or the environment's text. With
// --dev and neither, it keeps a secret of its own in the data directory.
func readSecret(c Config, dir *dataDir) (secret.Ring, error) {
	switch {
	case c.SecretFile != "" && c.Secret != "":
		return nil, errors.New("secret: both --secret-file and ROLLCALL_SECRET are given: keep one")
	case c.SecretFile != "":
		return secret.ReadFile(c.SecretFile)
	case c.Secret != "":
		ring, err := secret.ParseRing(c.Secret)
		if err != nil {
			return nil, fmt.Errorf("ROLLCALL_SECRET: %w", err)
		}
		return ring, nil
	case !c.Dev:
		return nil, errors.New("secret: none given: make one with `rollcall secret new`, and give all nodes the same by --secret-file or ROLLCALL_SECRET (or try a single node with --dev)")
	}
	path := dir.join("secret")
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		if err := writeFile(path, secret.New().Text()+"\n"); err != nil {
			return nil, fmt.Errorf("secret: %w", err)
		}
	}
	return secret.ReadFile(path)
}

// buildLogAgent opens the spool and begins to log into it and to stderr.
// Members and Peers are asked only once Run has begun.
func (n *Node) buildLogAgent() (err error) {
	level := slog.LevelInfo
	if err := level.UnmarshalText([]byte(n.cfg.LogLevel)); err != nil {
		return fmt.Errorf("--log-level %q: %w", n.cfg.LogLevel, err)
	}
	n.logAgent, err = logs.OpenAgent(logs.AgentConfig{
		Dir: n.dir.path, Node: n.cfg.Name, NodeID: n.dir.id, Replicas: n.cfg.LogReplicas, MaxBytes: n.cfg.SpoolBytes,
		Level: level, Health: n.health, Stderr: n.cfg.stderr(),
		Members: func() []membership.Member { return n.agent.Members() },
		Peers:   roundTripper(func(r *http.Request) (*http.Response, error) { return n.peers.RoundTrip(r) }),
	})
	if err != nil {
		return fmt.Errorf("data-dir %q: %w", n.cfg.DataDir, err)
	}
	n.log = n.logger("node")
	n.clock.OnSkew(func(id string, ahead time.Duration) {
		n.log.Warn("clocks differ: check the time service of both nodes", "other", id, "ahead", ahead.Round(time.Millisecond))
	})
	return nil
}

// logger returns a logger for one service of this node: what it says goes to
// stderr and to the log nodes.
func (n *Node) logger(service string) *slog.Logger {
	level := slog.LevelInfo
	_ = level.UnmarshalText([]byte(n.cfg.LogLevel)) // checked in buildLogAgent
	terminal := slog.NewTextHandler(n.cfg.stderr(), &slog.HandlerOptions{Level: level}).
		WithAttrs([]slog.Attr{slog.String("node", n.cfg.Name), slog.String("service", service)})
	return slog.New(slog.NewMultiHandler(terminal, n.logAgent.Handler(service)))
}

func (n *Node) buildMembership() error {
	host, port, _ := net.SplitHostPort(n.cfg.Gossip)
	if host == "localhost" {
		host = "127.0.0.1"
	}
	id, err := n.ring.Identity(n.dir.id)
	if err != nil {
		return err
	}
	book, err := openAddressBook(n.dir.join("peers"))
	if err != nil {
		return err
	}
	log := n.logger("membership")
	n.dial = &dialer{id: id, faults: n.faults, book: book, find: func(id string) (membership.Member, bool) { return n.agent.Member(id) }}
	if n.port, err = openClusterPort(n.cfg.Cluster, id, n.faults, log); err != nil {
		return err
	}
	if n.public, err = (&net.ListenConfig{}).Listen(context.Background(), "tcp", n.cfg.HTTP); err != nil {
		return cannotListen("--http", n.cfg.HTTP, err)
	}
	tags := membership.Tags{
		Name: n.cfg.Name, Version: Version(), Commands: grading.CommandVersion, Zone: n.cfg.Zone, Fingerprint: n.ring.Fingerprint(),
		HTTP: n.reachable(n.public), Cluster: n.reachable(n.port.ln), Voting: n.configured(roleGrading),
	}
	if n.cfg.Standby != "none" && !n.configured(roleRegistry) {
		tags.Standby = []string{n.cfg.Standby}
	}
	n.agent, err = membership.New(membership.Config{
		ID: n.dir.id, Tags: tags, Bind: net.JoinHostPort(host, port), Advertise: n.cfg.Advertise,
		Keys: n.ring.Gossip(), Seeds: n.cfg.Join, Profile: membership.Profile(n.cfg.Profile), Faults: n.faults, Logger: log,
	})
	if e, ok := errors.AsType[*membership.BindError](err); ok {
		return cannotListen("--gossip", n.cfg.Gossip, e.Err)
	}
	if err != nil {
		return err
	}
	n.promises = &promises{agent: n.agent}
	n.peers = peer.New(peer.Config{Self: n.dir.id, Members: n.agent.Members, Dial: n.dial.http, Clock: n.clock.Clock, Logger: log})
	return nil
}

// reachable is the address of ln as others reach it.
func (n *Node) reachable(ln net.Listener) string {
	host, port, _ := net.SplitHostPort(ln.Addr().String())
	if n.cfg.Advertise != "" {
		host = n.cfg.Advertise
	}
	return net.JoinHostPort(host, port)
}

func (n *Node) configured(role string) bool { return slices.Contains(n.cfg.Roles, role) }

// keys are what tokens and sessions are signed with.
func (n *Node) keys() identity.Keys {
	return identity.Keys{Token: n.ring.Token(), Session: n.ring.Session()}
}

// buildServices makes the roles and the API by which other nodes reach them.
func (n *Node) buildServices() (err error) {
	n.clusterAPI = httpapi.New(httpapi.Config{
		Title: "rollcall", Version: Version(), Node: n.dir.id, Logger: n.logger("cluster-api"), Trust: true, Clock: n.clock,
		Quiet: "/v1/logs/internal/",
	})
	if n.configured(roleGrading) {
		n.grading, err = grading.New(grading.Config{
			ID: n.dir.id, Name: n.cfg.Name, Dir: n.dir.join("raft"), Listener: n.port.raft, Dial: n.dial.raft, Peers: n.peers,
			Members: n.agent.Members, Watch: n.agent.Watch, Keys: n.keys(), Found: n.cfg.Dev,
			Publish: func(gradebook string, serving bool) {
				err := n.promises.set(roleGrading, serving, func(t *membership.Tags) { t.Gradebook = gradebook })
				if err != nil {
					n.log.Error("cannot tell that the gradebook is served", "error", err)
				}
			},
			Timeline: func(kind, detail string) { n.agent.Timeline().Add(kind, n.dir.id, n.cfg.Name, detail) },
			Raft:     grading.RaftConfig{Heartbeat: n.cfg.RaftHeartbeat, Election: n.cfg.RaftElection, Lease: n.cfg.RaftLease},
			Logger:   n.logger(roleGrading), Health: n.health,
		})
		if err != nil {
			return err
		}
	}
	if n.configured(roleLog) {
		n.logStore, err = logs.New(logs.Config{
			Dir: n.dir.path, NodeID: n.dir.id, Members: n.agent.Members, Peers: n.peers, Logger: n.logger(roleLog), Health: n.health,
			Stderr: n.cfg.stderr(),
		})
		if err != nil {
			return err
		}
	}
	n.registry, err = registry.New(registry.Config{
		Self: n.dir.id, Name: "rollcall", Members: n.agent.Members, Watch: n.agent.Watch, Timeline: n.agent.Timeline(), Peers: n.peers,
		Report: n.report, Configured: n.configured(roleRegistry), Standby: n.cfg.Standby == roleRegistry,
		Promise: func(serve bool) error { return n.promises.set(roleRegistry, serve) },
		Logger:  n.logger(roleRegistry), Health: n.health,
	})
	if err != nil {
		return err
	}
	if n.configured(rolePortal) {
		n.portal, err = portal.New(portal.Config{
			Self: n.dir.id, Name: n.cfg.Name, Cluster: n.ring.Fingerprint(), Peers: n.peers, Keys: n.keys(), Stand: n.stand,
			TLS: n.secure(), Portals: n.portals, Logger: n.logger(rolePortal), Health: n.health,
		})
		if err != nil {
			return err
		}
	}
	// A role this node lacks is mounted as well, by a nil service, so that the
	// OpenAPI document is whole; declines answers for it.
	n.clusterAPI.Echo.Use(n.declines)
	n.grading.Mount(n.clusterAPI)
	n.logStore.Mount(n.clusterAPI)
	n.logAgent.Mount(n.clusterAPI)
	n.registry.Mount(n.clusterAPI)
	n.mountOwn(n.clusterAPI)
	return nil
}

// buildPublic makes what callers from outside meet.
func (n *Node) buildPublic() error {
	cfg, fingerprint, err := publicTLS(n.cfg, n.dir)
	if err != nil {
		return err
	}
	n.public, n.publicTLS, n.certificate = secured(n.public, cfg), cfg != nil, fingerprint
	log := n.logger("public-api")
	e := &edge{keys: n.keys(), stand: n.stand, anonymous: n.cfg.anonymous()}
	if n.portal != nil {
		e.session = n.portal.Authenticate
	}
	n.publicAPI = httpapi.New(httpapi.Config{Node: n.dir.id, Logger: log})
	n.mountPublic(n.publicAPI.Echo, e, newGateway(n.clusterAPI, n.answers, n.peers, log))
	return nil
}

// roundTripper lets a func stand for a transport that is made later.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
