// Package portal is the role that shows rollcall to people: sign-in, courses,
// the gradebook, a student's page, imports, the cluster and its logs.
//
// # The path of one page
//
//	browser ── GET /courses/c1 ──► guard      policy headers, who is asking
//	                                 │
//	                                 ▼
//	                               gradebook  asks the grading role, through
//	                                 │        peer.Transport, as that person
//	                                 ▼
//	                               render     html/template, written whole
//
// The portal keeps no state: a session is a signed cookie that every portal
// node of the cluster accepts, a previewed file travels in the page that shows
// the preview, and everything else is asked for. So any portal node may die,
// and a reload at another one goes on.
//
// A page is complete without a script, except for typing scores. Scores are
// saved by the page itself, straight to /v1/courses/{c}/scores of the same
// origin (web/static/js/grid): this package only draws the table. The cluster
// page follows /v1/cluster/events and asks for its middle part again when the
// view has changed.
//
// What a caller may see is decided by the services, never here: the portal
// passes on who asks. It asks identity's one authorisation check itself only
// to know which pages to offer.
package portal

import (
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/distributedgo/rollcall/node/health"
	"github.com/distributedgo/rollcall/node/identity"
	"github.com/distributedgo/rollcall/services/grading"
	"github.com/distributedgo/rollcall/services/logs"
	"github.com/distributedgo/rollcall/services/registry"
	"github.com/distributedgo/rollcall/web"
)

// Role is the name of the role in member tags and in URL hosts.
const Role = "portal"

// Config says what a portal works with. Fields are required unless the comment
// says otherwise.
type Config struct {
	// Self is this node's id, Name what people call it (default: Self).
	Self, Name string

	// Cluster names the cluster; the session cookie's name carries it, because
	// cookies ignore ports and two clusters may share a host.
	Cluster string

	// Peers reaches a live node with a role at http://<role>.
	Peers http.RoundTripper

	// Keys sign and verify sessions; Stand says which have ended since.
	Keys  identity.Keys
	Stand *identity.Stand

	// TLS is true when browsers reach this node over TLS, also through a proxy
	// that ends it. Session cookies are then bound to it (Secure, __Host-).
	TLS bool

	// Portals lists the public base URLs of the portals of the cluster, such as
	// "https://n2.school.example:8500". Pages offer them when this node falls
	// silent. Optional.
	Portals func() []string

	// Logger is optional; without one nothing is logged.
	Logger *slog.Logger

	// Health takes what the portal says of itself, under "portal". Optional.
	Health *health.Set
}

func (c *Config) complete() error {
	var faults []error
	need := func(ok bool, field, remedy string) {
		if !ok {
			faults = append(faults, fmt.Errorf("portal: Config.%s: missing; %s", field, remedy))
		}
	}
	need(c.Self != "", "Self", "give this node's id")
	need(c.Cluster != "", "Cluster", "give the cluster's name")
	need(c.Peers != nil, "Peers", "give a RoundTripper that reaches http://<role>")
	need(len(c.Keys.Session) > 0, "Keys", "derive the session keys from the cluster's secret")
	if c.Name == "" {
		c.Name = c.Self
	}
	if c.Stand == nil {
		c.Stand = &identity.Stand{}
	}
	if c.Portals == nil {
		c.Portals = func() []string { return nil }
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Health == nil {
		c.Health = &health.Set{}
	}
	return errors.Join(faults...)
}

// Service is the portal of one node. All methods may be called at once.
type Service struct {
	cfg     Config
	log     *slog.Logger
	grades  grades
	cluster clusterView
	records records
	pages   map[string]*template.Template
	cookie  string // name of the session cookie
	origins *http.CrossOriginProtection
	glance  glance
}

// New checks cfg and prepares the pages.
func New(cfg Config) (*Service, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	pages, err := parsePages()
	if err != nil {
		return nil, fmt.Errorf("portal: templates: %w", err)
	}
	return &Service{
		cfg:     cfg,
		log:     cfg.Logger.With("part", Role),
		grades:  grading.NewClient(cfg.Peers, "http://grading"),
		cluster: registry.NewClient(cfg.Peers, "http://registry"),
		records: logs.NewClient(cfg.Peers, "http://log"),
		pages:   pages,
		cookie:  cookieName(cfg.Cluster, cfg.TLS),
		origins: http.NewCrossOriginProtection(),
	}, nil
}

// Mount adds the pages to the public port.
func (s *Service) Mount(e *echo.Echo) {
	e.GET(web.Prefix+"*", echo.WrapHandler(web.Handler()), compress())

	pages := e.Group("", s.guard, compress())
	pages.GET("/", s.start)
	pages.GET("/signin", s.signinForm)
	pages.POST("/signin", s.signin)
	pages.POST("/signout", s.signout)
	pages.POST("/session/renew", s.renewSession)
	pages.GET("/courses", s.member(s.courseList))
	pages.POST("/courses", s.member(s.createCourse))
	pages.GET("/courses/:course", s.member(s.gradebook))
	pages.GET("/courses/:course/import", s.member(s.importForm))
	pages.POST("/courses/:course/import", s.member(s.importFile))
	pages.GET("/students/:student", s.member(s.student))
	pages.GET("/cluster", s.allowed(identity.ReadCluster, s.clusterPage))
	pages.GET("/cluster/view", s.allowed(identity.ReadCluster, s.clusterFragment))
	pages.GET("/logs", s.allowed(identity.ReadLogs, s.logsPage))
	s.cfg.Health.Report(Role, health.Passing, "pages are served")
}

// start sends people to what they came for.
func (s *Service) start(c echo.Context) error {
	if caller(c).Anonymous() {
		return c.Redirect(http.StatusSeeOther, "/signin")
	}
	return c.Redirect(http.StatusSeeOther, "/courses")
}

// caller is who asks, as guard found out.
func caller(c echo.Context) identity.Principal { return identity.From(c.Request().Context()) }

// member wraps a page that only signed-in people have: others are asked to
// sign in and come back to it.
func (s *Service) member(h echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if caller(c).Anonymous() {
			return s.askToSignIn(c)
		}
		return h(c)
	}
}

// allowed wraps a page of an action that does not depend on whose record it is.
func (s *Service) allowed(a identity.Action, h echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		err := caller(c).Allow(a, identity.Resource{})
		if errors.Is(err, identity.ErrUnauthenticated) {
			return s.askToSignIn(c)
		}
		if err != nil {
			return err
		}
		return h(c)
	}
}

// askToSignIn redirects a reader to the sign-in page and back. What was sent
// by another method can't be repeated after signing in, so that is an error.
func (s *Service) askToSignIn(c echo.Context) error {
	r := c.Request()
	if r.Method != http.MethodGet || r.Header.Get("HX-Request") != "" {
		return identity.ErrUnauthenticated
	}
	return c.Redirect(http.StatusSeeOther, signinPath(r.URL.RequestURI()))
}

// patience is how long a page waits for the services it is made of. A leader
// that dies is replaced within about a second; a page may wait for that.
const patience = 8 * time.Second

// servedBy is what this node is called on pages.
func (s *Service) servedBy() string { return strings.TrimSpace(s.cfg.Name) }
