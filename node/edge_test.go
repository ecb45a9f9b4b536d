package node

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/distributedgo/rollcall/membership/peer"
	"github.com/distributedgo/rollcall/node/httpapi"
	"github.com/distributedgo/rollcall/node/identity"
)

var testKeys = identity.Keys{Token: [][]byte{{1}}, Session: [][]byte{{2}}}

func TestWhoCalls(t *testing.T) {
	t.Parallel()
	now := time.Now()
	token := func(life time.Duration, id string) string {
		return "Bearer " + testKeys.SignToken(identity.Token{ID: id, Role: identity.Reader, Expires: now.Add(life)})
	}
	session := func(idle time.Duration, id string) string {
		return "Bearer " + testKeys.SignSession(identity.Session{ID: id, Account: "u1", Role: identity.Teacher, Issued: now.Add(-idle), Seen: now.Add(-idle)})
	}
	stand := &identity.Stand{}
	stand.Set(identity.StandState{Index: 1, Revoked: []string{"gone"}}, now)
	for _, tc := range []struct {
		name, policy, remote, host string
		header                     []string
		want                       identity.Role
		err                        error
	}{
		{"a program on this machine", "register", "127.0.0.1:5", "127.0.0.1:8500", nil, identity.Local, nil},
		{"by name", "register", "[::1]:5", "localhost:8500", nil, identity.Local, nil},
		{"another machine", "register", "10.1.1.1:5", "127.0.0.1:8500", nil, "", nil},
		{"a rebound name", "register", "127.0.0.1:5", "evil.example:8500", nil, "", nil},
		{"behind a proxy", "register", "127.0.0.1:5", "localhost", []string{"X-Forwarded-For", "1.2.3.4"}, "", nil},
		{"behind another", "register", "127.0.0.1:5", "localhost", []string{"Forwarded", "for=1.2.3.4"}, "", nil},
		{"behind a third", "register", "127.0.0.1:5", "localhost", []string{"Via", "1.1 x"}, "", nil},
		{"anybody may read", "read", "10.1.1.1:5", "school.example", nil, identity.Guest, nil},
		{"nobody may", "none", "127.0.0.1:5", "localhost", nil, "", nil},
		{"a token", "none", "10.1.1.1:5", "x", []string{"Authorization", token(time.Hour, "t")}, identity.Reader, nil},
		{"an old token", "register", "127.0.0.1:5", "localhost", []string{"Authorization", token(-time.Hour, "t")}, "", identity.ErrExpired},
		{"a revoked token", "register", "127.0.0.1:5", "localhost", []string{"Authorization", token(time.Hour, "gone")}, "", identity.ErrRevoked},
		{"a made-up token", "register", "127.0.0.1:5", "localhost", []string{"Authorization", "Bearer rct_x.y"}, "", identity.ErrSignature},
		{"a session", "none", "10.1.1.1:5", "x", []string{"Authorization", session(0, "s")}, identity.Teacher, nil},
		{"an idle session", "register", "127.0.0.1:5", "localhost", []string{"Authorization", session(identity.IdleLife+time.Minute, "s")}, "", identity.ErrExpired},
		{"a session that was ended", "register", "127.0.0.1:5", "localhost", []string{"Authorization", session(0, "gone")}, "", identity.ErrRevoked},
		{"a made-up session", "register", "127.0.0.1:5", "localhost", []string{"Authorization", "Bearer x.y"}, "", identity.ErrSignature},
		{"a token that passes for a session", "none", "10.1.1.1:5", "x", []string{"Authorization", strings.Replace(token(time.Hour, "t"), identity.TokenPrefix, "", 1)}, "", identity.ErrSignature},
		{"a session that passes for a token", "none", "10.1.1.1:5", "x", []string{"Authorization", strings.Replace(session(0, "s"), "Bearer ", "Bearer "+identity.TokenPrefix, 1)}, "", identity.ErrSignature},
		{"a password", "register", "127.0.0.1:5", "localhost", []string{"Authorization", "Basic YTpi"}, "", errors.New("Bearer")},
	} {
		e := &edge{keys: testKeys, stand: stand, anonymous: tc.policy}
		r := httptest.NewRequest("GET", "/v1/cluster", nil)
		r.RemoteAddr, r.Host = tc.remote, tc.host
		for i := 0; i < len(tc.header); i += 2 {
			r.Header.Set(tc.header[i], tc.header[i+1])
		}
		p, err := e.principal(r)
		if p.Role != tc.want || (err == nil) != (tc.err == nil) || err != nil && !errors.Is(err, tc.err) && !strings.Contains(err.Error(), tc.err.Error()) {
			t.Errorf("%s: got role %q, %v, want %q, %v", tc.name, p.Role, err, tc.want, tc.err)
		}
	}
}

func TestASessionSpeaksForItsAccount(t *testing.T) {
	t.Parallel()
	ada := identity.Principal{Account: "u1", Role: identity.Teacher}
	e := &edge{keys: testKeys, stand: &identity.Stand{}, anonymous: "register", session: func(r *http.Request) (identity.Principal, error) {
		if _, err := r.Cookie("rollcall"); err != nil {
			return identity.Principal{}, err
		}
		return ada, nil
	}}
	r := httptest.NewRequest("GET", "/", nil)
	r.AddCookie(&http.Cookie{Name: "rollcall", Value: "x"})
	if p, err := e.principal(r); err != nil || p.Account != "u1" {
		t.Errorf("got %v, %v, want the account", p, err)
	}
	if p, err := e.principal(httptest.NewRequest("GET", "/", nil)); err != nil || !p.Anonymous() {
		t.Errorf("without a session: got %v, %v", p, err)
	}
}

func TestGatewayChoosesTheRole(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/v1/cluster": roleRegistry, "/v1/cluster/events": roleRegistry, "/v1/clusters": roleGrading,
		"/v1/logs": roleLog, "/v1/logs/internal/x": roleLog, "/v1/courses/c1/gradebook": roleGrading, "/v1/session": roleGrading,
		"/v1/found": "", "/v1/leave": "", "/v1/ingest": "", "/v1/lab/cut": "", "/v1/openapi.json": "",
	} {
		if got := roleOf(path); got != want {
			t.Errorf("%s goes to %q, want %q", path, got, want)
		}
	}
}

func TestGatewayPassesThePrincipalOnAndTheProofsNot(t *testing.T) {
	t.Parallel()
	var sent *http.Request
	var body string
	peers := roundTripper(func(r *http.Request) (*http.Response, error) {
		sent = r
		b, err := io.ReadAll(r.Body)
		body = string(b)
		if again, err := r.GetBody(); err == nil {
			b, _ = io.ReadAll(again)
			body += string(b)
		}
		return &http.Response{StatusCode: 200, Body: http.NoBody, Header: http.Header{}}, err
	})
	g := newGateway(http.NotFoundHandler(), func(string) bool { return false }, peers, slog.New(slog.DiscardHandler))
	r := httptest.NewRequest("POST", "/v1/courses?x=1", strings.NewReader("hello"))
	r.Header.Set("Authorization", "Bearer rct_secret")
	r.Header.Set("Cookie", "rollcall=secret")
	r.Header.Set("Idempotency-Key", "k")
	r = r.WithContext(identity.With(r.Context(), identity.Principal{Role: identity.Teacher, Account: "u1"}))
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	if w.Code != 200 || sent.URL.String() != "http://grading/v1/courses?x=1" || body != "hellohello" {
		t.Fatalf("got %d, sent to %s, bodies %q", w.Code, sent.URL, body)
	}
	if sent.Header.Get("Authorization") != "" || sent.Header.Get("Cookie") != "" {
		t.Error("the proofs were passed on")
	}
	if p, err := identity.Decode(sent.Header.Get(identity.Header)); err != nil || p.Account != "u1" || sent.Header.Get("Idempotency-Key") != "k" {
		t.Errorf("principal %v, %v", p, err)
	}
}

func TestGatewaySaysWhyNobodyAnswers(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		path   string
		err    error
		status int
		says   string
	}{
		{"/v1/courses", peer.ErrNoPeer, 503, "rollcall found"},
		{"/v1/logs", peer.ErrNoPeer, 503, "no live node serves the role log"},
		{"/v1/courses", &peer.UnknownOutcomeError{Err: io.EOF}, 503, "same Idempotency-Key"},
		{"/v1/courses", context.DeadlineExceeded, 504, "try again"},
		{"/v1/courses", errors.New("dial 10.0.0.1"), 502, "role grading"},
	} {
		peers := roundTripper(func(*http.Request) (*http.Response, error) { return nil, tc.err })
		g := newGateway(http.NotFoundHandler(), func(string) bool { return false }, peers, slog.New(slog.DiscardHandler))
		w := httptest.NewRecorder()
		g.ServeHTTP(w, httptest.NewRequest("GET", tc.path, nil))
		if w.Code != tc.status || !strings.Contains(w.Body.String(), tc.says) || strings.Contains(w.Body.String(), "10.0.0.1") {
			t.Errorf("%s, %v: got %d %s, want %d that says %q", tc.path, tc.err, w.Code, w.Body, tc.status, tc.says)
		}
		if w.Header().Get("Content-Type") != "application/problem+json" || (tc.status == 503) != (w.Header().Get("Retry-After") != "") {
			t.Errorf("%s, %v: headers %v", tc.path, tc.err, w.Header())
		}
	}
}

func TestPagesOfOtherOriginsAreRefused(t *testing.T) {
	t.Parallel()
	n := &Node{publicAPI: httpapi.New(httpapi.Config{})}
	n.publicAPI.Echo.POST("/v1/ingest", func(c echo.Context) error { return c.NoContent(204) })
	for origin, want := range map[string]int{"cross-site": 403, "same-origin": 204, "": 204} {
		r := httptest.NewRequest("POST", "/v1/ingest", nil)
		if origin != "" {
			r.Header.Set("Sec-Fetch-Site", origin)
		}
		w := httptest.NewRecorder()
		n.publicHandler().ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%q: got %d, want %d", origin, w.Code, want)
		}
	}
}
