package peer_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/distributedgo/rollcall/membership"
	"github.com/distributedgo/rollcall/membership/membertest"
	"github.com/distributedgo/rollcall/membership/peer"
)

// cluster is a few HTTP servers that serve one role, and a way to call them.
type cluster struct {
	*membertest.Servers
	list  *membertest.List
	peers *peer.Transport

	mu    sync.Mutex
	calls []call // guarded by mu: in order of arrival
}

type call struct{ node, method, key, body, clock string }

// behave is what a node does with a request; nil answers with the node's id.
type behave func(w http.ResponseWriter, r *http.Request)

func start(t *testing.T, nodes map[string]behave) *cluster {
	t.Helper()
	c := &cluster{Servers: membertest.NewServers(t), list: membertest.Fixed()}
	for id, f := range nodes {
		c.list.Set(membertest.Alive(id, "grading"))
		c.Serve(id, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			c.mu.Lock()
			c.calls = append(c.calls, call{id, r.Method, r.Header.Get(peer.KeyHeader), string(body), r.Header.Get(peer.ClockHeader)})
			c.mu.Unlock()
			if f != nil {
				f(w, r)
				return
			}
			_, _ = io.WriteString(w, id)
		}))
	}
	c.peers = c.Peers(c.list)
	return c
}

func (c *cluster) seen() []call {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.calls)
}

// do sends one request and returns status and body.
func (c *cluster) do(t *testing.T, method, url string, body io.Reader) (int, string, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.peers.RoundTrip(r)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}

// idle fails the test when calls are still counted as under way.
func (c *cluster) idle(t *testing.T) {
	t.Helper()
	membertest.Eventually(t, 5*time.Second, func() error {
		if n := c.peers.InFlight(); n != 0 {
			return fmt.Errorf("%d calls still counted as under way", n)
		}
		return nil
	})
}

// breaks ends the connection after the request was read, without an answer.
func breaks(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func declines(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set(peer.NotServing, "starting")
	w.WriteHeader(http.StatusServiceUnavailable)
}

// stream hides what a body is, so that it has no length and can be read once.
type stream struct{ io.Reader }

func TestCallsGoToEveryNodeAndAroundADeadOne(t *testing.T) {
	t.Parallel()
	c := start(t, map[string]behave{"a": nil, "b": nil, "c": nil})
	answered := map[string]int{}
	ask := func() {
		for range 30 {
			status, node, err := c.do(t, "GET", "http://grading/", nil)
			if err != nil || status != 200 {
				t.Fatalf("status %d, error %v", status, err)
			}
			answered[node]++
		}
	}
	ask()
	if len(answered) < 2 {
		t.Errorf("all calls went to %v", answered)
	}
	c.Kill("b")
	clear(answered)
	ask()
	if answered["b"] != 0 || answered["a"]+answered["c"] != 30 {
		t.Errorf("after b died: %v", answered)
	}
	if _, _, err := c.do(t, "GET", "http://b.node/", nil); err == nil {
		t.Error("a call to exactly b was answered by another")
	}
	if got := c.peers.Unreachable(); !slices.Equal(got, []string{"b"}) {
		t.Errorf("unreachable %v, want b", got)
	}
	c.idle(t)
}

func TestWhatGoesOnToTheNextPeer(t *testing.T) {
	t.Parallel()
	dead := behave(breaks)
	tests := map[string]struct {
		method string
		body   func() io.Reader
		bad    behave
		ok     bool // a good peer's answer arrives
	}{
		"read, broken":                       {"GET", nil, dead, true},
		"write without a body, broken":       {"POST", nil, dead, true},
		"write with a short body, broken":    {"PUT", func() io.Reader { return strings.NewReader("85.5") }, dead, true},
		"write with a streamed body, broken": {"POST", func() io.Reader { return stream{strings.NewReader("85.5")} }, dead, false},
		"read, declined":                     {"GET", nil, declines, true},
		"write, declined":                    {"POST", func() io.Reader { return strings.NewReader("85.5") }, declines, true},
		"write, streamed, nobody there":      {"POST", func() io.Reader { return stream{strings.NewReader("85.5")} }, nil, true},
		"delete, broken":                     {"DELETE", nil, dead, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range 6 { // whichever is picked first
				c := start(t, map[string]behave{"bad": tt.bad, "good": nil})
				if tt.bad == nil {
					c.Kill("bad")
				}
				var body io.Reader
				if tt.body != nil {
					body = tt.body()
				}
				_, node, err := c.do(t, tt.method, "http://grading/", body)
				calls := c.seen()
				switch unknown, is := errors.AsType[*peer.UnknownOutcomeError](err); {
				case err == nil && node == "good":
					if last := calls[len(calls)-1]; body != nil && last.body != "85.5" {
						t.Errorf("the good peer got the body %q", last.body)
					}
				case !tt.ok && is && unknown.Peer.ID == "bad" && unknown.Key == calls[0].key:
				default:
					t.Errorf("answer %q, error %v", node, err)
				}
				for _, call := range calls {
					if write := tt.method != "GET"; write != (call.key != "") || call.key != calls[0].key {
						t.Errorf("keys of %s: %v", tt.method, calls)
					}
				}
				c.idle(t)
			}
		})
	}
}

func TestOwnKeyIsKept(t *testing.T) {
	t.Parallel()
	c := start(t, map[string]behave{"a": nil})
	r, _ := http.NewRequestWithContext(t.Context(), "POST", "http://grading/", nil)
	r.Header.Set(peer.KeyHeader, "mine")
	resp, err := c.peers.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if got := c.seen()[0].key; got != "mine" {
		t.Errorf("went under the key %q, want mine", got)
	}
}

func TestRequestIsNotChanged(t *testing.T) {
	t.Parallel()
	c := start(t, map[string]behave{"a": nil})
	r, _ := http.NewRequestWithContext(t.Context(), "POST", "http://grading/x", strings.NewReader("1"))
	resp, err := c.peers.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if r.URL.Host != "grading" || len(r.Header) != 0 {
		t.Errorf("the caller's request became %v %v", r.URL, r.Header)
	}
}

func TestAllDeclineIsTheirAnswer(t *testing.T) {
	t.Parallel()
	c := start(t, map[string]behave{"a": declines, "b": declines})
	status, _, err := c.do(t, "PUT", "http://grading/", strings.NewReader("1"))
	if err != nil || status != http.StatusServiceUnavailable {
		t.Errorf("status %d, error %v; want 503", status, err)
	}
	if n := len(c.seen()); n != 2 {
		t.Errorf("%d were asked, want both", n)
	}
	if got := c.peers.Unreachable(); len(got) != 0 {
		t.Errorf("unreachable %v: they answered", got)
	}
}

func TestNobodyServes(t *testing.T) {
	t.Parallel()
	c := start(t, map[string]behave{"a": nil})
	c.list.SetStatus("a", membership.StatusFailed)
	if _, _, err := c.do(t, "GET", "http://grading/", nil); !errors.Is(err, peer.ErrNoPeer) {
		t.Errorf("error %v, want ErrNoPeer", err)
	}
	if _, node, err := c.do(t, "GET", "http://a.node/", nil); node != "a" {
		t.Errorf("asked for by id: answer %q, error %v; want a, whatever gossip says", node, err)
	}
}

func TestWaitingCallEndsWhenGossipSaysFailed(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{})
	c := start(t, map[string]behave{"hangs": func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
	}})
	go func() {
		<-asked
		c.list.SetStatus("hangs", membership.StatusFailed)
	}()
	_, _, err := c.do(t, "GET", "http://grading/", nil)
	if err == nil || !strings.Contains(err.Error(), "gossip lists this node as failed") {
		t.Errorf("error %v, want that gossip lists the node as failed", err)
	}
	c.idle(t)
}

func TestCallerGivesUp(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"GET", "POST"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			asked := make(chan struct{}, 1)
			c := start(t, map[string]behave{"hangs": func(_ http.ResponseWriter, r *http.Request) {
				asked <- struct{}{}
				<-r.Context().Done()
			}})
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				<-asked
				cancel()
			}()
			r, _ := http.NewRequestWithContext(ctx, method, "http://grading/", nil)
			_, err := c.peers.RoundTrip(r)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("error %v, want context.Canceled", err)
			}
			if _, unknown := errors.AsType[*peer.UnknownOutcomeError](err); unknown != (method == "POST") {
				t.Errorf("error %v: a write that was sent has an unknown outcome, a read has not", err)
			}
			if got := c.peers.Unreachable(); len(got) != 0 {
				t.Errorf("unreachable %v: it was the caller who gave up", got)
			}
			c.idle(t)
		})
	}
}

func TestClockRidesBothWays(t *testing.T) {
	t.Parallel()
	ahead := membership.Stamp{Wall: time.Now().Add(10 * time.Second).UnixMilli(), Node: "a"}
	c := start(t, map[string]behave{"a": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set(peer.ClockHeader, ahead.String())
	}})
	for range 2 {
		if _, _, err := c.do(t, "GET", "http://grading/", nil); err != nil {
			t.Fatal(err)
		}
	}
	second, err := membership.ParseStamp(c.seen()[1].clock)
	if err != nil || second.Compare(ahead) <= 0 {
		t.Errorf("the second call carries %v, want later than the answer %v to the first (%v)", second, ahead, err)
	}
}
