package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// server is a node that answers as told, and notes what it was asked.
type server struct {
	*httptest.Server
	mu    sync.Mutex
	asked []string // method, path, key and body of each request
}

func serve(t *testing.T, status int) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.asked = append(s.asked, strings.Join([]string{r.Method, r.URL.Path, r.Header.Get("Idempotency-Key"), r.Header.Get("Authorization"), string(body)}, " "))
		s.mu.Unlock()
		w.WriteHeader(status)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.asked...)
}

// over makes a RoundTripper over the servers; nil stands for a dead node.
func over(t *testing.T, servers ...*server) *nodes {
	t.Helper()
	n := &nodes{to: http.DefaultTransport, wait: 5 * time.Second}
	for _, s := range servers {
		text := "http://127.0.0.1:1"
		if s != nil {
			text = s.URL
		}
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		n.bases = append(n.bases, u)
	}
	return n
}

func send(t *testing.T, n *nodes, method, body string) (*http.Response, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, anyNode+"/v1/x", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	res, err := n.RoundTrip(r)
	if res != nil {
		discard(res)
	}
	return res, err
}

func TestNextNodeIsAskedUnderTheSameKey(t *testing.T) {
	t.Parallel()
	busy, good := serve(t, http.StatusServiceUnavailable), serve(t, http.StatusCreated)
	n := over(t, nil, busy, good)
	n.bearer = func() (string, error) { return "rct_x", nil }
	res, err := send(t, n, http.MethodPost, "hello")
	if err != nil || res.StatusCode != http.StatusCreated {
		t.Fatalf("got %v, %v", res, err)
	}
	first, second := busy.requests(), good.requests()
	if len(first) != 1 || len(second) != 1 || first[0] != second[0] {
		t.Fatalf("the nodes were asked %q and %q, want the same once each", first, second)
	}
	words := strings.Split(first[0], " ")
	if words[2] == "" || words[3] != "Bearer" || words[4] != "rct_x" || words[5] != "hello" {
		t.Errorf("asked %q, want a key, the token and the whole body", first[0])
	}
	if _, err := send(t, n, http.MethodGet, ""); err != nil || len(busy.requests()) != 1 {
		t.Errorf("the node that answered is not asked first the next time")
	}
}

func TestRefusalIsFinal(t *testing.T) {
	t.Parallel()
	no, yes := serve(t, http.StatusForbidden), serve(t, http.StatusOK)
	res, err := send(t, over(t, no, yes), http.MethodGet, "")
	if err != nil || res.StatusCode != http.StatusForbidden || len(yes.requests()) != 0 {
		t.Errorf("got %v, %v; a 403 is an answer, and not to be asked for elsewhere", res, err)
	}
}

func TestRoundsGoOnUntilANodeCan(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	calls := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if calls++; calls < 4 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer s.Close()
	res, err := send(t, over(t, &server{Server: s}), http.MethodPut, "x")
	if err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("got %v, %v after %d calls", res, err, calls)
	}
}

func TestUnreadableBodyIsSentOnce(t *testing.T) {
	t.Parallel()
	busy, good := serve(t, http.StatusServiceUnavailable), serve(t, http.StatusOK)
	n := over(t, busy, good)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, anyNode+"/", io.NopCloser(strings.NewReader("once")))
	if err != nil {
		t.Fatal(err)
	}
	res, err := n.RoundTrip(r)
	if err != nil || res.StatusCode != http.StatusServiceUnavailable || len(good.requests()) != 0 {
		t.Errorf("got %v, %v; what cannot be sent again must not be", res, err)
	}
	discard(res)
}

func TestSilentNodeIsPassedOver(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	defer s.Close()
	defer close(hang)
	good := serve(t, http.StatusOK)
	n := over(t, &server{Server: s}, good)
	n.to = &http.Transport{ResponseHeaderTimeout: 50 * time.Millisecond}
	for range 3 {
		if res, err := send(t, n, http.MethodPut, "x"); err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("got %v, %v", res, err)
		}
	}
	if len(good.requests()) != 3 {
		t.Errorf("the living node was asked %d times, want 3", len(good.requests()))
	}
}

func TestParseNode(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"127.0.0.1:8500":       "http://127.0.0.1:8500",
		"localhost:1":          "http://localhost:1",
		"[::1]:1":              "http://[::1]:1",
		"grades.example:443":   "https://grades.example:443",
		"http://10.0.0.1:8500": "http://10.0.0.1:8500",
		"https://x.example/":   "https://x.example",
	} {
		if u, err := parseNode(in); err != nil || u.String() != want {
			t.Errorf("parseNode(%q) = %v, %v, want %s", in, u, err, want)
		}
	}
	for _, bad := range []string{"", "x", "127.0.0.1", "127.0.0.1:", "ftp://x", "http://", "http://a/b", "http://a?q", "http://u:p@a", "http://a b"} {
		if u, err := parseNode(bad); err == nil {
			t.Errorf("parseNode(%q) = %v, want an error", bad, u)
		}
	}
}
