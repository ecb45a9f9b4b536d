package portal

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/distributedgo/rollcall/node/identity"
)

// policy is the Content-Security-Policy of every page: scripts, styles and
// pictures of this origin only, none of them inline, and no frame around us.
// %s is the list of other portals a page may ask whether they are alive.
const (
	policyHead = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'"
	policyTail = "; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

// guard stands before every page. It sets the headers that browsers obey,
// refuses what another site made the browser send (a POST whose Sec-Fetch-Site
// or Origin is not ours), finds out who asks, and turns errors into pages.
func (s *Service) guard(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set("Content-Security-Policy", s.policy())
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		h.Set("Cache-Control", "no-store") // student data must not stay behind on a shared machine
		h.Set("Vary", "Cookie")

		r := c.Request()
		if err := s.origins.Check(r); err != nil {
			return s.fail(c, errForeign)
		}
		if p, err := s.Authenticate(r); err == nil {
			c.SetRequest(r.WithContext(identity.With(r.Context(), p)))
			if r.Method == http.MethodGet && r.Header.Get("HX-Request") == "" {
				s.Renew(c.Response(), r) // a page that was asked for is use; one that refreshes itself is not
			}
		}
		if err := next(c); err != nil {
			return s.fail(c, err)
		}
		return nil
	}
}

// policy is the Content-Security-Policy with the other portals of now.
func (s *Service) policy() string {
	var b strings.Builder
	b.WriteString(policyHead)
	for _, o := range s.others() {
		b.WriteString(" " + o.String())
	}
	return b.String() + policyTail
}

// hostOnly is what may stand in a header between spaces: a name or an address,
// and a port. Addresses come from member tags, which another node wrote.
var hostOnly = regexp.MustCompile(`^(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?$`)

// others lists the origins of the portals, those that are well-formed.
func (s *Service) others() []*url.URL {
	var list []*url.URL
	for _, text := range s.cfg.Portals() {
		u, err := url.Parse(text)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || !hostOnly.MatchString(u.Host) {
			continue
		}
		list = append(list, &url.URL{Scheme: u.Scheme, Host: u.Host})
	}
	return list
}

// compress gzips what is worth it: a table of 200 × 40 cells shrinks from some
// 900 kB to 60. Pages hold no secret beside what a caller sends, so their
// length tells nothing (BREACH).
func compress() echo.MiddlewareFunc {
	return middleware.GzipWithConfig(middleware.GzipConfig{Level: 5, MinLength: 1400})
}
