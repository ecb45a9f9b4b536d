package grading

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/distributedgo/rollcall/membership"
	"github.com/distributedgo/rollcall/node/httpapi"
	"github.com/distributedgo/rollcall/node/identity"
)

// mountGroup adds what concerns the group of replicas, and the calls between
// them.
func (s *Service) mountGroup(api *httpapi.API) {
	handle(api, http.MethodPost, "/found", "found", "Found a gradebook on this node, once in a school's life", s.postFound)
	handle(api, http.MethodPost, "/grading/retire", "retire-node", "Take a node out of the gradebook for good", s.postRetire)
	handle(api, http.MethodGet, "/grading/status", "grading-status", "What this node's replica says of itself", s.getStatus)
	api.Echo.GET("/v1/stand", s.getStand)
	api.Echo.GET(pathIndex, s.getIndex)
	api.Echo.POST(pathPropose, s.postPropose)
}

// founded is the answer of POST /v1/found.
type founded struct {
	Gradebook string `json:"gradebook"`
}

func (s *Service) postFound(ctx context.Context, in *Keyed) (*answer[founded], error) {
	if err := identity.From(ctx).Allow(identity.ManageCluster, identity.Resource{}); err != nil {
		return nil, err
	}
	id, err := s.Found(ctx)
	if err != nil {
		return nil, err
	}
	return created(founded{id}), nil
}

// retiring is the body of POST /v1/grading/retire.
type retiring struct {
	ID string `json:"id" minLength:"1" maxLength:"64" doc:"Node id."`
}

func (s *Service) postRetire(ctx context.Context, in *struct {
	Keyed
	Body retiring
}) (*nothing, error) {
	if err := mayRetire(identity.From(ctx)); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, retireTime, errors.New("it goes as soon as the others have a quorum without it"))
	defer cancel()
	return &nothing{}, s.retire(ctx, in.Body.ID, in.Key)
}

// retireTime is how long a caller over HTTP waits for a retired node to be out.
const retireTime = 15 * time.Second

// Retire takes a node out of the gradebook for good: its id is retired, the
// leader removes it from the group, and no node with that id is ever added
// again. It returns once the node is out, or an error that says how far it
// came.
func (s *Service) Retire(ctx context.Context, id string) error {
	if identity.From(ctx).Role == "" {
		ctx = identity.With(ctx, identity.Principal{Role: identity.Node, Name: s.cfg.ID})
	}
	return s.retire(ctx, id, "")
}

func (s *Service) retire(ctx context.Context, id, key string) error {
	payload, err := json.Marshal(id)
	if err != nil {
		return err
	}
	if err := s.retirable(id); err != nil {
		return err
	}
	if _, err := s.command(ctx, kindRetire, key, payload, hashRequest(kindRetire, id)); err != nil {
		return err
	}
	s.log.Info("node retired", "node", id)
	s.cfg.Timeline("grading.retired", fmt.Sprintf("%s is retired", s.nameOf(id)))
	for {
		out, err := s.isOut(ctx, id)
		if err == nil && out {
			return nil
		}
		select {
		case <-ctx.Done():
			return httpapi.Problemf(http.StatusGatewayTimeout, "node %s is retired and not yet out of the group: %v", id, context.Cause(ctx)).WithCause(ctx.Err())
		case <-time.After(retryPause):
		}
	}
}

// retirable refuses what would leave nothing, and ids that were never here.
func (s *Service) retirable(id string) error {
	r, err := s.serving()
	if err != nil {
		return err
	}
	all := servers(r)
	i := slices.IndexFunc(all, func(srv server) bool { return srv.ID == id })
	if i < 0 {
		known := slices.ContainsFunc(s.cfg.Members(), func(m membership.Member) bool { return m.ID == id })
		if !known {
			return &fault{Code: faultNotFound, Text: fmt.Sprintf("no node %q in the gradebook's group", id)}
		}
		return nil
	}
	voters := 0
	for _, srv := range all {
		if srv.Voter {
			voters++
		}
	}
	if all[i].Voter && voters == 1 {
		return httpapi.Problemf(http.StatusConflict, "node %s is the gradebook's only voter: let another node join first, or stop it instead", id)
	}
	return nil
}

// isOut asks the leader whether a node has left the group.
func (s *Service) isOut(ctx context.Context, id string) (bool, error) {
	r, err := s.running()
	if err != nil {
		return false, err
	}
	st := s.Status()
	if l := leader(r); l == "" {
		return false, ErrNoLeader
	} else if l != s.cfg.ID {
		if st, err = callNode[Status](ctx, s, l, http.MethodGet, "/v1/grading/status", nil); err != nil {
			return false, err
		}
	}
	return !slices.Contains(st.Voters, id) && !slices.Contains(st.Replicas, id), nil
}

// replicaStatus is Status under a name of its own in the API document.
type replicaStatus Status

func (s *Service) getStatus(ctx context.Context, _ *struct{}) (*answer[replicaStatus], error) {
	if err := identity.From(ctx).Allow(identity.ReadCluster, identity.Resource{}); err != nil {
		return nil, err
	}
	return ok(replicaStatus(s.Status())), nil
}

// getStand answers other nodes with what they should know of accounts.
func (s *Service) getStand(c echo.Context) error {
	ctx := c.Request().Context()
	if err := identity.From(ctx).Allow(identity.Internal, identity.Resource{}); err != nil {
		return err
	}
	v, err := s.read(ctx)
	if err != nil {
		return problemOf(err)
	}
	tag := etag(v.Index())
	c.Response().Header().Set("ETag", tag)
	c.Response().Header().Set("Cache-Control", "no-store")
	if c.Request().Header.Get("If-None-Match") == tag {
		return c.NoContent(http.StatusNotModified)
	}
	return c.JSON(http.StatusOK, standOf(v))
}

func (s *Service) getIndex(c echo.Context) error {
	ctx := c.Request().Context()
	if err := identity.From(ctx).Allow(identity.Internal, identity.Resource{}); err != nil {
		return err
	}
	have, _ := strconv.ParseUint(c.QueryParam("have"), 10, 64) // a node of an older version does not say
	return c.JSON(http.StatusOK, s.giveIndex(ctx, have))
}

func (s *Service) postPropose(c echo.Context) error {
	ctx := c.Request().Context()
	if err := identity.From(ctx).Allow(identity.Internal, identity.Resource{}); err != nil {
		return err
	}
	b, err := io.ReadAll(c.Request().Body)
	if err != nil {
		return err
	}
	cmd, err := decodeCommand(b)
	if errors.Is(err, errTooNew) {
		return c.JSON(http.StatusOK, proposed{Fault: &fault{Code: faultUnknownKind, Text: "the leader is too old for this: update it first"}})
	}
	if err != nil {
		return httpapi.Problemf(http.StatusBadRequest, "the command can't be read: %v", err)
	}
	return c.JSON(http.StatusOK, s.takeProposal(ctx, cmd))
}
