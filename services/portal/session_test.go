package portal

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/distributedgo/rollcall/node/httpapi"
	"github.com/distributedgo/rollcall/node/identity"
)

func form(pairs ...string) *strings.Reader {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return strings.NewReader(v.Encode())
}

func cookieOf(a *answer) *http.Cookie {
	for _, c := range a.Result().Cookies() {
		return c
	}
	return nil
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	for _, tls := range []bool{false, true} {
		w := newWorld(t, func(c *Config) { c.TLS = tls })
		a := w.ask(t, "POST", "/signin", "", form("name", " ada ", "password", "right", "next", "/courses/c1")).goesTo("/courses/c1")
		c := cookieOf(a)
		if c == nil || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.Secure != tls {
			t.Fatalf("TLS %v: cookie %+v", tls, c)
		}
		if want := map[bool]string{false: "rollcall-test", true: "__Host-rollcall-test"}[tls]; c.Name != want {
			t.Errorf("cookie is called %q, want %q", c.Name, want)
		}
		r := httptest.NewRequest("GET", "/v1/courses", nil)
		r.AddCookie(c)
		p, err := w.Authenticate(r)
		if err != nil || p.Account != "u7" || p.Session != "sess1" || p.Epoch != 3 || p.From == "" {
			t.Errorf("the cookie proves %+v, %v", p, err)
		}
		if w.as.Role != identity.Guest || w.as.From == "" {
			t.Errorf("sign-in was asked as %+v, want a guest with an address", w.as)
		}
	}
}

func TestSignInRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	page := func(name, password string) *answer {
		return w.ask(t, "POST", "/signin", "", form("name", name, "password", password, "next", "/logs"))
	}
	a := page(`"><script>alert(1)</script>`, "wrong").is(401).has("do not belong together", `value="/logs"`, `value="&#34;&gt;&lt;script&gt;`).lacks("<script>alert", "wrong\"")
	if cookieOf(a) != nil {
		t.Error("a refused sign-in set a cookie")
	}
	page("ada", "").is(422).has("both your name and your password")
	w.refuse["SignIn"] = httpapi.Problemf(http.StatusTooManyRequests, "wait").WithHeader("Retry-After", "7")
	if a := page("ada", "right").is(429); a.Header().Get("Retry-After") != "7" {
		t.Error("Retry-After was not passed on")
	}
	w.refuse["SignIn"] = errors.New("connection refused to 10.0.0.7")
	page("ada", "right").is(503).has("does not answer right now").lacks("10.0.0.7")
}

// TestSafeNext: after signing in one never ends up at another site.
func TestSafeNext(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"/courses/c1?a=b#frag": "/courses/c1?a=b#frag", "/": "/", "": "/",
		"//evil.example": "/", "/\\evil.example": "/", "\\/evil.example": "/", "https://evil.example/": "/", "javascript:alert(1)": "/",
		"/\t/evil.example": "/", "/a\nb": "/", " //evil.example": "/", "evil.example": "/", "/signin?next=/signin": "/", "/signout": "/",
		"/" + strings.Repeat("a", 3000): "/", "http:/evil": "/", "///evil.example": "/", "/%2F/evil": "/%2F/evil",
	} {
		if got := safeNext(in); got != want {
			t.Errorf("safeNext(%q) = %q, want %q", in, got, want)
		}
	}
	w := newWorld(t, nil)
	w.ask(t, "POST", "/signin", "", form("name", "ada", "password", "right", "next", "//evil.example")).goesTo("/")
	w.get(t, "/signin?next=//evil.example", "").is(200).lacks("evil.example")
}

func TestSignOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	a := w.ask(t, "POST", "/signout", identity.Teacher, form()).goesTo("/signin")
	if c := cookieOf(a); c == nil || c.MaxAge >= 0 || c.Value != "" {
		t.Errorf("the cookie was not removed: %+v", c)
	}
	w.ask(t, "POST", "/signout", identity.Teacher, form("everywhere", "1")).goesTo("/signin")
	if got := strings.Join(w.asked, ", "); got != "SignOut, SignOutEverywhere u7" || w.as.Session != "sess1" {
		t.Errorf("asked %q as %+v", got, w.as)
	}
	w.err = errors.New("no leader")
	w.ask(t, "POST", "/signout", identity.Teacher, form()).is(503).has("signed out in this browser").lacks(`id="signout"`)
	w.ask(t, "POST", "/signout", "", form()).goesTo("/signin")
}

func TestSessionsThatDoNotCount(t *testing.T) {
	t.Parallel()
	stand := &identity.Stand{}
	w := newWorld(t, func(c *Config) { c.Stand = stand })
	now := time.Now()
	try := func(value string) error {
		r := httptest.NewRequest("GET", "/", nil)
		r.AddCookie(&http.Cookie{Name: w.cookie, Value: value})
		_, err := w.Authenticate(r)
		return err
	}
	ok := w.signed(identity.Teacher, now)
	if err := try(ok); err != nil {
		t.Fatal(err)
	}
	if err := try(w.signed(identity.Teacher, now.Add(-31*time.Minute))); !errors.Is(err, identity.ErrExpired) {
		t.Errorf("idle for 31 minutes: %v", err)
	}
	if err := try(ok + "x"); !errors.Is(err, identity.ErrSignature) {
		t.Errorf("changed by one letter: %v", err)
	}
	if _, err := w.Authenticate(httptest.NewRequest("GET", "/", nil)); !errors.Is(err, ErrNoSession) {
		t.Errorf("no cookie: %v", err)
	}
	stand.Set(identity.StandState{Index: 1, Accounts: map[string]identity.AccountStand{"u7": {Name: "ada", Role: identity.Teacher, Epoch: 4}}}, now)
	if err := try(ok); !errors.Is(err, identity.ErrRevoked) {
		t.Errorf("signed out everywhere: %v", err)
	}
	stand.Set(identity.StandState{Index: 2, Revoked: []string{"sess1"}}, now)
	if err := try(ok); !errors.Is(err, identity.ErrRevoked) {
		t.Errorf("signed out: %v", err)
	}
	w.get(t, "/courses", identity.Teacher).goesTo("/signin?next=%2Fcourses")
}

// TestRenewal: using pages keeps a session alive, and moves nothing but its
// idle time; a page that refreshes itself does not.
func TestRenewal(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	issued := time.Now().Add(-10 * time.Minute).Truncate(time.Second)
	old := w.signed(identity.Teacher, issued)
	ask := func(method, path string, header ...string) *http.Cookie {
		r := httptest.NewRequest(method, path, nil)
		r.AddCookie(&http.Cookie{Name: w.cookie, Value: old})
		for i := 0; i+1 < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		rec := httptest.NewRecorder()
		w.api.ServeHTTP(rec, r)
		return cookieOf(&answer{rec, t})
	}
	for _, c := range []*http.Cookie{ask("GET", "/courses"), ask("POST", "/session/renew")} {
		if c == nil {
			t.Fatal("the session was not renewed")
		}
		s, err := w.keys.VerifySession(c.Value, time.Now())
		if err != nil || !s.Issued.Equal(issued) || time.Since(s.Seen) > time.Minute || s.ID != "sess1" || s.Epoch != 3 {
			t.Errorf("renewed to %+v, %v", s, err)
		}
	}
	if c := ask("GET", "/cluster/view", "HX-Request", "true"); c != nil {
		t.Error("a page that refreshes itself kept the session alive")
	}
	old = w.signed(identity.Teacher, time.Now())
	if c := ask("GET", "/courses"); c != nil {
		t.Error("a fresh cookie was written again")
	}
	w.ask(t, "POST", "/session/renew", "", nil).is(401)
}
