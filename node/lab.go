package node

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/distributedgo/rollcall/node/httpapi"
	"github.com/distributedgo/rollcall/node/identity"
)

// mountLab adds the fault switch, which works only with --lab: an admin cuts
// this node's links to some nodes or to all, and heals them.
func (n *Node) mountLab(api *httpapi.API) {
	type cut struct {
		Body struct {
			Nodes []string `json:"nodes,omitempty" doc:"Ids of the nodes to cut off; all when empty."`
		}
	}
	allowed := func(ctx context.Context) error {
		if err := identity.From(ctx).Allow(identity.ManageCluster, identity.Resource{}); err != nil {
			return err
		}
		if n.faults == nil {
			return httpapi.Problemf(http.StatusConflict, "node %s runs without --lab: start it with --lab to cut its links", n.cfg.Name)
		}
		return nil
	}
	huma.Register(api.Huma, huma.Operation{
		OperationID: "lab-cut", Method: http.MethodPost, Path: "/v1/lab/cut", Tags: []string{"lab"}, DefaultStatus: http.StatusNoContent,
		Summary: "Cut this node's links (only with --lab)",
	}, func(ctx context.Context, in *cut) (*struct{}, error) {
		if err := allowed(ctx); err != nil {
			return nil, err
		}
		n.agent.Timeline().Add("lab.cut", n.dir.id, n.cfg.Name, "links cut on purpose")
		if len(in.Body.Nodes) == 0 {
			n.faults.Isolate()
		} else {
			n.faults.Cut(in.Body.Nodes...)
		}
		return nil, nil
	})
	huma.Register(api.Huma, huma.Operation{
		OperationID: "lab-heal", Method: http.MethodPost, Path: "/v1/lab/heal", Tags: []string{"lab"}, DefaultStatus: http.StatusNoContent,
		Summary: "Open this node's links again (only with --lab)",
	}, func(ctx context.Context, _ *struct{}) (*struct{}, error) {
		if err := allowed(ctx); err != nil {
			return nil, err
		}
		n.faults.Heal()
		n.agent.Timeline().Add("lab.healed", n.dir.id, n.cfg.Name, "links open again")
		return nil, nil
	})
}
