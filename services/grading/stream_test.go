package grading

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

func TestStreamHangsUpOnStrangers(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	none := func() string { return "" }
	take := func(other string) error {
		if other != "g-1" {
			return errOtherGradebook
		}
		return nil
	}
	s := newStream(ln, "n1", nil, none, take)
	defer func() { _ = s.Close() }()
	dial := func(mine string) net.Conn {
		t.Helper()
		d := newStream(closed{}, "n2", func(ctx context.Context, id string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", ln.Addr().String())
		}, func() string { return mine }, nil)
		t.Cleanup(func() { _ = d.Close() })
		c, err := d.Dial("n1", time.Second)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	silent, err := net.Dial("tcp", ln.Addr().String()) // must hold up nobody
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	if _, err := dial("g-2").Read(make([]byte, 1)); !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) && err == nil {
		t.Fatalf("a stranger was heard: %v", err)
	}
	friend := dial("g-1")
	if _, err := friend.Write([]byte("raft speaks")); err != nil {
		t.Fatal(err)
	}
	c, err := s.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	got := make([]byte, len("raft speaks"))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != "raft speaks" {
		t.Fatalf("%q, %v: the greeting took some of raft's bytes", got, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Fatalf("closed: %v", err)
	}
}

// closed is a listener of a node that only dials.
type closed struct{ net.Listener }

func (closed) Accept() (net.Conn, error) { return nil, net.ErrClosed }
func (closed) Close() error              { return nil }

func TestFoundingCutShortGoesOn(t *testing.T) {
	t.Parallel()
	g := newGroup(t)
	m := g.add("n1").start()
	r, err := m.service.running()
	if err != nil {
		t.Fatal(err)
	}
	id, err := m.service.bootstrap(r) // and then the power goes
	if err != nil {
		t.Fatal(err)
	}
	m.kill()
	m.start()
	if err := m.service.letIn("g-other"); !errors.Is(err, errOtherGradebook) {
		t.Fatalf("a founder let another gradebook in: %v", err)
	}
	if got, err := m.service.Found(t.Context()); err != nil || got != id {
		t.Fatalf("got %s, %v; want to go on founding %s", got, err, id)
	}
	g.settle(1)
}
