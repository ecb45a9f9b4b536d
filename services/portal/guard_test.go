package portal

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/distributedgo/rollcall/node/httpapi"
	"github.com/distributedgo/rollcall/node/identity"
)

func TestPolicy(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *Config) {
		c.Portals = func() []string {
			return []string{
				"http://127.0.0.1:8510", "https://n2.school.example:8500/", "https://[2001:db8::1]:8500",
				"http://evil.example; script-src *", "http://a b", "javascript:alert(1)", "", "//x", "https://user:pw@host/", "http://h\r\nX: y",
			}
		}
	})
	for _, target := range []string{"/signin", "/courses", "/courses/c1", "/nowhere", "/cluster/view"} {
		a := w.get(t, target, identity.Admin, "Accept", "text/html")
		h := a.Header()
		const want = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
			"connect-src 'self' http://127.0.0.1:8510 https://n2.school.example:8500 https://[2001:db8::1]:8500 https://host; " +
			"font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
		if got := h.Get("Content-Security-Policy"); got != want {
			t.Errorf("%s: policy\n%s\nwant\n%s", target, got, want)
		}
		for name, value := range map[string]string{
			"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin",
		} {
			if got := h.Get(name); got != value {
				t.Errorf("%s: %s is %q, want %q", target, name, got, value)
			}
		}
	}
}

// TestForeignRequests: another site can't make this browser do anything.
func TestForeignRequests(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/signin", "/signout", "/courses", "/courses/c1/import", "/session/renew"} {
		for _, header := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}} {
			w := newWorld(t, nil)
			a := w.ask(t, "POST", path, identity.Admin, form("title", "x", "name", "ada", "password", "right"), header...)
			a.is(http.StatusForbidden).has("another site")
			if len(w.asked) > 0 || cookieOf(a) != nil {
				t.Errorf("%s with %v: asked %v, cookie %v", path, header, w.asked, cookieOf(a))
			}
		}
	}
	w := newWorld(t, nil)
	w.ask(t, "POST", "/courses", identity.Teacher, form("title", "Algebra"), "Sec-Fetch-Site", "same-origin").goesTo("/courses/c9")
}

// TestErrorsBecomePages: what services refuse is said in words, with its
// status; causes stay in the log.
func TestErrorsBecomePages(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err    error
		status int
		has    []string
	}{
		"not found":    {httpapi.Problemf(404, "course c1 does not exist"), 404, []string{"course c1 does not exist"}},
		"forbidden":    {httpapi.Problemf(403, "not allowed: teacher u7 may not read this course"), 403, []string{"Not for this account"}},
		"hostile text": {httpapi.Problemf(422, "<b>x</b>").With("f", "<script>", "use “y”"), 422, []string{"&lt;b&gt;", "&lt;script&gt;"}},
		"no leader":    {httpapi.Problemf(503, "no leader: try again"), 503, []string{"no leader: try again", "Try again"}},
		"no answer":    {errors.New("dial 10.1.2.3: refused"), 503, []string{"does not answer right now", `href="/courses/c1?a=1"`}},
	} {
		w := newWorld(t, nil)
		w.err = c.err
		w.get(t, "/courses/c1?a=1", identity.Teacher).is(c.status).has(c.has...).lacks("10.1.2.3", "<script>", "<b>x")
		if !strings.Contains(w.as.Account, "u7") {
			t.Errorf("%s: asked as %+v", name, w.as)
		}
	}
	w := newWorld(t, nil)
	w.err = httpapi.Problemf(401, "revoked")
	a := w.get(t, "/courses/c1", identity.Teacher).goesTo("/signin?next=%2Fcourses%2Fc1")
	if c := cookieOf(a); c == nil || c.MaxAge >= 0 {
		t.Errorf("the refused cookie stayed: %+v", c)
	}
}

// TestUnknownAddress: a person gets a page, a program the port's own answer.
func TestUnknownAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.get(t, "/no<where>", "", "Accept", "text/html,*/*").is(404).has("There is no such page").lacks("<where>")
	a := w.get(t, "/nowhere", "").is(404)
	if got := a.Header().Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("a program gets %q", got)
	}
}
