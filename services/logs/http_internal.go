package logs

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/distributedgo/rollcall/node/httpapi"
	"github.com/distributedgo/rollcall/node/identity"
	"github.com/distributedgo/rollcall/services/logs/segment"
)

// The routes in this file carry what log nodes and shippers say to each other.
// Only members may call them.

func (s *Service) mountInternal(api *httpapi.API) {
	for _, r := range []struct {
		method, path string
		handle       echo.HandlerFunc
	}{
		{http.MethodPost, pathBatches, s.handleBatches},
		{http.MethodGet, pathKnowledge, s.handleKnowledge},
		{http.MethodPost, pathSearch, s.handleSearch},
	} {
		api.Echo.Add(r.method, r.path, func(c echo.Context) error {
			if err := identity.From(c.Request().Context()).Allow(identity.Internal, identity.Resource{}); err != nil {
				return httpapi.ProblemOf(err)
			}
			return r.handle(c)
		})
	}
}

// handleBatches stores what a shipper sends: its manifest in the first frame,
// a batch in each further one. 200 means that all of them are on this disk,
// but for those that the receipt names.
func (s *Service) handleBatches(c echo.Context) error {
	body, err := io.ReadAll(c.Request().Body)
	if err != nil {
		return problem(err)
	}
	m, batches, frames, err := decodeShipment(body)
	if err != nil {
		return httpapi.Problemf(http.StatusBadRequest, "%v", err)
	}
	s.know.hear(m, 0)
	var r receipt
	if len(batches) > 0 {
		if r.Refused, err = s.store.put(batches, frames); errors.Is(err, ErrFull) {
			// Not 503, which a transport may take for a node that is about to stop.
			return httpapi.Problemf(http.StatusInsufficientStorage, "%v", err)
		} else if err != nil {
			return problem(err)
		}
	}
	return c.JSON(http.StatusOK, r)
}

// decodeShipment reads the body of a call with batches. frames are the bytes
// of each batch as they came.
func decodeShipment(body []byte) (m manifest, batches []batch, frames [][]byte, err error) {
	first, rest, err := segment.NextFrame(body)
	if err == nil {
		err = json.Unmarshal(first, &m)
	}
	if err == nil {
		err = m.check()
	}
	if err != nil {
		return m, nil, nil, fmt.Errorf("first frame must be a manifest: %w", err)
	}
	for len(rest) > 0 {
		var p []byte
		if p, rest, err = segment.NextFrame(rest); err != nil {
			return m, nil, nil, err
		}
		b, err := decodeBatch(p)
		if err != nil {
			return m, nil, nil, err
		}
		batches, frames = append(batches, b), append(frames, p)
	}
	return m, batches, frames, nil
}

// handleKnowledge tells a peer what this node holds and has heard.
func (s *Service) handleKnowledge(c echo.Context) error {
	text := c.QueryParam("after")
	after, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return problem(&ParamError{"after", text, "use the generation of the bulletin before, or 0"})
	}
	return c.JSON(http.StatusOK, s.know.tell(s.store, c.QueryParam("instance"), after))
}

// handleSearch reads this node's share of a query.
func (s *Service) handleSearch(c echo.Context) error {
	var req searchRequest
	if err := json.NewDecoder(c.Request().Body).Decode(&req); err != nil {
		return httpapi.Problemf(http.StatusBadRequest, "the body must be a search request: %v", err)
	}
	if err := req.Query.Validate(); err != nil {
		return problem(err)
	}
	reply, err := s.store.search(c.Request().Context(), req)
	if err != nil {
		return problem(err)
	}
	return c.JSON(http.StatusOK, reply)
}
