package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

// PingEvery is how often a silent event stream should Ping, so that both ends
// notice a dead connection.
const PingEvery = 10 * time.Second

// Stream is one caller's event stream (Server-Sent Events, HTML Living
// Standard §9.2). It is used by one goroutine. The handler defers End.
type Stream struct {
	ctx      context.Context
	cancel   context.CancelFunc
	draining context.Context
	unhook   func() bool
	response *echo.Response
	buf      bytes.Buffer
}

// SSE begins an event stream as the answer to c.
func SSE(c echo.Context) (*Stream, error) {
	a, ok := c.Get(apiKey).(*API)
	if !ok {
		return nil, fmt.Errorf("httpapi: the request did not come through an API")
	}
	h := c.Response().Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would hold events back
	c.Response().WriteHeader(http.StatusOK)
	s := &Stream{draining: a.draining, response: c.Response()}
	s.ctx, s.cancel = context.WithCancel(c.Request().Context())
	s.unhook = context.AfterFunc(a.draining, s.cancel)
	s.response.Flush()
	return s, nil
}

// Context ends when the caller goes away or the node stops.
func (s *Stream) Context() context.Context { return s.ctx }

// Send writes one event. id is what the caller sends back as Last-Event-ID to
// resume; empty for none. data is a string as it is, or anything else as JSON.
func (s *Stream) Send(id, event string, data any) error {
	text, ok := data.(string)
	if !ok {
		b, err := json.Marshal(data)
		if err != nil {
			return err
		}
		text = string(b)
	}
	s.buf.Reset()
	if id != "" {
		fmt.Fprintf(&s.buf, "id: %s\n", oneLine(id))
	}
	if event != "" {
		fmt.Fprintf(&s.buf, "event: %s\n", oneLine(event))
	}
	for line := range strings.Lines(text) {
		fmt.Fprintf(&s.buf, "data: %s\n", strings.TrimRight(line, "\r\n"))
	}
	s.buf.WriteString("\n")
	return s.flush()
}

// Ping writes a comment, which readers pass over.
func (s *Stream) Ping() error {
	s.buf.Reset()
	s.buf.WriteString(": ping\n\n")
	return s.flush()
}

// End tells the caller to turn to another node, when this one is stopping.
func (s *Stream) End() {
	if s.draining.Err() != nil {
		_ = s.Send("", "moved", "{}") // the caller may be gone
	}
	s.unhook()
	s.cancel()
}

func (s *Stream) flush() error {
	if _, err := s.response.Write(s.buf.Bytes()); err != nil {
		return err
	}
	s.response.Flush()
	return nil
}

func oneLine(s string) string { return strings.NewReplacer("\r", "", "\n", "").Replace(s) }
