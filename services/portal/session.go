package portal

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/distributedgo/rollcall/node/httpapi"
	"github.com/distributedgo/rollcall/node/identity"
)

// A session is a cookie that says who signed in, when, and when they were last
// here, signed with a key that every node derives from the cluster's secret.
// No node stores it, so any portal accepts it. What a signature can't know,
// that someone signed out or was disabled, comes from identity.Stand.

// renewAfter is how old a session's last sign of life gets before its cookie
// is written again.
const renewAfter = time.Minute

// ErrNoSession says that a request carries no session cookie of this cluster.
var ErrNoSession = errors.New("no session: sign in")

// cookieName is "rollcall-" and the cluster, as far as cookie names may carry
// it. Under TLS it begins with __Host-: browsers then take it only from this
// host, over TLS, for the whole site (RFC 6265bis 4.1.3.2).
func cookieName(cluster string, tls bool) string {
	safe := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '_'
	}, cluster)
	if tls {
		return "__Host-rollcall-" + safe
	}
	return "rollcall-" + safe
}

// Authenticate returns who holds the session that r carries. The public port
// asks it for /v1/… too, so that pages can call the API. Errors: ErrNoSession,
// and those of identity.Keys.VerifySession and identity.Stand.Admit.
func (s *Service) Authenticate(r *http.Request) (identity.Principal, error) {
	session, err := s.session(r)
	if err != nil {
		return identity.Principal{}, err
	}
	p, err := s.cfg.Stand.Admit(session.Principal())
	if err != nil {
		return identity.Principal{}, err
	}
	p.From = remoteHost(r)
	return p, nil
}

// remoteHost is the address a request came from, as the connection says it: a
// header such as X-Forwarded-For is whatever the sender wants it to be.
func remoteHost(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

func (s *Service) session(r *http.Request) (identity.Session, error) {
	c, err := r.Cookie(s.cookie)
	if err != nil {
		return identity.Session{}, ErrNoSession
	}
	return s.cfg.Keys.VerifySession(c.Value, time.Now())
}

// Renew moves the idle time of the session that r carries, at most once a
// minute. The caller has authenticated r. It never prolongs the absolute time.
func (s *Service) Renew(w http.ResponseWriter, r *http.Request) {
	session, err := s.session(r)
	now := time.Now()
	if err != nil || now.Sub(session.Seen) < renewAfter {
		return
	}
	session.Seen = now
	s.setCookie(w, s.cfg.Keys.SignSession(session))
}

// setCookie writes the session cookie; an empty value removes it. It carries
// no Max-Age: it ends with the browser, or sooner, when its signed times do.
func (s *Service) setCookie(w http.ResponseWriter, value string) {
	c := &http.Cookie{
		Name: s.cookie, Value: value, Path: "/",
		HttpOnly: true, Secure: s.cfg.TLS, SameSite: http.SameSiteLaxMode,
	}
	if value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

// renewSession is what a page calls while someone types in it.
func (s *Service) renewSession(c echo.Context) error {
	if _, err := s.Authenticate(c.Request()); err != nil {
		return identity.ErrUnauthenticated
	}
	s.Renew(c.Response(), c.Request())
	return c.NoContent(http.StatusNoContent)
}

// ── signing in and out ─────────────────────────────────────────────────────

type signinData struct{ Name, Next string }

func (s *Service) signinForm(c echo.Context) error {
	next := safeNext(c.QueryParam("next"))
	if !caller(c).Anonymous() {
		return c.Redirect(http.StatusSeeOther, next)
	}
	return s.render(c, http.StatusOK, page{Name: "signin", Title: "Sign in", Data: signinData{Next: next}})
}

func (s *Service) signin(c echo.Context) error {
	name, next := strings.TrimSpace(c.FormValue("name")), safeNext(c.FormValue("next"))
	again := func(status int, text string) error {
		return s.render(c, status, page{
			Name: "signin", Title: "Sign in", Data: signinData{Name: name, Next: next},
			Notices: []notice{bad(text)},
		})
	}
	if name == "" || c.FormValue("password") == "" {
		return again(http.StatusUnprocessableEntity, "Type both your name and your password.")
	}
	ctx, cancel := context.WithTimeout(c.Request().Context(), patience)
	defer cancel()
	// Nobody yet, but from where: sign-ins are throttled by name and address in
	// the grading role, for every way to sign in.
	ctx = identity.With(ctx, identity.Principal{Role: identity.Guest, From: remoteHost(c.Request())})
	session, err := s.grades.SignIn(ctx, name, c.FormValue("password"))
	p, refused := errors.AsType[*httpapi.Problem](err)
	switch {
	case refused && p.Status == http.StatusTooManyRequests:
		for key, values := range p.GetHeaders() {
			c.Response().Header()[key] = values
		}
		return again(p.Status, "Too many wrong passwords. Wait a little, then try again.")
	case refused && p.Status < http.StatusInternalServerError:
		return again(http.StatusUnauthorized, "That name and password do not belong together.")
	case err != nil:
		s.log.Warn("sign-in without an answer", "error", err)
		return again(http.StatusServiceUnavailable, "The gradebook does not answer right now, and it is what knows the passwords. Try again in a moment.")
	}
	if _, err := s.cfg.Keys.VerifySession(session.Text, time.Now()); err != nil {
		s.log.Error("sign-in gave a session this node can not verify", "error", err)
		return again(http.StatusServiceUnavailable, "The nodes of this cluster do not agree on their keys or their clocks. Tell whoever runs it.")
	}
	s.setCookie(c.Response(), session.Text)
	return c.Redirect(http.StatusSeeOther, next)
}

// signout ends this session, or with everywhere=1 all of the account. The
// cookie goes in any case; when the gradebook could not be told, the page says
// so, since the session's signature alone would still be good.
func (s *Service) signout(c echo.Context) error {
	p := caller(c)
	s.setCookie(c.Response(), "")
	if p.Anonymous() {
		return c.Redirect(http.StatusSeeOther, "/signin")
	}
	ctx, cancel := context.WithTimeout(c.Request().Context(), patience)
	defer cancel()
	end := s.grades.SignOut
	if c.FormValue("everywhere") != "" {
		end = func(ctx context.Context) error { return s.grades.SignOutEverywhere(ctx, p.Account) }
	}
	if err := end(ctx); err != nil {
		s.log.Warn("sign-out was not recorded", "error", err)
		c.SetRequest(c.Request().WithContext(identity.With(c.Request().Context(), identity.Principal{})))
		return s.render(c, http.StatusServiceUnavailable, page{
			Name: "signin", Title: "Sign in", Data: signinData{Next: "/"},
			Notices: []notice{warn("You are signed out in this browser. The gradebook could not be told: a copy of the cookie made elsewhere would work until it is idle for 30 minutes.")},
		})
	}
	return c.Redirect(http.StatusSeeOther, "/signin")
}

// signinPath is the sign-in page that comes back to a path.
func signinPath(back string) string {
	if back == "/" || safeNext(back) != back {
		return "/signin"
	}
	return "/signin?next=" + url.QueryEscape(back)
}

// safeNext returns where to go after signing in: a path of this origin, else
// the start. Browsers read "//host", "/\host" and control characters inside as
// ways to leave the origin.
func safeNext(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" ||
		!strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || len(next) > 2000 ||
		strings.ContainsFunc(next, func(r rune) bool { return r < ' ' || r == '\\' || r == 0x7f }) ||
		strings.HasPrefix(u.Path, "/signin") || strings.HasPrefix(u.Path, "/signout") {
		return "/"
	}
	return next
}
