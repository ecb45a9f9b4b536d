package node

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/distributedgo/rollcall/node/httpapi"
	"github.com/distributedgo/rollcall/node/identity"
)

// A caller may name any header in Connection, and a proxy then drops it as one
// that was meant for the last hop only. A call without a principal counts as
// the node's own, so that must not work for the principal.
func TestNobodyBecomesANodeByDroppingThePrincipal(t *testing.T) {
	t.Parallel()
	for _, connection := range []string{identity.Header, "close, rollcall-principal", "Upgrade, Rollcall-Principal"} {
		var sent http.Header
		peers := roundTripper(func(r *http.Request) (*http.Response, error) {
			sent = r.Header
			return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Header: http.Header{}}, nil
		})
		g := newGateway(http.NotFoundHandler(), func(string) bool { return false }, peers, slog.New(slog.DiscardHandler))
		r := httptest.NewRequest(http.MethodGet, "/v1/stand", nil)
		r.Header.Set("Connection", connection)
		r.Header.Set("Upgrade", "websocket")
		g.ServeHTTP(httptest.NewRecorder(), r)
		if p, err := identity.Decode(sent.Get(identity.Header)); err != nil || p.Role != "" {
			t.Errorf("Connection %q: principal %q arrives as %v, %v", connection, sent.Get(identity.Header), p, err)
		}
	}
}

// A stranger's clock is not the cluster's: one call from the future would move
// the clocks of all members there, and clocks never go back.
func TestNobodySetsTheClockFromOutside(t *testing.T) {
	t.Parallel()
	var sent http.Header
	own := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { sent = r.Header })
	g := newGateway(own, func(string) bool { return true }, nil, slog.New(slog.DiscardHandler))
	r := httptest.NewRequest(http.MethodGet, "/v1/cluster", nil)
	r.Header.Set(httpapi.HeaderClock, "9007199254740991.0.evil")
	g.ServeHTTP(httptest.NewRecorder(), r)
	if got := sent.Get(httpapi.HeaderClock); got != "" {
		t.Errorf("the clock %q came in", got)
	}
}
