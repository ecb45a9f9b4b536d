package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/validation"
	"github.com/labstack/echo/v4"

	"github.com/distributedgo/rollcall/node/identity"
)

// Problem is the one form of every error answer (RFC 9457,
// application/problem+json). Detail is a sentence for the caller; the cause of
// a 5xx stays in the log of the node that answered, under RequestID.
type Problem struct {
	Title     string       `json:"title" doc:"The status in words."`
	Status    int          `json:"status" doc:"HTTP status code."`
	Detail    string       `json:"detail,omitempty" doc:"What is wrong and what to do."`
	RequestID string       `json:"requestId,omitempty" doc:"Finds this request in the logs."`
	Errors    []FieldError `json:"errors,omitempty" doc:"Each fault in the input."`
	Current   any          `json:"current,omitempty" doc:"For 409 and 412: the value that stands now."`

	header http.Header
	cause  error
}

// FieldError is one fault in the input. Value is left out where it may be a
// secret or is not text.
type FieldError struct {
	Field   string `json:"field"`
	Value   string `json:"value,omitempty"`
	Message string `json:"message" doc:"What is wrong with it and what to do."`
}

var (
	_ huma.StatusError       = (*Problem)(nil)
	_ huma.HeadersError      = (*Problem)(nil)
	_ huma.ContentTypeFilter = (*Problem)(nil)
)

// Problemf returns a Problem with the given status and detail.
func Problemf(status int, format string, args ...any) *Problem {
	return &Problem{Title: http.StatusText(status), Status: status, Detail: fmt.Sprintf(format, args...)}
}

// With adds a fault: the field, its value (empty to keep it out), and what is
// wrong with it and what to do.
func (p *Problem) With(field, value, message string) *Problem {
	p.Errors = append(p.Errors, FieldError{Field: field, Value: clip(value), Message: message})
	return p
}

// WithCurrent adds the value that stands now, for 409 and 412.
func (p *Problem) WithCurrent(v any) *Problem { p.Current = v; return p }

// WithHeader adds a header to the answer, such as Retry-After.
func (p *Problem) WithHeader(key, value string) *Problem {
	if p.header == nil {
		p.header = http.Header{}
	}
	p.header.Set(key, value)
	return p
}

// WithCause notes what operators should read in the log. Callers never see it.
func (p *Problem) WithCause(err error) *Problem { p.cause = err; return p }

// Error returns the detail and every fault in one line.
func (p *Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.Detail)
	if p.Detail == "" {
		b.WriteString(p.Title)
	}
	for i, f := range p.Errors {
		b.WriteString(map[bool]string{true: ": ", false: "; "}[i == 0])
		b.WriteString(f.Field)
		if f.Value != "" {
			fmt.Fprintf(&b, " %q", f.Value)
		}
		b.WriteString(": " + f.Message)
	}
	return b.String()
}

// Unwrap returns the cause.
func (p *Problem) Unwrap() error { return p.cause }

// GetStatus, GetHeaders and ContentType are how huma asks a Problem for its
// place in the answer.
func (p *Problem) GetStatus() int          { return p.Status }
func (p *Problem) GetHeaders() http.Header { return p.header }
func (*Problem) ContentType(string) string { return "application/problem+json" }
func (p *Problem) write(w http.ResponseWriter) {
	for k, v := range p.header {
		w.Header()[k] = v
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the caller is gone when this fails
}

// Write answers with err from a plain http.Handler.
func Write(w http.ResponseWriter, r *http.Request, err error) {
	p := *ProblemOf(err)
	p.RequestID = r.Header.Get(HeaderRequestID)
	p.write(w)
}

// statusClientClosed is nginx's code for a caller that went away; nobody reads
// the answer, but the log shows what happened.
const statusClientClosed = 499

// ProblemOf returns err as a Problem. An error it does not know is a 500 whose
// detail says nothing of the cause.
func ProblemOf(err error) *Problem {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	if e, ok := errors.AsType[*echo.HTTPError](err); ok {
		return Problemf(e.Code, "%v", e.Message).WithCause(e.Internal)
	}
	if e, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return Problemf(http.StatusRequestEntityTooLarge, "the body is larger than %d bytes: send it in parts", e.Limit)
	}
	switch {
	case errors.Is(err, identity.ErrUnauthenticated), errors.Is(err, identity.ErrRevoked),
		errors.Is(err, identity.ErrExpired), errors.Is(err, identity.ErrSignature):
		return Problemf(http.StatusUnauthorized, "%v", err).WithHeader("WWW-Authenticate", `Bearer realm="rollcall"`)
	case errors.Is(err, identity.ErrForbidden):
		return Problemf(http.StatusForbidden, "%v", err)
	case errors.Is(err, context.Canceled):
		return Problemf(statusClientClosed, "the caller went away").WithCause(err)
	case errors.Is(err, context.DeadlineExceeded):
		return Problemf(http.StatusGatewayTimeout, "no answer in time: try again").WithCause(err)
	}
	return Problemf(http.StatusInternalServerError, "this is our fault: the node's log has the cause under the request id").WithCause(err)
}

func init() {
	// huma builds its own errors through these two; ours must look the same.
	huma.NewErrorWithContext = func(_ huma.Context, status int, msg string, errs ...error) huma.StatusError {
		return fromHuma(status, msg, errs)
	}
	huma.NewError = func(status int, msg string, errs ...error) huma.StatusError { return fromHuma(status, msg, errs) }
}

// patternFault is how huma begins its word on a text that does not match its
// field's pattern, when the pattern has a description.
var patternFault, _, _ = strings.Cut(validation.MsgExpectedBePattern, "%")

func isNumber(v any) bool {
	_, is := v.(float64)
	return is
}

// fromHuma turns huma's findings into a Problem. It keeps values only of path
// and query parameters, and of fields with a pattern, such as points: anything
// else in a body or header may hold a password.
func fromHuma(status int, msg string, errs []error) *Problem {
	if status == http.StatusInternalServerError && len(errs) == 1 {
		return ProblemOf(errs[0])
	}
	p := Problemf(status, "%s", msg)
	for _, err := range errs {
		d, ok := errors.AsType[*huma.ErrorDetail](err)
		switch {
		case err == nil:
		case !ok:
			p.Detail += ": " + err.Error()
		case strings.HasPrefix(d.Location, "path.") || strings.HasPrefix(d.Location, "query.") || strings.HasPrefix(d.Message, patternFault):
			p.With(d.Location, fmt.Sprint(d.Value), d.Message)
		case d.Message == validation.MsgExpectedString && isNumber(d.Value):
			p.With(d.Location, "", d.Message+`: put the number in quotes, as in "85.5"`)
		default:
			p.With(d.Location, "", d.Message)
		}
	}
	return p
}

// clip keeps a hostile value from filling the answer.
func clip(s string) string {
	const most = 200
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
