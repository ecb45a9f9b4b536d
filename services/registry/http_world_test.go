package registry

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// getNode answers what a node's GET /v1/node answers.
func (n *node) getNode(c echo.Context) error {
	n.w.mu.Lock()
	r := n.report
	n.w.mu.Unlock()
	r.Registry = n.svc.Claim()
	return c.JSON(http.StatusOK, r)
}

func (n *node) getReady(c echo.Context) error { return c.String(http.StatusOK, "ready") }
