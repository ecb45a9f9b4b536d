package secret

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"testing"
	"time"
)

// greet lets a client of one ring call a server of another and returns what
// each side knows of the other.
func greet(t *testing.T, server, client Ring, want string) (atServer, atClient string, err error) {
	t.Helper()
	si, err := server.Identity("n1")
	if err != nil {
		t.Fatal(err)
	}
	ci, err := client.Identity("n2")
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	seen := make(chan string, 1)
	go func() {
		defer close(seen)
		raw, err := ln.Accept()
		if err != nil {
			return
		}
		c := tls.Server(raw, si.Server("x"))
		defer c.Close()
		if c.Handshake() == nil {
			state := c.ConnectionState()
			seen <- PeerID(&state)
			io.WriteString(c, "hi")
		}
	}()
	c, err := tls.Dial("tcp", ln.Addr().String(), ci.Client(want, "x"))
	if err != nil {
		return <-seen, "", err
	}
	defer c.Close()
	if _, err := io.ReadFull(c, make([]byte, 2)); err != nil { // TLS 1.3: a refusal shows at the first read
		return <-seen, "", err
	}
	state := c.ConnectionState()
	return <-seen, PeerID(&state), nil
}

func TestMembersKnowEachOtherByID(t *testing.T) {
	t.Parallel()
	r := Ring{New()}
	atServer, atClient, err := greet(t, r, r, "n1")
	if err != nil || atServer != "n2" || atClient != "n1" {
		t.Fatalf("server saw %q, client saw %q, %v", atServer, atClient, err)
	}
}

func TestAStrangerIsRefused(t *testing.T) {
	t.Parallel()
	if seen, _, err := greet(t, Ring{New()}, Ring{New()}, "n1"); err == nil || seen != "" {
		t.Fatalf("another secret got in as %q", seen)
	}
}

func TestTheWrongNodeBehindAnAddressIsRefused(t *testing.T) {
	t.Parallel()
	r := Ring{New()}
	if _, _, err := greet(t, r, r, "n3"); err == nil {
		t.Fatal("n1 was taken for n3")
	}
}

func TestRotationKeepsTalking(t *testing.T) {
	t.Parallel()
	old, fresh := New(), New()
	for _, step := range []struct{ a, b Ring }{
		{Ring{old}, Ring{old, fresh}},
		{Ring{old, fresh}, Ring{fresh, old}},
		{Ring{fresh, old}, Ring{fresh}},
	} {
		if _, _, err := greet(t, step.a, step.b, "n1"); err != nil {
			t.Errorf("%v called by %v: %v", step.a, step.b, err)
		}
		if _, _, err := greet(t, step.b, step.a, "n1"); err != nil {
			t.Errorf("%v called by %v: %v", step.b, step.a, err)
		}
	}
}

func TestAuthorityIsTheSameEverywhere(t *testing.T) {
	t.Parallel()
	s := New()
	a, _, err := s.authority()
	if err != nil {
		t.Fatal(err)
	}
	b, _, err := s.authority()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a.Raw, b.Raw) {
		t.Fatal("two nodes compute two authorities")
	}
}

func TestLeafIsRenewedAtHalfOfItsLife(t *testing.T) {
	t.Parallel()
	i, err := Ring{New()}.Identity("n1")
	if err != nil {
		t.Fatal(err)
	}
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func(now time.Time) *tls.Certificate {
		c, err := i.certificate(now)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	first := at(start)
	if at(start.Add(leafLife/2-time.Hour)) != first {
		t.Error("renewed too early")
	}
	second := at(start.Add(leafLife/2 + time.Hour))
	if second == first {
		t.Error("not renewed after half of its life")
	}
	if at(start) == second {
		t.Error("after the clock went back, the leaf outlives its life")
	}
}
