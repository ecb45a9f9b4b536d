package peer

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"github.com/distributedgo/rollcall/membership"
)

// RoundTrip sends a request to a node with the role that its URL names, and on
// to the next while that is safe; see the package comment. Besides the context's
// and the network's errors it returns ErrNoPeer and *UnknownOutcomeError.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	peers, alive, err := t.candidates(r.URL.Hostname())
	if err != nil {
		closeBody(r)
		return nil, err
	}
	c, err := newCall(r)
	if err != nil {
		return nil, err
	}
	var faults []error
	for i, p := range peers {
		resp, err := t.attempt(c, p, alive)
		last := i == len(peers)-1
		switch {
		case err == nil && !notServing(resp):
			c.finish()
			return resp, nil
		case err == nil:
			t.declined(p.ID)
			if last || !c.repeatable() {
				if c.unknown != nil { // an earlier node may have acted; this one did not
					discard(resp)
					return nil, c.fail(faults)
				}
				c.finish()
				return resp, nil
			}
			discard(resp)
			faults = append(faults, fmt.Errorf("peer %s: does not serve now", p.Name))
		default:
			faults = append(faults, fmt.Errorf("peer %s: %w", p.Name, err))
			if c.sent.Load() && !c.safe {
				c.unknown = &UnknownOutcomeError{Peer: p, Key: c.key, Err: err}
			}
			if r.Context().Err() != nil || !c.repeatable() {
				return nil, c.fail(faults)
			}
		}
		if !last {
			t.log.Debug("call goes on to the next peer", "role", r.URL.Host, "peer", p.ID, "error", faults[len(faults)-1])
		}
	}
	return nil, c.fail(faults)
}

// attempt sends the call to one node and keeps the books about it. A node that
// was alive to begin with is watched while it is waited for.
func (t *Transport) attempt(c *call, p Peer, alive bool) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(c.orig.Context())
	try, err := c.request(ctx, p)
	if err != nil {
		cancel(nil)
		return nil, err
	}
	if t.cfg.Clock != nil {
		try.Header.Set(ClockHeader, t.cfg.Clock.Now().String())
	}
	end := t.begin(p.ID)
	stopWatch := func() {}
	if alive {
		stopWatch = t.watch(ctx, cancel, p.ID)
	}
	done := func() {
		stopWatch()
		cancel(nil)
		end()
	}
	start := time.Now()
	resp, err := t.base.RoundTrip(try)
	if err != nil {
		if cause := context.Cause(ctx); errors.Is(cause, errFailed) {
			err = cause
		}
		done()
		if c.orig.Context().Err() == nil { // else the caller gave up, which says nothing about the node
			t.lost(p.ID)
		}
		return nil, err
	}
	t.reached(p.ID, time.Since(start))
	if t.cfg.Clock != nil {
		if s, err := membership.ParseStamp(resp.Header.Get(ClockHeader)); err == nil {
			t.cfg.Clock.Merge(s)
		}
	}
	resp.Body = countBody(ctx, resp.Body, done)
	return resp, nil
}

// call is one request on its way through the peers.
type call struct {
	orig    *http.Request
	body    *onceBody   // of a request that can't be sent twice
	key     string      // the Idempotency-Key it goes under, if any
	safe    bool        // a read: repeating it changes nothing
	sent    atomic.Bool // the head of the current attempt went out
	unknown error       // an attempt was sent and never answered
}

// newCall prepares a request: a write gets a key, and a short body is kept so
// that it can be sent again.
func newCall(r *http.Request) (*call, error) {
	c := &call{orig: r, key: r.Header.Get(KeyHeader)}
	switch r.Method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions:
		c.safe = true
	default:
		if c.key == "" {
			c.key = rand.Text()
		}
	}
	if r.Body == nil || r.Body == http.NoBody || r.GetBody != nil {
		return c, nil
	}
	if r.ContentLength > 0 && r.ContentLength <= keepMost {
		return c, c.keep()
	}
	c.body = &onceBody{ReadCloser: r.Body}
	return c, nil
}

// repeatable reports whether the call may go to another node after the current
// attempt failed.
func (c *call) repeatable() bool {
	if c.body != nil && c.body.used() {
		return false
	}
	return !c.sent.Load() || c.safe || c.key != ""
}

// request makes the copy of the request that goes to one node.
func (c *call) request(ctx context.Context, p Peer) (*http.Request, error) {
	c.sent.Store(false)
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { c.sent.Store(true) }})
	try := c.orig.Clone(ctx)
	try.URL.Scheme, try.URL.Host = "http", hostOf(p.ID)
	if try.Host == "" {
		try.Host = c.orig.URL.Host
	}
	if c.key != "" {
		try.Header.Set(KeyHeader, c.key)
	}
	switch {
	case c.body != nil:
		try.Body = c.body
	case c.orig.GetBody != nil:
		body, err := c.orig.GetBody()
		if err != nil {
			return nil, fmt.Errorf("read request body again: %w", err)
		}
		try.Body = body
	}
	return try, nil
}

// finish lets the body of an answered call be closed by whoever still sends it.
func (c *call) finish() {
	if c.body != nil {
		c.body.release()
		return
	}
	closeBody(c.orig)
}

// fail ends the call without an answer.
func (c *call) fail(faults []error) error {
	closeBody(c.orig)
	if c.unknown != nil {
		return c.unknown
	}
	return errors.Join(faults...)
}

// notServing recognises "not me, try the next one".
func notServing(resp *http.Response) bool {
	return resp.StatusCode == http.StatusServiceUnavailable && resp.Header.Get(NotServing) != ""
}

// discard gives a connection back after an answer nobody wants.
func discard(resp *http.Response) {
	_, _ = io.CopyN(io.Discard, resp.Body, 4<<10)
	_ = resp.Body.Close()
}

func closeBody(r *http.Request) {
	if r.Body != nil {
		_ = r.Body.Close()
	}
}
