package membership

import (
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

// gate stands around gossip's transport and drops what Faults says is cut. A
// cut cable gives no answer at all, so a dial through a closed gate takes its
// whole time-out before it fails.
type gate struct {
	inner  memberlist.Transport
	faults *Faults
	idOf   func(addr string) string // id of the member that gossips from addr, or ""

	packets chan *memberlist.Packet
	streams chan net.Conn
	done    chan struct{}
	once    sync.Once
	wg      sync.WaitGroup
}

var _ memberlist.NodeAwareTransport = (*gate)(nil)

func newGate(inner memberlist.Transport, f *Faults, idOf func(string) string) *gate {
	g := &gate{
		inner: inner, faults: f, idOf: idOf,
		packets: make(chan *memberlist.Packet), streams: make(chan net.Conn), done: make(chan struct{}),
	}
	g.wg.Go(g.pump)
	return g
}

// pump passes on what comes in, except from behind a cut.
func (g *gate) pump() {
	for {
		select {
		case p := <-g.inner.PacketCh():
			if g.closed("", p.From.String()) {
				continue
			}
			select {
			case g.packets <- p:
			case <-g.done:
				return
			}
		case c := <-g.inner.StreamCh():
			if g.faults.Isolated() {
				_ = c.Close()
				continue
			}
			select {
			case g.streams <- c:
			case <-g.done:
				_ = c.Close()
				return
			}
		case <-g.done:
			return
		}
	}
}

// closed reports whether the link to a member is cut. The id is often known;
// else the address is looked up.
func (g *gate) closed(id, addr string) bool {
	if id == "" {
		id = g.idOf(addr)
	}
	return g.faults.Blocked(id)
}

func (g *gate) WriteToAddress(b []byte, a memberlist.Address) (time.Time, error) {
	if g.closed(a.Name, a.Addr) {
		return time.Now(), nil // a lost packet is no error
	}
	if t, ok := g.inner.(memberlist.NodeAwareTransport); ok {
		return t.WriteToAddress(b, a)
	}
	return g.inner.WriteTo(b, a.Addr)
}

func (g *gate) DialAddressTimeout(a memberlist.Address, timeout time.Duration) (net.Conn, error) {
	if g.closed(a.Name, a.Addr) {
		select {
		case <-time.After(timeout):
			return nil, fmt.Errorf("membership: dial %s: link cut by faults: %w", a.Addr, os.ErrDeadlineExceeded)
		case <-g.done:
			return nil, net.ErrClosed
		}
	}
	if t, ok := g.inner.(memberlist.NodeAwareTransport); ok {
		return t.DialAddressTimeout(a, timeout)
	}
	return g.inner.DialTimeout(a.Addr, timeout)
}

func (g *gate) WriteTo(b []byte, addr string) (time.Time, error) {
	return g.WriteToAddress(b, memberlist.Address{Addr: addr})
}

func (g *gate) DialTimeout(addr string, timeout time.Duration) (net.Conn, error) {
	return g.DialAddressTimeout(memberlist.Address{Addr: addr}, timeout)
}

func (g *gate) FinalAdvertiseAddr(ip string, port int) (net.IP, int, error) {
	return g.inner.FinalAdvertiseAddr(ip, port)
}

func (g *gate) PacketCh() <-chan *memberlist.Packet { return g.packets }
func (g *gate) StreamCh() <-chan net.Conn           { return g.streams }

// Shutdown closes the inner transport first: its listeners may wait for pump.
func (g *gate) Shutdown() error {
	err := g.inner.Shutdown()
	g.once.Do(func() { close(g.done) })
	g.wg.Wait()
	return err
}
