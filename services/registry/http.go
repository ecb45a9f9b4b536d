package registry

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/distributedgo/rollcall/node/httpapi"
	"github.com/distributedgo/rollcall/node/identity"
)

// clusterAnswer is the answer of GET /v1/cluster.
type clusterAnswer struct {
	CacheControl string `header:"Cache-Control"`
	Body         Cluster
}

// Mount adds the registry's routes to a node's cluster-side API. It works on
// a nil Service, for writing the API's description only.
func (s *Service) Mount(api *httpapi.API) {
	huma.Register(api.Huma, huma.Operation{
		OperationID: "get-cluster",
		Method:      http.MethodGet,
		Path:        "/v1/cluster",
		Summary:     "The cluster, as one registry node sees it",
		Description: "Every registry node holds a view of its own and answers from it, so two of them may differ for a moment: seenBy and at say whose view it is, and from when.",
		Tags:        []string{"cluster"},
		Errors:      []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusServiceUnavailable},
	}, func(ctx context.Context, _ *struct{}) (*clusterAnswer, error) {
		if err := s.admit(ctx); err != nil {
			return nil, err
		}
		return &clusterAnswer{CacheControl: "no-store", Body: s.Cluster()}, nil
	})
	api.Raw(eventsOperation(), s.getEvents)
}

// admit says whether a caller may look at the cluster, here and now. A node
// that does not serve says so in a header, by which the caller's transport
// knows that another node may.
func (s *Service) admit(ctx context.Context) error {
	if !s.Serving() {
		return httpapi.Problemf(http.StatusServiceUnavailable, "this node does not serve the registry now: ask another one").
			WithHeader(httpapi.HeaderNotServing, Role)
	}
	if err := identity.From(ctx).Allow(identity.ReadCluster, identity.Resource{}); err != nil {
		return httpapi.ProblemOf(err)
	}
	return nil
}

// eventsOperation describes the event stream, which huma does not serve.
func eventsOperation() *huma.Operation {
	most := float64(maxRecent)
	return &huma.Operation{
		OperationID: "follow-cluster",
		Method:      http.MethodGet,
		Path:        "/v1/cluster/events",
		Summary:     "The cluster's timeline and view, live, as server-sent events",
		Description: "Events: snapshot (the whole view, first, for a caller whose place in the timeline this node does not know), " +
			"timeline (one event of the timeline), cluster (the whole view, when it changed; at most four a second), " +
			"moved (this node stops serving: connect again). Ids belong to the node that gave them.",
		Tags: []string{"cluster"},
		Parameters: []*huma.Param{
			{Name: "Last-Event-ID", In: "header", Description: "Id of the last event seen: what came after it is sent.", Schema: &huma.Schema{Type: huma.TypeString}},
			{Name: "recent", In: "query", Description: "Without Last-Event-ID: how many past events of the timeline to send after the snapshot.", Schema: &huma.Schema{Type: huma.TypeInteger, Minimum: new(float64), Maximum: &most}},
		},
		Responses: map[string]*huma.Response{
			"200": {Description: "The stream.", Content: map[string]*huma.MediaType{"text/event-stream": {}}},
		},
	}
}
