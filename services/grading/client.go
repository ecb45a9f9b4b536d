package grading

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/distributedgo/rollcall/node/httpapi"
	"github.com/distributedgo/rollcall/node/identity"
)

// Headers of the gradebook's API.
const (
	HeaderKey       = "Idempotency-Key"
	HeaderStale     = "Rollcall-Stale-Ms"  // age of a local read
	HeaderForwarded = "Rollcall-Forwarded" // the call came from a grading node already: do not pass it on again
)

// Client calls the gradebook over HTTP. All methods may be called at once.
//
// Every write carries an idempotency key: the one of the context (WithKey), or
// a random one. After an error that is no *httpapi.Problem, or a Problem with
// status 503, the write may have happened; calling again under the same key
// never applies it twice and returns the first answer.
//
// A refusal is a *httpapi.Problem; for 409 and 412 its Current is the value
// that stands.
type Client struct {
	rt   http.RoundTripper
	base string
}

// NewClient returns a client that sends through rt to base: "http://grading"
// with a peer.Transport, which finds a grading node, or any node's public URL.
// The principal of each call's context rides along; between nodes it is
// believed, a public port proves callers itself.
func NewClient(rt http.RoundTripper, base string) *Client {
	return &Client{rt: rt, base: strings.TrimRight(base, "/")}
}

type (
	keyKey   struct{}
	staleKey struct{}
)

// WithKey returns a context under which a Client's writes carry key. Use one
// key for one thing that is to happen once.
func WithKey(ctx context.Context, key string) context.Context {
	return context.WithValue(ctx, keyKey{}, key)
}

// Stale returns a context under which a Client's reads take what the node that
// answers has, without asking the leader. age, which may be nil, is set to how
// long ago that node last heard of the leader.
func Stale(ctx context.Context, age *time.Duration) context.Context {
	if age == nil {
		age = new(time.Duration)
	}
	return context.WithValue(ctx, staleKey{}, age)
}

// request is one call. The body is in memory, so that a transport may send it
// to a second node when the first one died.
type request struct {
	method, path string
	query        url.Values
	header       http.Header
	json         any
	body         []byte
}

// at builds a path from segments, each escaped.
func at(segments ...string) string {
	var b strings.Builder
	b.WriteString("/v1")
	for _, s := range segments {
		b.WriteString("/" + url.PathEscape(s))
	}
	return b.String()
}

// ask makes a call and reads a JSON answer of type T.
func ask[T any](ctx context.Context, c *Client, r request) (T, error) {
	var answer T
	resp, err := c.do(ctx, r)
	if err != nil {
		return answer, err
	}
	defer discard(resp.Body)
	if resp.StatusCode == http.StatusNoContent {
		return answer, nil
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return answer, fmt.Errorf("%s %s: answer: %w", r.method, r.path, err)
	}
	return answer, nil
}

// none is the answer of calls that answer nothing.
type none struct{}

// tell makes a call without an answer.
func (c *Client) tell(ctx context.Context, r request) error {
	_, err := ask[none](ctx, c, r)
	return err
}

// do makes a call and returns its 2xx answer.
func (c *Client) do(ctx context.Context, r request) (*http.Response, error) {
	if r.json != nil {
		body, err := json.Marshal(r.json)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", r.method, r.path, err)
		}
		r.body = body
	}
	target := c.base + r.path
	age, stale := ctx.Value(staleKey{}).(*time.Duration)
	if stale = stale && r.method == http.MethodGet; stale {
		if r.query == nil {
			r.query = url.Values{}
		}
		r.query.Set("consistency", "stale")
	}
	if len(r.query) > 0 {
		target += "?" + r.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, r.method, target, bytes.NewReader(r.body))
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", r.method, r.path, err)
	}
	for k, v := range r.header {
		req.Header[k] = v
	}
	if r.json != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if p := identity.From(ctx); p.Role != "" {
		req.Header.Set(identity.Header, p.Encode())
	}
	if r.method != http.MethodGet && req.Header.Get(HeaderKey) == "" {
		req.Header.Set(HeaderKey, keyFrom(ctx))
	}
	resp, err := c.rt.RoundTrip(req)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", r.method, r.path, err)
	}
	if stale {
		ms, _ := strconv.ParseInt(resp.Header.Get(HeaderStale), 10, 64)
		*age = time.Duration(ms) * time.Millisecond
	}
	if resp.StatusCode/100 != 2 {
		defer discard(resp.Body)
		return nil, problemIn(resp)
	}
	return resp, nil
}

// keyFrom returns the context's key, or a new one.
func keyFrom(ctx context.Context) string {
	if key, _ := ctx.Value(keyKey{}).(string); key != "" {
		return key
	}
	return identity.NewID()
}

// problemIn reads the problem+json of a refused call; what is no problem is
// described by its status.
func problemIn(resp *http.Response) *httpapi.Problem {
	var p httpapi.Problem
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<20))
	if json.Unmarshal(body, &p) != nil || p.Status == 0 {
		p = *httpapi.Problemf(resp.StatusCode, "%s", http.StatusText(resp.StatusCode))
	}
	for _, name := range []string{"Retry-After", httpapi.HeaderNotServing} {
		if v := resp.Header.Get(name); v != "" {
			p.WithHeader(name, v)
		}
	}
	return &p
}

// discard empties body a little, so that its connection can be used again,
// and closes it.
func discard(body io.ReadCloser) {
	_, _ = io.Copy(io.Discard, io.LimitReader(body, 64<<10))
	_ = body.Close()
}
