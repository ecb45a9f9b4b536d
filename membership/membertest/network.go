package membertest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/memberlist"
)

// Network is an in-memory network for gossip: packets and streams between
// endpoints, with loss and cuts. In a testing/synctest bubble a minute on it
// takes milliseconds. All methods may be called at once.
//
// It differs from memberlist's own mock network in what a death looks like: a
// closed endpoint swallows packets and refuses streams, and nobody waits for it.
type Network struct {
	mu    sync.RWMutex
	ends  map[string]*Endpoint // guarded by mu: by address
	sides map[string]int       // guarded by mu: address → side of a cut; 0 unless said
	loss  float64              // guarded by mu
	next  int                  // guarded by mu
}

// NewNetwork returns a network without endpoints, loss or cuts.
func NewNetwork() *Network {
	return &Network{ends: map[string]*Endpoint{}, sides: map[string]int{}}
}

// Open adds an endpoint with an address of its own.
func (n *Network) Open() *Endpoint {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.next++
	return n.open(net.IPv4(10, 99, byte(n.next>>8), byte(n.next)))
}

// Reopen gives the address of an endpoint that was shut down to a new one, as
// when a process is started again on the same machine.
func (n *Network) Reopen(old *Endpoint) *Endpoint {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.open(old.ip)
}

func (n *Network) open(ip net.IP) *Endpoint {
	e := &Endpoint{
		net: n, ip: ip, addr: fmt.Sprintf("%s:%d", ip, port),
		packets: make(chan *memberlist.Packet, 1024), streams: make(chan net.Conn, 256), done: make(chan struct{}),
	}
	n.ends[e.addr] = e
	return e
}

// Cut parts these addresses from all others. A second Cut replaces the first.
func (n *Network) Cut(addrs ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	clear(n.sides)
	for _, a := range addrs {
		n.sides[a] = 1
	}
}

// Heal ends a cut.
func (n *Network) Heal() { n.Cut() }

// Drop loses this share of packets, from 0 to 1. Streams lose nothing.
func (n *Network) Drop(share float64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.loss = share
}

// reach finds the endpoint at an address; nil when there is none, and open
// only when no cut is in between.
func (n *Network) reach(from, to string) (e *Endpoint, open bool, loss float64) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.ends[to], n.sides[from] == n.sides[to], n.loss
}

const port = 7946

// Endpoint is one node's place on a Network.
type Endpoint struct {
	net  *Network
	ip   net.IP
	addr string

	packets chan *memberlist.Packet
	streams chan net.Conn
	done    chan struct{}
	once    sync.Once
}

var _ memberlist.Transport = (*Endpoint)(nil)

// Addr is the endpoint's IP:port.
func (e *Endpoint) Addr() string { return e.addr }

func (e *Endpoint) FinalAdvertiseAddr(string, int) (net.IP, int, error) { return e.ip, port, nil }

// WriteTo delivers a packet, or loses it when nobody is there, a cut is in
// between, or the receiver's buffer is full. Like UDP it never says so.
func (e *Endpoint) WriteTo(b []byte, addr string) (time.Time, error) {
	now := time.Now()
	to, open, loss := e.net.reach(e.addr, addr)
	if to == nil || !open || e.closed() || to.closed() || loss > 0 && rand.Float64() < loss {
		return now, nil
	}
	select {
	case to.packets <- &memberlist.Packet{Buf: append([]byte(nil), b...), From: address(e.addr), Timestamp: now}:
	default:
	}
	return now, nil
}

// DialTimeout opens a stream. Across a cut it takes the whole time-out to fail;
// at a closed endpoint it is refused at once.
func (e *Endpoint) DialTimeout(addr string, timeout time.Duration) (net.Conn, error) {
	to, open, _ := e.net.reach(e.addr, addr)
	if e.closed() {
		return nil, net.ErrClosed
	}
	if !open {
		select {
		case <-time.After(timeout):
		case <-e.done:
		}
		return nil, errors.New("i/o timeout: a cut is in between")
	}
	if to == nil || to.closed() {
		return nil, syscall.ECONNREFUSED
	}
	near, far := net.Pipe()
	select {
	case to.streams <- far:
		return near, nil
	case <-to.done:
	case <-e.done:
	case <-time.After(timeout):
	}
	_, _ = near.Close(), far.Close()
	return nil, syscall.ECONNREFUSED
}

func (e *Endpoint) PacketCh() <-chan *memberlist.Packet { return e.packets }
func (e *Endpoint) StreamCh() <-chan net.Conn           { return e.streams }

// Shutdown closes the endpoint, and the streams nobody took yet.
func (e *Endpoint) Shutdown() error {
	e.once.Do(func() { close(e.done) })
	for {
		select {
		case c := <-e.streams:
			_ = c.Close()
		default:
			return nil
		}
	}
}

func (e *Endpoint) closed() bool {
	select {
	case <-e.done:
		return true
	default:
		return false
	}
}

// address is a net.Addr on the in-memory network.
type address string

func (address) Network() string  { return "memory" }
func (a address) String() string { return string(a) }
