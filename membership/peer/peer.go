// Package peer calls other nodes. [Transport] is an http.RoundTripper, so any
// http.Client, and the standard library's reverse proxy, becomes a client of
// the cluster: the host of the URL says whom to call.
//
//	http://grading/v1/courses       some live node that serves the role grading
//	http://9f2c01.node/v1/node      exactly the node with that id
//
// The path of one call: [Transport.Pick] orders the live members of the role,
// best first; the request goes to the first; if that one can't be reached, or
// says that it does not serve, it goes on to the next — as long as this is
// safe. It is safe while nothing was sent. Once bytes were sent the node may
// have acted on them, so only reads, and writes that carry an Idempotency-Key
// and can be sent again, go on; the first hop gives each write such a key. For
// the rest the error says that the outcome is unknown ([UnknownOutcomeError]).
//
// What it promises when a node dies: a call that had not reached it goes to
// another node at once, and one that waits for its answer is given up when
// gossip lists it as failed, about a second later.
package peer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/distributedgo/rollcall/membership"
)

const (
	// NotServing is the header that turns a 503 into "not me, try the next
	// one": the node promises that it did nothing with the request.
	NotServing = "Rollcall-Not-Serving"
	// ClockHeader carries a membership.Stamp both ways.
	ClockHeader = "Rollcall-Clock"
	// KeyHeader names a write, so that sending it twice applies it once.
	KeyHeader = "Idempotency-Key"

	// nodeSuffix marks a host that is one node, not a role.
	nodeSuffix = ".node"
	// defaultRest is the default of Config.Rest.
	defaultRest = 5 * time.Second
	// dialLimit bounds one dial: a live node of this cluster answers sooner.
	dialLimit = 2 * time.Second
)

// ErrNoPeer says that no live member serves the role.
var ErrNoPeer = errors.New("no live member serves this role")

// UnknownOutcomeError says that a write was sent, no answer came, and it could
// not be sent again: it may have happened or not. Ask before repeating it, or
// repeat it under the same Idempotency-Key.
type UnknownOutcomeError struct {
	Peer Peer   // who got the request
	Key  string // the Idempotency-Key it went under
	Err  error  // why no answer came
}

func (e *UnknownOutcomeError) Error() string {
	return fmt.Sprintf("peer %s: outcome unknown, the request was sent but not answered: %v", e.Peer.Name, e.Err)
}

func (e *UnknownOutcomeError) Unwrap() error { return e.Err }

// Peer is one node a call can go to.
type Peer struct{ ID, Name string }

// Config says whom a Transport can call and how.
type Config struct {
	// Self is this node's id. It is never listed as unreachable.
	Self string
	// Members lists who is here; see membership.Agent. Called for each request.
	Members func() []membership.Member
	// Dial opens a connection to exactly that node, TLS and all. It is given
	// two seconds.
	Dial func(ctx context.Context, id string) (net.Conn, error)
	// Clock rides on every call and learns from every answer. Nil: none.
	Clock *membership.Clock
	// Rest is how long a node that failed is tried last. Default 5 s. Longer
	// spares callers a dead node's time-outs; shorter finds it again sooner.
	Rest time.Duration
	// Logger gets each failover. Default: none.
	Logger *slog.Logger
}

// Transport calls other nodes by role or by id. All methods may be called at
// once.
type Transport struct {
	cfg  Config
	log  *slog.Logger
	base *http.Transport

	mu    sync.Mutex
	stats map[string]*stat // guarded by mu, entries too: by node id
}

var _ http.RoundTripper = (*Transport)(nil)

// New returns a transport. It opens no connection before the first call.
func New(cfg Config) *Transport {
	if cfg.Rest <= 0 {
		cfg.Rest = defaultRest
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	t := &Transport{cfg: cfg, log: cfg.Logger.With("part", "peer"), stats: map[string]*stat{}}
	t.base = &http.Transport{
		DialContext: func(ctx context.Context, _, addr string) (net.Conn, error) {
			ctx, cancel := context.WithTimeout(ctx, dialLimit)
			defer cancel()
			return cfg.Dial(ctx, idOf(addr))
		},
		// An answer passes through as it was written: the gateway must not
		// unpack what a browser asked for packed.
		DisableCompression:  true,
		MaxIdleConnsPerHost: 64,
		IdleConnTimeout:     time.Minute,
	}
	return t
}

// CloseIdleConnections closes connections that no call uses.
func (t *Transport) CloseIdleConnections() { t.base.CloseIdleConnections() }

// hostOf and idOf turn a node id into a host name and back.
func hostOf(id string) string { return id + nodeSuffix }

func idOf(addr string) string {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		host = addr
	}
	return strings.TrimSuffix(host, nodeSuffix)
}

// candidates lists who may answer a request to this host, best first, and
// whether gossip lists them as alive. One node asked for by its id is called
// whatever gossip thinks of it: its caller may want to know just that.
func (t *Transport) candidates(host string) (peers []Peer, alive bool, err error) {
	if id, ok := strings.CutSuffix(host, nodeSuffix); ok {
		for _, m := range t.cfg.Members() {
			if m.ID == id {
				return []Peer{{ID: m.ID, Name: m.Name}}, m.Status == membership.StatusAlive, nil
			}
		}
		return []Peer{{ID: id, Name: id}}, false, nil
	}
	peers = t.Pick(host)
	if len(peers) == 0 {
		return nil, false, fmt.Errorf("peer: role %q: %w", host, ErrNoPeer)
	}
	return peers, true, nil
}
