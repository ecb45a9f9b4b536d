package node

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/distributedgo/rollcall/membership/peer"
	"github.com/distributedgo/rollcall/node/httpapi"
	"github.com/distributedgo/rollcall/node/identity"
)

// replayable is the size up to which the gateway keeps a request's body, so
// that it can be sent again when a node dies in the middle: an import of a
// large course fits.
const replayable = 8 << 20

// gateway answers all of /v1/… on every node: by this node's own API when it
// serves the role that is asked for, else by a live node that does.
//
//	/v1/found, /v1/leave, /v1/lab, /v1/ingest, /v1/node,
//	/v1/openapi…                                            this node itself
//	/v1/cluster…                                            registry
//	/v1/logs…                                               log
//	everything else                                         grading
type gateway struct {
	own    http.Handler           // the API that this node serves to the others
	serves func(role string) bool // whether this node promises the role now
	proxy  *httputil.ReverseProxy
	log    *slog.Logger
}

func newGateway(own http.Handler, serves func(string) bool, peers http.RoundTripper, log *slog.Logger) *gateway {
	g := &gateway{own: own, serves: serves, log: log}
	g.proxy = &httputil.ReverseProxy{
		Transport: peers,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = "http", roleOf(r.In.URL.Path), ""
			// The proxy has just dropped every header that Connection names, and a
			// caller may name this one.
			r.Out.Header.Set(identity.Header, r.In.Header.Get(identity.Header))
		},
		ErrorHandler: g.refuse,
		ErrorLog:     slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	return g
}

// roleOf returns the role that answers path, or "" for this node itself.
func roleOf(path string) string {
	rest, _ := strings.CutPrefix(path, "/v1/")
	head, _, _ := strings.Cut(rest, "/")
	switch head {
	case "found", "leave", "lab", "ingest", "node", "openapi.json", "openapi.yaml", "openapi-3.0.json", "openapi-3.0.yaml":
		return ""
	case "cluster":
		return roleRegistry
	case "logs":
		return roleLog
	}
	return roleGrading
}

// ServeHTTP sends the request on, with its principal and without its proofs.
func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r = r.Clone(r.Context())
	r.Header.Del("Authorization")
	r.Header.Del("Cookie")
	r.Header.Del(httpapi.HeaderClock) // only members move the cluster's clock
	r.Header.Set(identity.Header, identity.From(r.Context()).Encode())
	if role := roleOf(r.URL.Path); role == "" || g.serves(role) {
		g.own.ServeHTTP(w, r)
		return
	}
	if err := keepBody(r); err != nil {
		g.refuse(w, r, err)
		return
	}
	g.proxy.ServeHTTP(w, r)
}

// declines answers in the cluster API for the roles that this node was never
// given: a caller whose view is old asks the next peer then. Their routes are
// mounted all the same, for the document, with no service behind them.
func (n *Node) declines(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		path := c.Request().URL.Path
		if path == "/v1/found" && n.grading == nil {
			return httpapi.Problemf(http.StatusConflict, "node %s has no grading role: found on a node that has it", n.cfg.Name)
		}
		role := roleOf(path)
		if !strings.HasPrefix(path, "/v1/") || role != roleGrading && role != roleLog || n.configured(role) {
			return next(c)
		}
		return httpapi.Problemf(http.StatusServiceUnavailable, "node %s has no %s role: ask another", n.cfg.Name, role).
			WithHeader(httpapi.HeaderNotServing, role)
	}
}

// keepBody reads a body of at most replayable bytes, so that the request can
// be sent to a second peer. A larger or endless one is streamed, once.
func keepBody(r *http.Request) error {
	if r.Body == nil || r.ContentLength <= 0 || r.ContentLength > replayable {
		return nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	return nil
}

// refuse answers for a role that could not be reached.
func (g *gateway) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var p *httpapi.Problem
	role := roleOf(r.URL.Path)
	switch {
	case errors.Is(err, peer.ErrNoPeer) && role == roleGrading:
		p = httpapi.Problemf(http.StatusServiceUnavailable, "no node serves the gradebook: if there is none yet, run `rollcall found` once, else start a node that has it, and try again")
	case errors.Is(err, peer.ErrNoPeer):
		p = httpapi.Problemf(http.StatusServiceUnavailable, "no live node serves the role %s: start one, or try again in a second", role)
	default:
		if _, unknown := errors.AsType[*peer.UnknownOutcomeError](err); unknown {
			p = httpapi.Problemf(http.StatusServiceUnavailable, "the node that took the request died before it answered: the outcome is unknown; send it again with the same Idempotency-Key")
			break
		}
		if q := httpapi.ProblemOf(err); q.Status != http.StatusInternalServerError {
			p = q
			break
		}
		p = httpapi.Problemf(http.StatusBadGateway, "no node with the role %s could be reached: try again", role)
	}
	if p.Status == http.StatusServiceUnavailable {
		p.WithHeader("Retry-After", "1")
	}
	g.log.Warn("role not reached", "role", role, "status", p.Status, "error", err)
	httpapi.Write(w, r, p)
}
