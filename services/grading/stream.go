package grading

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// stream gives raft its connections. A raft address is a node id: who is
// dialled is a matter of identity (the dialer proves by certificate that it
// reached exactly that node), where the node lives today is membership's
// business. So a node that comes back on another port is the same voter, and
// raft's configuration never goes stale.
//
// Each connection begins with a greeting that names the dialer's gradebook:
//
//	rollcall-raft 1 g-x7k2…\n
//
// A node that holds another gradebook hangs up. Raft itself would not notice:
// it compares terms and indexes, and two groups that mix lose each other's
// entries without a word. A node that holds none yet takes the first it hears
// of, for ever (see store.pin).
type stream struct {
	net.Listener
	id   string
	dial func(ctx context.Context, id string) (net.Conn, error)
	mine func() string            // this node's gradebook; empty for none
	take func(other string) error // may a dialer of that gradebook come in?

	ctx      context.Context // ends with Close
	cancel   context.CancelFunc
	accepted chan accepted
	wg       sync.WaitGroup
}

type accepted struct {
	conn net.Conn
	err  error
}

const (
	greeting     = "rollcall-raft 1 "
	greetingMost = 128
	greetingTime = 5 * time.Second
)

var _ raft.StreamLayer = (*stream)(nil)

// newStream starts to accept connections; Close ends it.
func newStream(ln net.Listener, id string, dial func(ctx context.Context, id string) (net.Conn, error), mine func() string, take func(string) error) *stream {
	s := &stream{Listener: ln, id: id, dial: dial, mine: mine, take: take, accepted: make(chan accepted)}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.wg.Go(s.listen)
	return s
}

// listen takes connections and lets each greet by itself, so that one that
// says nothing holds up nobody.
func (s *stream) listen() {
	for s.ctx.Err() == nil {
		conn, err := s.Listener.Accept()
		if err != nil {
			s.give(accepted{err: err}) // raft waits a little before it asks again
			continue
		}
		s.wg.Go(func() {
			unhook := context.AfterFunc(s.ctx, func() { _ = conn.Close() })
			err := s.hear(conn)
			if !unhook() || err != nil || !s.give(accepted{conn: conn}) {
				_ = conn.Close() // the dialer sees it and tries again, or not
			}
		})
	}
}

func (s *stream) give(a accepted) bool {
	select {
	case s.accepted <- a:
		return true
	case <-s.ctx.Done():
		return false
	}
}

// hear reads the greeting, byte by byte, as what follows it is raft's.
func (s *stream) hear(conn net.Conn) error {
	if err := conn.SetReadDeadline(time.Now().Add(greetingTime)); err != nil {
		return err
	}
	var line []byte
	for one := make([]byte, 1); len(line) < greetingMost; {
		if _, err := conn.Read(one); err != nil {
			return err
		}
		if one[0] == '\n' {
			break
		}
		line = append(line, one[0])
	}
	other, ok := strings.CutPrefix(string(line), greeting)
	if !ok {
		return errors.New("no greeting")
	}
	return errors.Join(s.take(other), conn.SetReadDeadline(time.Time{}))
}

// Accept returns the next connection that greeted well.
func (s *stream) Accept() (net.Conn, error) {
	select {
	case a := <-s.accepted:
		return a.conn, a.err
	case <-s.ctx.Done():
		return nil, net.ErrClosed
	}
}

// Close stops accepting and waits until nothing is under way.
func (s *stream) Close() error {
	s.cancel()
	err := s.Listener.Close()
	s.wg.Wait()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// Dial connects to the node whose id is address, and greets.
func (s *stream) Dial(address raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(s.ctx, timeout)
	defer cancel()
	conn, err := s.dial(ctx, string(address))
	if err != nil {
		return nil, fmt.Errorf("raft connection to node %s: %w", address, err)
	}
	err = conn.SetWriteDeadline(time.Now().Add(timeout))
	if err == nil {
		_, err = fmt.Fprintf(conn, "%s%s\n", greeting, s.mine())
	}
	if err = errors.Join(err, conn.SetWriteDeadline(time.Time{})); err != nil {
		return nil, errors.Join(fmt.Errorf("raft connection to node %s: greeting: %w", address, err), conn.Close())
	}
	return conn, nil
}

// Addr returns this node's id, which is its raft address.
func (s *stream) Addr() net.Addr { return nodeAddr(s.id) }

// nodeAddr is a node id as a net.Addr.
type nodeAddr string

func (a nodeAddr) Network() string { return "node" }
func (a nodeAddr) String() string  { return string(a) }
