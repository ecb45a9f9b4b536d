package node

import (
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"

	"github.com/distributedgo/rollcall/membership"
	"github.com/distributedgo/rollcall/node/httpapi"
	"github.com/distributedgo/rollcall/node/secret"
)

// openPort runs a cluster port of node "a" until the test ends.
func openPort(t *testing.T, ring secret.Ring, faults *membership.Faults) *clusterPort {
	t.Helper()
	id, err := ring.Identity("a")
	if err != nil {
		t.Fatal(err)
	}
	p, err := openClusterPort("127.0.0.1:0", id, faults, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return p
}

// dialerTo returns node "b"'s dialer, which knows where "a" is.
func dialerTo(t *testing.T, ring secret.Ring, p *clusterPort, faults *membership.Faults) *dialer {
	t.Helper()
	id, err := ring.Identity("b")
	if err != nil {
		t.Fatal(err)
	}
	return &dialer{id: id, faults: faults, book: &addressBook{}, find: func(id string) (membership.Member, bool) {
		return membership.Member{ID: id, Cluster: p.ln.Addr().String()}, true
	}}
}

func TestTwoProtocolsShareOnePort(t *testing.T) {
	t.Parallel()
	ring := secret.Ring{secret.New()}
	p := openPort(t, ring, nil)
	srv := httpapi.Server(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "hello "+secret.PeerID(r.TLS))
	}), slog.New(slog.DiscardHandler))
	go srv.Serve(p.http)
	defer srv.Close()
	go func() {
		if c, err := p.raft.Accept(); err == nil {
			io.Copy(c, c)
			c.Close()
		}
	}()

	d := dialerTo(t, ring, p, nil)
	client := http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return d.http(ctx, "a") }}}
	resp, err := client.Get("http://a.node/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); string(body) != "hello b" {
		t.Errorf("HTTP said %q", body)
	}
	c, err := d.raft(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "ping")
	if echo := make([]byte, 4); func() error { _, err := io.ReadFull(c, echo); return err }() != nil || string(echo) != "ping" {
		t.Errorf("raft said %q", echo)
	}
	if _, err := d.http(t.Context(), "z"); err == nil {
		t.Error("node a was taken for node z")
	}
}

func TestAStrangerGetsNowhere(t *testing.T) {
	t.Parallel()
	p := openPort(t, secret.Ring{secret.New()}, nil)
	if _, err := dialerTo(t, secret.Ring{secret.New()}, p, nil).http(t.Context(), "a"); err == nil {
		t.Error("a node with another secret was let in")
	}
	c, err := tls.Dial("tcp", p.ln.Addr().String(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{protoHTTP}})
	if err == nil {
		_, err = c.Read(make([]byte, 1))
		c.Close()
	}
	if err == nil {
		t.Error("a caller without a certificate was let in")
	}
}

func TestTheGateCutsBothWays(t *testing.T) {
	t.Parallel()
	ring := secret.Ring{secret.New()}
	atA, atB := &membership.Faults{}, &membership.Faults{}
	p := openPort(t, ring, atA)
	accepted := make(chan net.Conn, 1)
	go func() {
		if c, err := p.raft.Accept(); err == nil {
			accepted <- c
		}
	}()
	d := dialerTo(t, ring, p, atB)
	c, err := d.raft(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	<-accepted
	atA.Cut("b") // the accepting side alone: the open connection must end at both
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Error("an open connection outlived the cut")
	}
	atB.Cut("a")
	if _, err := d.raft(t.Context(), "a"); err == nil {
		t.Error("a cut link was dialled")
	}
	atA.Heal()
	atB.Heal()
	if c, err := d.raft(t.Context(), "a"); err != nil {
		t.Errorf("after the heal: %v", err)
	} else {
		c.Close()
	}
}
