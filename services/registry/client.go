package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/distributedgo/rollcall/node/httpapi"
	"github.com/distributedgo/rollcall/node/identity"
)

// Client asks a registry over HTTP. All methods may be called at once.
type Client struct {
	rt   http.RoundTripper
	base string
}

// NewClient returns a client that sends through rt to base: "http://registry"
// with a peer.Transport, which finds a live registry node, or any node's
// public URL. The principal of each call's context rides along: between nodes
// it is believed, a public port proves callers itself. A context without one
// calls as nobody, never as the node it calls from.
func NewClient(rt http.RoundTripper, base string) *Client {
	return &Client{rt: rt, base: strings.TrimRight(base, "/")}
}

// Cluster returns the view of the registry node that answers.
func (c *Client) Cluster(ctx context.Context) (Cluster, error) {
	var view Cluster
	resp, err := c.get(ctx, "/v1/cluster", nil)
	if err != nil {
		return view, fmt.Errorf("cluster: %w", err)
	}
	defer discard(resp.Body)
	if err := json.NewDecoder(resp.Body).Decode(&view); err != nil {
		return view, fmt.Errorf("cluster: answer: %w", err)
	}
	return view, nil
}

// get sends one GET and returns its 200 answer, or the answer's problem as a
// *httpapi.Problem.
func (c *Client) get(ctx context.Context, path string, header http.Header) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+path, nil)
	if err != nil {
		return nil, err
	}
	for k, v := range header {
		req.Header[k] = v
	}
	req.Header.Set(identity.Header, identity.From(ctx).Encode())
	resp, err := c.rt.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		defer discard(resp.Body)
		return nil, problemOf(resp)
	}
	return resp, nil
}

// problemOf reads the problem+json of a refused call; what is no problem is
// described by its status.
func problemOf(resp *http.Response) *httpapi.Problem {
	var p httpapi.Problem
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if json.Unmarshal(body, &p) != nil || p.Status == 0 {
		return httpapi.Problemf(resp.StatusCode, "%s", http.StatusText(resp.StatusCode))
	}
	return &p
}

// discard empties body a little, so that its connection can be used again,
// and closes it.
func discard(body io.ReadCloser) {
	_, _ = io.Copy(io.Discard, io.LimitReader(body, 64<<10))
	body.Close()
}
