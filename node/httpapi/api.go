// Package httpapi sets up HTTP once for every surface of a node: recovery from
// panics, limits, time-outs, request ids, traces, and one form of error, so
// that services only write handlers.
//
// Typed JSON routes go through huma, which checks the input against the Go
// types and writes the OpenAPI document; streams, files and pages are plain
// echo. A node has two of these: one on its cluster port, where every caller
// is a member and its word on who calls is believed (Config.Trust), and one on
// its public port, where nobody's is.
package httpapi

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"
	"github.com/labstack/echo/v4"

	"github.com/distributedgo/rollcall/node/identity"
)

// Headers that travel between nodes.
const (
	HeaderRequestID  = "X-Request-Id"
	HeaderTrace      = "Traceparent"          // W3C Trace Context
	HeaderClock      = "Rollcall-Clock"       // hybrid logical clock
	HeaderNotServing = "Rollcall-Not-Serving" // this node lacks the role: ask the next peer
	HeaderServedBy   = "Rollcall-Served-By"   // id of the node that answered
	apiKey           = "github.com/distributedgo/rollcall/node/httpapi"
)

// Config says how a surface behaves.
type Config struct {
	Title, Version string        // of the OpenAPI document; without a title there is none
	Node           string        // this node's id, for HeaderServedBy
	Logger         *slog.Logger  // default: discard
	MaxBodyBytes   int64         // of a request; default 32 MiB
	BodyTime       time.Duration // in which a request's body must come; default 2 min
	Trust          bool          // believe identity.Header: on the cluster port only
	Clock          Clock         // nil: calls carry no clock
	Quiet          string        // routes with this prefix are not recorded: shipping logs must not make logs
}

// Clock is a hybrid logical clock as text: Tick gives the stamp for a call
// that goes out, Observe takes the one that came in.
type Clock interface {
	Tick() string
	Observe(stamp string)
}

// API is one surface. Routes are added before it serves.
type API struct {
	Echo *echo.Echo
	Huma huma.API

	cfg      Config
	draining context.Context
	drain    context.CancelFunc
}

// New returns a surface with no routes but its OpenAPI document, if it has a
// title, at /v1/openapi.json.
func New(cfg Config) *API {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.MaxBodyBytes == 0 {
		cfg.MaxBodyBytes = 32 << 20
	}
	if cfg.BodyTime == 0 {
		cfg.BodyTime = 2 * time.Minute
	}
	a := &API{Echo: echo.New(), cfg: cfg}
	a.draining, a.drain = context.WithCancel(context.Background())
	a.Echo.HideBanner, a.Echo.HidePort = true, true
	a.Echo.IPExtractor = echo.ExtractIPDirect() // echo's default believes X-Forwarded-For
	a.Echo.HTTPErrorHandler = func(err error, c echo.Context) { a.fail(c, err) }
	a.Echo.Pre(a.around)

	hc := huma.DefaultConfig(cfg.Title, cfg.Version)
	hc.OpenAPIPath, hc.DocsPath, hc.SchemasPath = "", "", ""
	if cfg.Title != "" {
		hc.OpenAPIPath = "/v1/openapi"
	}
	hc.CreateHooks = nil // they would add $schema to every answer
	hc.RejectUnknownQueryParameters = true
	hc.Transformers = []huma.Transformer{complete}
	a.Huma = humaecho.New(a.Echo, hc)
	describeProofs(a.Huma.OpenAPI())
	return a
}

// ServeHTTP implements http.Handler.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.Echo.ServeHTTP(w, r) }

// Drain ends every event stream with the event "moved", so that its readers
// turn to another node before this one closes its ports.
func (a *API) Drain() { a.drain() }

// Server returns an http.Server for h with the limits that every port has. A
// slow reader of a long answer is not limited: event streams last.
func Server(h http.Handler, logger *slog.Logger) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
}

// around wraps every request, also those that no route takes.
func (a *API) around(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		start, r := time.Now(), c.Request()
		c.Set(apiKey, a)
		if id := r.Header.Get(HeaderRequestID); !validID(id) {
			r.Header.Set(HeaderRequestID, rand.Text())
		}
		if !validTrace(r.Header.Get(HeaderTrace)) {
			r.Header.Set(HeaderTrace, newTrace())
		}
		h := c.Response().Header()
		h.Set(HeaderRequestID, r.Header.Get(HeaderRequestID))
		h.Set("X-Content-Type-Options", "nosniff")
		if a.cfg.Node != "" {
			h.Set(HeaderServedBy, a.cfg.Node)
		}
		if a.cfg.Clock != nil && a.cfg.Trust {
			a.cfg.Clock.Observe(r.Header.Get(HeaderClock))
			h.Set(HeaderClock, a.cfg.Clock.Tick())
		}
		if r.Body != nil && r.Body != http.NoBody {
			r.Body = http.MaxBytesReader(c.Response(), r.Body, a.cfg.MaxBodyBytes)
			// Who sends a byte a minute must not hold a connection for ever. The
			// server lifts the limit with the last byte. A writer that has no
			// deadline has no connection either.
			_ = http.NewResponseController(c.Response()).SetReadDeadline(time.Now().Add(a.cfg.BodyTime))
		}
		if !a.cfg.Trust {
			r.Header.Del(identity.Header)
		} else {
			p, err := believed(r)
			if err != nil {
				a.fail(c, Problemf(http.StatusBadRequest, "%v", err))
				return nil
			}
			r = r.WithContext(identity.With(r.Context(), p))
			c.SetRequest(r)
		}
		err := a.call(next, c)
		if err != nil {
			a.fail(c, err)
		}
		a.record(c, time.Since(start))
		return nil
	}
}

// call runs next and turns a panic into an error.
func (a *API) call(next echo.HandlerFunc, c echo.Context) (err error) {
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		if cause, ok := r.(error); ok && errors.Is(cause, http.ErrAbortHandler) {
			panic(r) // how a proxy tells the server to cut the connection
		}
		err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
	}()
	return next(c)
}

// believed returns who calls, as the member at the other end says; nobody when
// it says nothing. A member that calls for itself says so: to pass a caller's
// request on and lose the header must not turn the caller into a member.
func believed(r *http.Request) (identity.Principal, error) {
	if text := r.Header.Get(identity.Header); text != "" {
		return identity.Decode(text)
	}
	return identity.Principal{}, nil
}

// fail answers with err, unless an answer has begun.
func (a *API) fail(c echo.Context, err error) {
	p := *ProblemOf(err)
	finish(c, &p)
	if c.Response().Committed {
		return
	}
	p.write(c.Response())
}

// finish completes a problem for the request it answers, and logs the cause of
// one that is ours.
func finish(c echo.Context, p *Problem) {
	r := c.Request()
	p.RequestID = r.Header.Get(HeaderRequestID)
	if a, ok := c.Get(apiKey).(*API); ok && p.Status >= http.StatusInternalServerError && p.cause != nil {
		a.cfg.Logger.Error("request failed", "request", p.RequestID, "method", r.Method, "route", c.Path(), "status", p.Status, "error", p.cause)
	}
}

// complete is finish for a problem that huma is about to write.
func complete(ctx huma.Context, _ string, v any) (any, error) {
	p, ok := v.(*Problem)
	if !ok {
		return v, nil
	}
	own := *p
	finish(humaecho.Unwrap(ctx), &own)
	for k := range own.header {
		ctx.SetHeader(k, own.header.Get(k))
	}
	ctx.SetHeader("Cache-Control", "no-store")
	return &own, nil
}

// record writes one line per request: at debug, but a 5xx is a warning. A 503 is
// none: it says "not now", often to somebody who asks until it is over.
func (a *API) record(c echo.Context, took time.Duration) {
	level := slog.LevelDebug
	if status := c.Response().Status; status >= http.StatusInternalServerError && status != http.StatusServiceUnavailable {
		level = slog.LevelWarn
	}
	r := c.Request()
	if a.cfg.Quiet != "" && strings.HasPrefix(c.Path(), a.cfg.Quiet) || !a.cfg.Logger.Enabled(r.Context(), level) {
		return
	}
	a.cfg.Logger.LogAttrs(r.Context(), level, "request",
		slog.String("method", r.Method), slog.String("route", c.Path()), slog.Int("status", c.Response().Status),
		slog.Duration("took", took), slog.String("caller", identity.From(r.Context()).String()),
		slog.String("request", r.Header.Get(HeaderRequestID)), slog.String("trace_id", TraceID(r.Header)))
}

// TraceID returns the trace id that a request carries, 32 hexadecimal digits.
func TraceID(h http.Header) string {
	if t := h.Get(HeaderTrace); validTrace(t) {
		return t[3:35]
	}
	return ""
}

// newTrace begins a trace (W3C Trace Context §3.2): version, 16 random bytes,
// 8 random bytes, sampled.
func newTrace() string {
	var b [24]byte
	rand.Read(b[:])
	return "00-" + hex.EncodeToString(b[:16]) + "-" + hex.EncodeToString(b[16:]) + "-01"
}

func validTrace(s string) bool {
	if len(s) != 55 || s[:3] != "00-" || s[35] != '-' || s[52] != '-' {
		return false
	}
	return strings.Trim(s[3:35]+s[36:52]+s[53:], "0123456789abcdef") == "" &&
		strings.Trim(s[3:35], "0") != "" && strings.Trim(s[36:52], "0") != ""
}

// validID accepts a caller's request id when it can't break a log or a header.
func validID(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	return strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") == ""
}
