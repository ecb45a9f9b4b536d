package node

import (
	"context"
	"net"
	"net/http"
	"net/http/pprof"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"

	"github.com/distributedgo/rollcall/node/health"
	"github.com/distributedgo/rollcall/node/httpapi"
	"github.com/distributedgo/rollcall/node/identity"
	"github.com/distributedgo/rollcall/services/registry"
)

// mountOwn adds what every node answers for itself.
func (n *Node) mountOwn(api *httpapi.API) {
	huma.Register(api.Huma, huma.Operation{
		OperationID: "leave", Method: http.MethodPost, Path: "/v1/leave", Tags: []string{"cluster"}, DefaultStatus: http.StatusAccepted,
		Summary: "Retire this node's vote in the gradebook and stop it for good",
	}, func(ctx context.Context, _ *struct{}) (*struct{}, error) {
		if err := identity.From(ctx).Allow(identity.ManageCluster, identity.Resource{}); err != nil {
			return nil, err
		}
		return nil, n.Leave(ctx)
	})
	n.mountLab(api)

	type report struct{ Body registry.NodeReport }
	huma.Register(api.Huma, huma.Operation{
		OperationID: "node", Method: http.MethodGet, Path: "/v1/node", Hidden: true,
	}, func(ctx context.Context, _ *struct{}) (*report, error) {
		if err := identity.From(ctx).Allow(identity.Internal, identity.Resource{}); err != nil {
			return nil, err
		}
		r := n.report()
		r.Registry = n.registry.Claim()
		return &report{r}, nil
	})
	api.Echo.GET("/readyz", n.getReady)
}

// mountPublic adds what callers from outside meet: health, metrics, the
// gateway, and on a portal node the pages.
func (n *Node) mountPublic(e *echo.Echo, edge *edge, gateway http.Handler) {
	e.GET("/healthz", func(c echo.Context) error {
		c.Response().Header().Set("Access-Control-Allow-Origin", "*") // pages of another node look for a living one
		return c.String(http.StatusOK, "ok\n")
	})
	e.GET("/readyz", n.getReady)
	e.Use(edge.middleware)
	e.GET("/metrics", echo.WrapHandler(n.metrics()), requires(identity.ReadCluster))
	e.GET("/debug/pprof/*", profile, requires(identity.ManageCluster))
	e.Any("/v1/*", echo.WrapHandler(gateway))
	if n.portal != nil {
		n.portal.Mount(e)
	}
}

// profile serves Go's profiles of this process, for `go tool pprof`.
func profile(c echo.Context) error {
	h := http.HandlerFunc(pprof.Index)
	switch c.Param("*") {
	case "profile":
		h = pprof.Profile
	case "trace":
		h = pprof.Trace
	}
	h(c.Response(), c.Request())
	return nil
}

// requires lets in callers that may do a.
func requires(a identity.Action) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if err := identity.From(c.Request().Context()).Allow(a, identity.Resource{}); err != nil {
				return err
			}
			return next(c)
		}
	}
}

// publicHandler is the public surface behind the protection against pages of
// other origins: a browser never sends an unsafe request for them.
func (n *Node) publicHandler() http.Handler {
	p := http.NewCrossOriginProtection()
	p.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		httpapi.Write(w, r, httpapi.Problemf(http.StatusForbidden, "a page of another origin sent this request: it is refused"))
	}))
	return p.Handler(n.publicAPI)
}

// getReady answers 200 when every role that is configured is served, and can be.
func (n *Node) getReady(c echo.Context) error {
	if p := unready(n.cfg.Roles, n.agent.Self().Roles, n.grading.Fault(), n.health.Checks()); p != nil {
		return p
	}
	return c.String(http.StatusOK, "ready\n")
}

// unready says what is missing, and why; nil for nothing. fault is what keeps
// a role that is served from its work.
func unready(configured, served []string, fault error, checks []health.Check) *httpapi.Problem {
	var missing []string
	for _, r := range configured {
		if !slices.Contains(served, r) {
			missing = append(missing, r)
		}
	}
	switch {
	case len(missing) == 0 && fault == nil:
		return nil
	case len(missing) == 0:
		return httpapi.Problemf(http.StatusServiceUnavailable, "%s: %v", roleGrading, fault)
	}
	var why []string
	for _, check := range checks {
		if check.Status != health.Passing {
			why = append(why, check.Name+": "+check.Output)
		}
	}
	p := httpapi.Problemf(http.StatusServiceUnavailable, "not served yet: %s", strings.Join(missing, ", "))
	if len(why) > 0 {
		p.Detail += " (" + strings.Join(why, "; ") + ")"
	}
	return p
}

// report is what this node says of itself.
func (n *Node) report() registry.NodeReport {
	self := n.agent.Self()
	r := registry.NodeReport{
		ID: n.dir.id, Name: n.cfg.Name, Zone: n.cfg.Zone, Version: Version(), Roles: self.Roles, HTTP: n.Addr(), Started: self.Started,
		Unreachable: n.peers.Unreachable(), RTTMs: map[string]float64{}, SpoolBytes: n.logAgent.SpoolBytes(), Health: n.health.Checks(),
	}
	for _, m := range n.agent.Members() {
		if rtt, ok := n.agent.RTT(m.ID); ok {
			r.RTTMs[m.ID] = float64(rtt.Microseconds()) / 1000
		}
	}
	if n.grading != nil {
		s := n.grading.Status()
		r.Grading = &registry.GradingReport{
			Voter: s.Voter, Index: s.Index, Lag: s.Lag, Leader: s.Leader, Term: s.Term, CommitIndex: s.CommitIndex,
			Voters: s.Voters, Quorum: s.Quorum, Gradebook: s.Gradebook,
		}
		if err := n.grading.Fault(); err != nil {
			r.Grading.Fault = err.Error()
		}
	}
	if n.logStore != nil {
		s := n.logStore.Status()
		r.Log = &registry.LogReport{Batches: int(s.Batches), Bytes: s.Bytes}
	}
	return r
}

// secure reports whether browsers see this node over TLS.
func (n *Node) secure() bool {
	return n.cfg.TLSCert != "" || n.cfg.BehindProxy || !loopback(n.cfg.HTTP)
}

// portals lists where browsers reach the portals of this cluster, this one
// first.
func (n *Node) portals() []string {
	urls := []string{n.URL()}
	for _, m := range n.agent.Members() {
		if m.ID == n.dir.id || !m.Serves(rolePortal) {
			continue
		}
		scheme := "http"
		if host, _, err := net.SplitHostPort(m.HTTP); err == nil && !loopbackHost(host) && !n.cfg.BehindProxy {
			scheme = "https"
		}
		urls = append(urls, scheme+"://"+m.HTTP)
	}
	return urls
}
