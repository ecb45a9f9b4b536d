package peer

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
)

// keepMost is the longest body of known length that is kept in memory so that
// it can be sent again. A grade is a hundred bytes, a form a few thousand.
const keepMost = 256 << 10

// keep reads the body into memory and gives the call one that can be sent again.
func (c *call) keep() error {
	data := make([]byte, c.orig.ContentLength)
	_, err := io.ReadFull(c.orig.Body, data)
	closeBody(c.orig)
	if err != nil {
		return fmt.Errorf("peer: read request body: %w", err)
	}
	kept := *c.orig // the caller's request stays as it is
	kept.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }
	kept.Body = http.NoBody
	c.orig = &kept
	return nil
}

// onceBody is a body that can be read only once. http.Transport closes it
// whenever an attempt fails, also when nothing was read; so closing waits until
// no other attempt follows.
type onceBody struct {
	io.ReadCloser
	read atomic.Bool

	mu     sync.Mutex
	closed bool // guarded by mu: an attempt closed it
	final  bool // guarded by mu: no attempt follows
}

func (b *onceBody) Read(p []byte) (int, error) {
	b.read.Store(true)
	return b.ReadCloser.Read(p)
}

func (b *onceBody) used() bool { return b.read.Load() }

func (b *onceBody) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	if b.final {
		return b.ReadCloser.Close()
	}
	return nil
}

// release says that no attempt follows.
func (b *onceBody) release() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.final = true
	if b.closed {
		_ = b.ReadCloser.Close()
	}
}

// countBody calls done, once, when the answer was read to its end, failed, was
// closed, or its caller's context ended. A stream of events so counts as a call
// under way as long as it is read, and not longer.
func countBody(ctx context.Context, body io.ReadCloser, done func()) io.ReadCloser {
	once := sync.OnceFunc(done)
	b := &countedBody{ReadCloser: body, done: once, stop: context.AfterFunc(ctx, once)}
	if w, ok := body.(io.Writer); ok { // 101 Switching Protocols: the body is the connection
		return struct {
			*countedBody
			io.Writer
		}{b, w}
	}
	return b
}

type countedBody struct {
	io.ReadCloser
	done func()
	stop func() bool
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.end()
	}
	return n, err
}

func (b *countedBody) Close() error {
	err := b.ReadCloser.Close()
	b.end()
	return err
}

func (b *countedBody) end() {
	b.stop()
	b.done()
}
