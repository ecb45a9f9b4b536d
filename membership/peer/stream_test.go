package peer_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/distributedgo/rollcall/membership"
)

// events sends one event and then stays open until the caller goes.
func events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	_, _ = io.WriteString(w, "data: 1\n\n")
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done()
}

func TestStreamCountsWhileItIsOpen(t *testing.T) {
	t.Parallel()
	ends := map[string]func(c *cluster, cancel context.CancelFunc, body io.Closer){
		"closed":         func(_ *cluster, _ context.CancelFunc, body io.Closer) { _ = body.Close() },
		"cancelled only": func(_ *cluster, cancel context.CancelFunc, _ io.Closer) { cancel() },
		"node dies":      func(c *cluster, _ context.CancelFunc, _ io.Closer) { c.Kill("a") },
		"gossip says so": func(c *cluster, _ context.CancelFunc, _ io.Closer) { c.list.SetStatus("a", membership.StatusFailed) },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := start(t, map[string]behave{"a": events})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			r, _ := http.NewRequestWithContext(ctx, "GET", "http://grading/", nil)
			resp, err := c.peers.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = resp.Body.Close() }()
			lines := bufio.NewReader(resp.Body)
			if line, err := lines.ReadString('\n'); line != "data: 1\n" {
				t.Fatalf("read %q, %v", line, err)
			}
			if n := c.peers.InFlight(); n != 1 {
				t.Errorf("%d calls under way while the stream is open, want 1", n)
			}
			end(c, cancel, resp.Body)
			if name != "cancelled only" { // that one must be noticed without a read
				_, _ = io.Copy(io.Discard, lines)
			}
			c.idle(t)
		})
	}
}

func TestReverseProxyOverPeers(t *testing.T) {
	t.Parallel()
	c := start(t, map[string]behave{"bad": breaks, "good": nil})
	gateway := httptest.NewServer(&httputil.ReverseProxy{
		Transport: c.peers,
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: "http", Host: "grading"}) },
	})
	defer gateway.Close()
	for range 10 {
		r, _ := http.NewRequestWithContext(t.Context(), "PUT", gateway.URL+"/v1/x", strings.NewReader("85.5"))
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if string(text) != "good" {
			t.Fatalf("status %d, answer %q, want good", resp.StatusCode, text)
		}
	}
	c.idle(t)
}

func TestUpgradedConnectionIsWritable(t *testing.T) {
	t.Parallel()
	c := start(t, map[string]behave{"a": func(w http.ResponseWriter, _ *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer func(conn net.Conn) { _ = conn.Close() }(conn)
		_, _ = fmt.Fprint(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		line, _ := rw.ReadString('\n')
		_, _ = io.WriteString(conn, line)
	}})
	r, _ := http.NewRequestWithContext(t.Context(), "GET", "http://grading/", nil)
	r.Header.Set("Connection", "Upgrade")
	r.Header.Set("Upgrade", "echo")
	resp, err := c.peers.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	conn, ok := resp.Body.(io.ReadWriteCloser)
	if !ok {
		t.Fatalf("status %d, a body of type %T that can't be written", resp.StatusCode, resp.Body)
	}
	_, _ = io.WriteString(conn, "hello\n")
	if got, err := io.ReadAll(conn); string(got) != "hello\n" {
		t.Errorf("echoed %q, %v", got, err)
	}
	c.idle(t)
}
