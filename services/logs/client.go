package logs

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/distributedgo/rollcall/node/identity"
)

// Client asks a cluster for log records and gives it some.
type Client struct {
	rt   http.RoundTripper
	base string
}

// NewClient returns a client that calls base, such as "http://log" over a
// peer.Transport, or the URL of a public port. A caller found in the context is
// sent along; a bearer token is the RoundTripper's business.
func NewClient(rt http.RoundTripper, base string) *Client {
	return &Client{rt: rt, base: strings.TrimSuffix(base, "/")}
}

// Query returns the records that q asks for.
func (c *Client) Query(ctx context.Context, q Query) (Answer, error) {
	var a Answer
	req, err := c.request(ctx, http.MethodGet, "/v1/logs", q.Values(), nil)
	if err == nil {
		err = do(c.rt, req, &a)
	}
	if err != nil {
		return Answer{}, fmt.Errorf("logs: query: %w", err)
	}
	return a, nil
}

// Ingest sends lines of JSON. When it returns no error, those that the answer
// counts as accepted are on a node's disk. The lines are read into memory, so
// that they can be sent again to another node.
func (c *Client) Ingest(ctx context.Context, lines io.Reader, opt IngestOptions) (IngestAnswer, error) {
	var a IngestAnswer
	body, err := io.ReadAll(lines)
	if err != nil {
		return a, fmt.Errorf("logs: ingest: read: %w", err)
	}
	v := url.Values{}
	for k, s := range map[string]string{"service": opt.Service, "time": opt.Time, "msg": opt.Msg} {
		if s != "" {
			v.Set(k, s)
		}
	}
	req, err := c.request(ctx, http.MethodPost, "/v1/ingest", v, body)
	if err == nil {
		req.Header.Set("Content-Type", "application/x-ndjson")
		if opt.Encoding != "" {
			req.Header.Set("Content-Encoding", opt.Encoding)
		}
		err = do(c.rt, req, &a)
	}
	if err != nil {
		return IngestAnswer{}, fmt.Errorf("logs: ingest: %w", err)
	}
	return a, nil
}

func (c *Client) request(ctx context.Context, method, path string, v url.Values, body []byte) (*http.Request, error) {
	u := c.base + path
	if len(v) > 0 {
		u += "?" + v.Encode()
	}
	var r io.Reader
	if body != nil {
		r = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, u, r)
	if err != nil {
		return nil, err
	}
	if p := identity.From(ctx); p.Role != "" {
		req.Header.Set(identity.Header, p.Encode())
	}
	return req, nil
}
