package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// retryPause is how long a round over all nodes waits for the next round. A
// leader is replaced in about a second, so a few rounds bridge it.
const retryPause = 100 * time.Millisecond

// nodes is an http.RoundTripper over several nodes of one cluster, any of
// which can answer anything. A request goes to the node that answered last;
// when that one does not answer, or says that it cannot just now (502, 503,
// 504), the same request goes to the next.
//
// Sending a write twice is safe only because both carry the same
// Idempotency-Key: the gradebook remembers the key and gives the first answer
// again. A write without one gets a random key here, on the first hop. A
// request whose body cannot be read a second time is never sent twice.
//
// All methods may be called at once.
type nodes struct {
	bases   []*url.URL
	to      http.RoundTripper
	bearer  func() (string, error) // "" without a token; nil means anonymous
	wait    time.Duration          // how long rounds go on
	patient bool                   // go on also when every node refuses the connection
	last    atomic.Int64           // index in bases of the node that answered last
}

var _ http.RoundTripper = (*nodes)(nil)

// RoundTrip sends r to one node after the other until one answers, the time
// is over, or r's context ends. It does not change r.
func (n *nodes) RoundTrip(r *http.Request) (*http.Response, error) {
	first := r.Clone(r.Context())
	if n.bearer != nil {
		token, err := n.bearer()
		if err != nil {
			return nil, err
		}
		if token != "" && first.Header.Get("Authorization") == "" {
			first.Header.Set("Authorization", "Bearer "+token)
		}
	}
	if !safe(r.Method) && first.Header.Get("Idempotency-Key") == "" {
		first.Header.Set("Idempotency-Key", rand.Text())
	}
	deadline := time.Now().Add(n.wait)
	for {
		res, err := n.round(first)
		if err == nil && !later(res.StatusCode) {
			return res, nil
		}
		if !replayable(first) || time.Now().After(deadline) || (!n.patient && refused(err)) {
			return res, err
		}
		if res != nil {
			discard(res)
		}
		select {
		case <-r.Context().Done():
			return nil, context.Cause(r.Context())
		case <-time.After(retryPause):
		}
	}
}

// round offers r to each node once and returns the first real answer. When no
// node has one, it returns the last answer that came at all, or all errors.
func (n *nodes) round(r *http.Request) (*http.Response, error) {
	var errs []error
	var busy *http.Response
	start := int(n.last.Load())
	for i := range n.bases {
		at := (start + i) % len(n.bases)
		base := n.bases[at]
		try, err := retarget(r, base)
		if err != nil {
			return nil, err
		}
		res, err := n.to.RoundTrip(try)
		if err == nil && !later(res.StatusCode) {
			if busy != nil {
				discard(busy)
			}
			n.last.Store(int64(at))
			return res, nil
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", base.Host, err))
			n.last.CompareAndSwap(int64(at), int64((at+1)%len(n.bases))) // others need not try it first, too
		} else {
			if busy != nil {
				discard(busy)
			}
			busy = res
		}
		if !replayable(r) || r.Context().Err() != nil {
			break
		}
	}
	if busy != nil {
		return busy, nil
	}
	return nil, &noNodeError{errs}
}

// retarget copies r for the node at base, with a fresh body.
func retarget(r *http.Request, base *url.URL) (*http.Request, error) {
	c := r.Clone(r.Context())
	c.URL.Scheme, c.URL.Host, c.Host = base.Scheme, base.Host, ""
	if r.GetBody != nil {
		body, err := r.GetBody()
		if err != nil {
			return nil, err
		}
		c.Body = body
	}
	return c, nil
}

func safe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// replayable reports whether r may be sent twice: its body can be read again.
// That it means the same twice is the Idempotency-Key's doing.
func replayable(r *http.Request) bool {
	return r.Body == nil || r.Body == http.NoBody || r.GetBody != nil
}

// later reports whether status says "not now, or not here".
func later(status int) bool {
	return status == http.StatusBadGateway || status == http.StatusServiceUnavailable || status == http.StatusGatewayTimeout
}

// discard reads a little and closes, so that the connection can be used again.
func discard(res *http.Response) {
	_, _ = io.CopyN(io.Discard, res.Body, 64<<10)
	_ = res.Body.Close()
}

// noNodeError says that no node of the list answered, and what each did.
type noNodeError struct{ tried []error }

func (e *noNodeError) Unwrap() []error { return e.tried }

func (e *noNodeError) Error() string {
	said := make([]string, len(e.tried))
	for i, err := range e.tried {
		said[i] = err.Error()
	}
	return "no node answers (" + strings.Join(said, "; ") + "): " + e.remedy()
}

// remedy says what to do: a node whose certificate nobody vouches for runs
// well, and starting another would not help.
func (e *noNodeError) remedy() string {
	for _, err := range e.tried {
		if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
			return "compare the fingerprint that the node printed when it started, and give it with --fingerprint; or name the authority with --ca-file"
		}
	}
	return "start one with `rollcall agent --dev`, or name running ones with --node or ROLLCALL_NODE"
}

// refused reports whether every node tried refused the connection, or showed
// a certificate that nobody vouches for: waiting seldom changes that.
func refused(err error) bool {
	none, ok := errors.AsType[*noNodeError](err)
	if !ok {
		return false
	}
	for _, err := range none.tried {
		if _, stranger := errors.AsType[*tls.CertificateVerificationError](err); !stranger && !errors.Is(err, syscall.ECONNREFUSED) {
			return false
		}
	}
	return true
}
