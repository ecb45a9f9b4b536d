package logs

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/distributedgo/rollcall/node/httpapi"
	"github.com/distributedgo/rollcall/node/identity"
)

// retryAfter is what callers are told to wait, in seconds, when there is no
// room.
const retryAfter = "5"

// Mount adds POST /v1/ingest. It may be called on a nil Agent, for
// documentation only.
func (a *Agent) Mount(api *httpapi.API) {
	huma.Register(api.Huma, huma.Operation{
		OperationID: "ingest-logs", Method: http.MethodPost, Path: "/v1/ingest", Tags: []string{"logs"},
		Summary:      "Take in log records, one JSON object per line",
		Description:  "2xx means that the accepted records are on the node's disk. The body may be packed with gzip or zstd. 503 with Retry-After: nothing was taken.",
		MaxBodyBytes: -1, // the surface has its own limit
	}, a.handleIngest)
}

type ingestInput struct {
	Service  string `query:"service" maxLength:"256" doc:"Service of lines that name none."`
	Time     string `query:"time" maxLength:"256" doc:"Field that has the time, dotted when nested."`
	Msg      string `query:"msg" maxLength:"256" doc:"Field that has the message."`
	Encoding string `header:"Content-Encoding" doc:"gzip or zstd."`
	RawBody  []byte `contentType:"application/x-ndjson"`
}

type ingestOutput struct{ Body IngestAnswer }

func (a *Agent) handleIngest(ctx context.Context, in *ingestInput) (*ingestOutput, error) {
	if err := identity.From(ctx).Allow(identity.WriteLogs, identity.Resource{}); err != nil {
		return nil, httpapi.ProblemOf(err)
	}
	answer, err := a.Ingest(ctx, bytes.NewReader(in.RawBody), IngestOptions{Service: in.Service, Time: in.Time, Msg: in.Msg, Encoding: in.Encoding})
	if err != nil {
		return nil, problem(err)
	}
	if answer.Accepted == 0 && answer.Rejected > 0 {
		p := httpapi.Problemf(http.StatusBadRequest, "none of the %d lines can be a record", answer.Rejected)
		for _, f := range answer.Faults {
			p.With(f.where(), f.Value, f.Reason)
		}
		return nil, p
	}
	return &ingestOutput{answer}, nil
}

// Mount adds GET /v1/logs and the routes that log nodes use among themselves.
// It may be called on a nil Service, for documentation only.
func (s *Service) Mount(api *httpapi.API) {
	huma.Register(api.Huma, huma.Operation{
		OperationID: "query-logs", Method: http.MethodGet, Path: "/v1/logs", Tags: []string{"logs"},
		Summary: "Find log records in the whole cluster",
		Description: "All conditions must hold. The answer says whether it is complete, of all that the nodes that can be reached know, " +
			"and names the batches that are missing.",
	}, s.handleQuery)
	s.mountInternal(api)
}

type queryInput struct {
	From     string   `query:"from" doc:"RFC 3339 time; included." example:"2026-09-01T12:00:00Z"`
	To       string   `query:"to" doc:"RFC 3339 time; not included."`
	Service  string   `query:"service" doc:"The part or program that says it."`
	Node     string   `query:"node" doc:"Name or id of the node that took the record in."`
	Level    string   `query:"level" doc:"At least this: debug, info, warn, error."`
	Field    []string `query:"field,explode" doc:"key=value; may be repeated: all must be equal."`
	Contains string   `query:"contains" doc:"Text in the message or a field's value; case matters."`
	Limit    int      `query:"limit" minimum:"0" maximum:"5000" doc:"Default 100."`
	Order    string   `query:"order" enum:"desc,asc" default:"desc" doc:"desc: the newest first."`
	Cursor   string   `query:"cursor" doc:"next of the answer before, with all else unchanged."`
}

type queryOutput struct{ Body Answer }

func (s *Service) handleQuery(ctx context.Context, in *queryInput) (*queryOutput, error) {
	if err := identity.From(ctx).Allow(identity.ReadLogs, identity.Resource{}); err != nil {
		return nil, httpapi.ProblemOf(err)
	}
	q, err := in.query()
	if err != nil {
		return nil, problem(err)
	}
	answer, err := s.Query(ctx, q)
	if err != nil {
		return nil, problem(err)
	}
	return &queryOutput{answer}, nil
}

func (in *queryInput) query() (Query, error) {
	q := Query{Service: in.Service, Node: in.Node, Level: in.Level, Contains: in.Contains, Limit: in.Limit, Order: Order(in.Order), Cursor: in.Cursor}
	var errs []error
	for _, t := range []struct {
		name, text string
		to         *time.Time
	}{{"from", in.From, &q.From}, {"to", in.To, &q.To}} {
		if t.text == "" {
			continue
		}
		var err error
		if *t.to, err = time.Parse(time.RFC3339Nano, t.text); err != nil {
			errs = append(errs, &ParamError{t.name, t.text, "use RFC 3339, such as 2026-09-01T12:00:00Z"})
		}
	}
	for _, f := range in.Field {
		e, err := ParseEqual(f)
		if err != nil {
			errs = append(errs, &ParamError{"field", f, "use key=value, such as http.status=500"})
		}
		q.Fields = append(q.Fields, e)
	}
	return q, errors.Join(errs...)
}

// problem is the one table from this package's errors to answers.
func problem(err error) error {
	switch {
	case errors.Is(err, ErrFull):
		return httpapi.Problemf(http.StatusServiceUnavailable, "%v; nothing was taken, send it again later", err).WithHeader("Retry-After", retryAfter)
	case errors.Is(err, ErrClosed):
		return httpapi.Problemf(http.StatusServiceUnavailable, "this node is stopping: ask another").WithHeader("Retry-After", retryAfter)
	}
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return httpapi.ProblemOf(tooLarge)
	}
	if found := params(err); len(found) > 0 {
		p := httpapi.Problemf(http.StatusBadRequest, "%d parameters cannot be", len(found))
		if len(found) == 1 {
			p = httpapi.Problemf(http.StatusBadRequest, "a parameter cannot be")
		}
		for _, e := range found {
			p.With(e.Field, e.Value, e.Remedy)
		}
		return p
	}
	return httpapi.ProblemOf(err)
}

// params lists the ParamErrors joined in err.
func params(err error) []*ParamError {
	if one, ok := err.(*ParamError); ok { //nolint:errorlint // the tree is walked here
		return []*ParamError{one}
	}
	var out []*ParamError
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range many.Unwrap() {
			out = append(out, params(e)...)
		}
	}
	return out
}

// Schema implements huma.SchemaProvider: a flat object with any fields beside
// its own.
func (Record) Schema(r huma.Registry) *huma.Schema {
	text := func(doc string) *huma.Schema { return &huma.Schema{Type: huma.TypeString, Description: doc} }
	at := r.Schema(reflect.TypeFor[time.Time](), true, "")
	return &huma.Schema{
		Type: huma.TypeObject, AdditionalProperties: true,
		Properties: map[string]*huma.Schema{
			keyTime: at, keyLevel: text("debug, info, warn, error, or between."), keyService: text("The part or program that says it."),
			keyNode: text("Name of the node that took it in."), keyMsg: text("What happened; the facts are in the other fields."),
		},
		Required: []string{keyTime, keyLevel, keyService, keyNode, keyMsg},
	}
}
