package node

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/distributedgo/rollcall/membership"
	"github.com/distributedgo/rollcall/node/secret"
)

// The protocols of the cluster port, told apart by ALPN (RFC 7301).
const (
	protoHTTP = "http/1.1"
	protoRaft = "rollcall-raft/1"
)

// handshakeTime is how long a caller of the cluster port has to prove itself.
const handshakeTime = 5 * time.Second

// clusterPort is one mutual-TLS listener that looks like two: one of HTTP
// connections, one of raft's.
//
//	Accept ── handshake ──┬─ ALPN http/1.1        → http
//	                      └─ ALPN rollcall-raft/1 → raft
//
// So one port has to be open between nodes, and each protocol can be stopped
// without the other.
type clusterPort struct {
	ln     net.Listener
	tls    *tls.Config
	faults *membership.Faults
	log    *slog.Logger
	http   *half
	raft   *half
}

// openClusterPort binds addr. Run must be called for anything to be accepted.
func openClusterPort(addr string, id *secret.Identity, faults *membership.Faults, log *slog.Logger) (*clusterPort, error) {
	ln, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", addr)
	if err != nil {
		return nil, cannotListen("--cluster", addr, err)
	}
	half := func() *half {
		return &half{addr: ln.Addr(), conns: make(chan net.Conn), closed: make(chan struct{})}
	}
	return &clusterPort{ln: ln, tls: id.Server(protoHTTP, protoRaft), faults: faults, log: log, http: half(), raft: half()}, nil
}

// cannotListen says what to do about a port that cannot be had.
func cannotListen(flag, addr string, err error) error {
	remedy := "choose an address of this machine"
	if errors.Is(err, syscall.EADDRINUSE) {
		remedy = "stop the program that has it, or choose another port"
	}
	return fmt.Errorf("%s %q: %w: %s", flag, addr, err, remedy)
}

// Run accepts until ctx ends. Connections it has handed over are not its own
// any more.
func (p *clusterPort) Run(ctx context.Context) error {
	var handshakes sync.WaitGroup
	defer handshakes.Wait()
	stop := context.AfterFunc(ctx, func() { p.Close() })
	defer stop()
	for {
		raw, err := p.ln.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				raw.Close()
			}
			return nil
		case errors.Is(err, net.ErrClosed):
			return err
		case err != nil: // out of file descriptors, most likely: wait for some to be closed
			p.log.Warn("cluster port cannot accept", "error", err)
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
			continue
		}
		handshakes.Go(func() { p.greet(ctx, &inbound{Conn: raw}) })
	}
}

// greet proves the caller and hands the connection to its protocol's half.
func (p *clusterPort) greet(ctx context.Context, raw *inbound) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTime)
	defer cancel()
	c := tls.Server(raw, p.tls)
	if err := c.HandshakeContext(ctx); err != nil {
		p.log.Debug("cluster port refused a caller", "remote", c.RemoteAddr().String(), "error", err)
		c.Close()
		return
	}
	state := c.ConnectionState()
	half := p.http
	if state.NegotiatedProtocol == protoRaft {
		half = p.raft
	}
	id := secret.PeerID(&state)
	raw.guard = p.faults.Guard(id, raw.Conn)
	if p.faults.Blocked(id) || !half.give(ctx, c) {
		c.Close()
	}
}

// inbound is a connection that somebody opened to us. Who it is shows only
// after the handshake; from then on the fault gate can cut it.
type inbound struct {
	net.Conn
	guard net.Conn // set once, before the connection is handed over
}

func (c *inbound) Close() error {
	if c.guard != nil {
		return c.guard.Close()
	}
	return c.Conn.Close()
}

// Close stops accepting and ends both halves.
func (p *clusterPort) Close() error {
	p.http.Close()
	p.raft.Close()
	return p.ln.Close()
}

// half is a net.Listener over the connections of one protocol.
type half struct {
	addr   net.Addr
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

var _ net.Listener = (*half)(nil)

// give offers c to Accept until ctx ends, and reports whether it was taken.
func (h *half) give(ctx context.Context, c net.Conn) bool {
	select {
	case h.conns <- c:
		return true
	case <-h.closed:
	case <-ctx.Done():
	}
	return false
}

func (h *half) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.closed:
		return nil, net.ErrClosed
	}
}

func (h *half) Close() error   { h.once.Do(func() { close(h.closed) }); return nil }
func (h *half) Addr() net.Addr { return h.addr }
