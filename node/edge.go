package node

import (
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/distributedgo/rollcall/node/httpapi"
	"github.com/distributedgo/rollcall/node/identity"
)

// edge is where a caller from outside becomes a principal. Everything that
// comes in by the public port passes it; nothing behind it looks at cookies or
// tokens again.
type edge struct {
	keys      identity.Keys
	stand     *identity.Stand
	session   func(*http.Request) (identity.Principal, error) // reads the portal's cookie
	anonymous string                                          // none, read or register
}

// strangerBody is the longest body that is taken from somebody whom nobody has
// proved: a sign-in is a few hundred bytes.
const strangerBody = 256 << 10

// middleware proves the caller, puts the principal into the request's context,
// and takes the proofs away: no service behind the edge needs them, and none
// can leak them.
func (e *edge) middleware(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		p, err := e.principal(r)
		if err != nil {
			return err
		}
		p.From, _, _ = net.SplitHostPort(r.RemoteAddr)
		if (p.Role == "" || p.Role == identity.Guest) && r.Body != nil && r.Body != http.NoBody {
			r.Body = http.MaxBytesReader(c.Response(), r.Body, strangerBody)
		}
		c.SetRequest(r.WithContext(identity.With(r.Context(), p)))
		return next(c)
	}
}

// principal returns who calls. A token, or a session sent in its place, that is sent and is not good is an
// error; a session cookie that is not good makes the caller anonymous, so that
// pages can lead to the sign-in.
func (e *edge) principal(r *http.Request) (identity.Principal, error) {
	if auth := r.Header.Get("Authorization"); auth != "" {
		scheme, text, _ := strings.Cut(auth, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return identity.Principal{}, httpapi.Problemf(http.StatusUnauthorized, "send the token as Authorization: Bearer %s…", identity.TokenPrefix).
				WithHeader("WWW-Authenticate", `Bearer realm="rollcall"`)
		}
		p, err := e.bearer(strings.TrimSpace(text), time.Now())
		if err != nil {
			return identity.Principal{}, err
		}
		return e.stand.Admit(p)
	}
	if e.session != nil {
		if p, err := e.session(r); err == nil {
			return p, nil
		}
	}
	switch {
	case e.anonymous == "register" && fromThisMachine(r):
		return identity.Principal{Role: identity.Local}, nil
	case e.anonymous == "read":
		return identity.Principal{Role: identity.Guest}, nil
	}
	return identity.Principal{}, nil
}

// bearer reads a token, or the session that a program got by signing in. No
// browser sends it by itself, so no page can have it sent. It is not renewed
// here, and so ends identity.IdleLife after the sign-in.
func (e *edge) bearer(text string, now time.Time) (identity.Principal, error) {
	if strings.HasPrefix(text, identity.TokenPrefix) {
		t, err := e.keys.VerifyToken(text, now)
		return t.Principal(), err
	}
	s, err := e.keys.VerifySession(text, now)
	return s.Principal(), err
}

// fromThisMachine reports whether a program on this machine calls by itself.
// A header that a proxy adds means that somebody else may stand behind it, and
// a Host that is not loopback that a web page has talked a browser into it
// (DNS rebinding).
func fromThisMachine(r *http.Request) bool {
	for name := range r.Header {
		if name == "Forwarded" || name == "Via" || strings.HasPrefix(name, "X-Forwarded-") || name == "X-Real-Ip" {
			return false
		}
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	remote, _, err := net.SplitHostPort(r.RemoteAddr)
	return err == nil && loopbackHost(remote) && loopbackHost(strings.Trim(host, "[]"))
}

func loopbackHost(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
