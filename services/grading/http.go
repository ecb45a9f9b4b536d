package grading

import (
	"context"
	"net/http"
	"reflect"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/distributedgo/rollcall/node/httpapi"
	"github.com/distributedgo/rollcall/node/identity"
	"github.com/distributedgo/rollcall/services/grading/gradebook"
)

// Mount adds the gradebook's routes. On a nil Service it adds them for the
// documentation only: nothing calls them then.
func (s *Service) Mount(api *httpapi.API) {
	api.Huma.OpenAPI().Components.Schemas.RegisterTypeAlias(reflect.TypeFor[gradebook.Points](), reflect.TypeFor[pointsText]())
	s.mountPeople(api)
	s.mountCourses(api)
	s.mountScores(api)
	s.mountFiles(api)
	s.mountGroup(api)
}

// pointsText describes gradebook.Points to huma, so that a fault is told of the
// field it is in. The pattern is what ParsePoints reads.
type pointsText string

// Schema implements huma.SchemaProvider.
func (pointsText) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeString, Nullable: true, Examples: []any{"85.5"},
		Pattern:            `^-?(0*[0-9]{1,6}(\.[0-9]{1,4})?|0*1000000(\.0{1,4})?|\.[0-9]{1,4})$`,
		PatternDescription: "a number of at most " + gradebook.MaxPoints.String() + " with at most 4 decimal places: write it as 85.5",
	}
}

// answer is every typed answer: nothing of a gradebook may be kept by a cache.
type answer[T any] struct {
	Status       int
	CacheControl string `header:"Cache-Control"`
	ETag         string `header:"ETag"`
	Stale        string `header:"Rollcall-Stale-Ms"`
	Body         T
}

func ok[T any](body T) *answer[T] {
	return &answer[T]{Status: http.StatusOK, CacheControl: "no-store", Body: body}
}

func created[T any](body T) *answer[T] {
	a := ok(body)
	a.Status = http.StatusCreated
	return a
}

// nothing is the answer of a call that has none: 204.
type nothing struct{}

// Keyed is part of every write's input. (The parts of inputs are exported
// because huma looks into no others.)
type Keyed struct {
	Key string `header:"Idempotency-Key" doc:"Sent again under the same key, a request is done once and gets its first answer."`
}

// Consistent is part of every read's input.
type Consistent struct {
	Consistency string `query:"consistency" enum:"linearizable,stale" default:"linearizable" doc:"stale: as this node has it, without asking the leader; the header Rollcall-Stale-Ms says how old."`
}

// look returns the gradebook as the read asks for it, and the caller as the
// gradebook knows them. stale is for the header.
func (s *Service) look(ctx context.Context, c Consistent) (v *reading, p identity.Principal, stale string, err error) {
	p = identity.From(ctx)
	if p.Anonymous() {
		return nil, p, "", p.Allow(identity.ReadCourse, identity.Resource{})
	}
	if c.Consistency == "stale" {
		r, age, err := s.stale()
		if err != nil {
			return nil, p, "", err
		}
		v, stale = r, strconv.FormatInt(age.Milliseconds(), 10)
	} else if v, err = s.read(ctx); err != nil {
		return nil, p, "", err
	}
	p, err = refresh(v, p)
	return v, p, stale, err
}

// audit notes that somebody read what belongs to students: who, what, from
// where. Ids only; names and grades stay in the gradebook.
func (s *Service) audit(p identity.Principal, what, id string) {
	s.log.Info("audit", "action", what, "id", id, "caller", p.String(), "from", p.From)
}

// handle registers a typed route whose errors go through problemOf.
func handle[I, O any](api *httpapi.API, method, path, id, summary string, h func(context.Context, *I) (*O, error)) {
	huma.Register(api.Huma, huma.Operation{
		OperationID: id, Method: method, Path: "/v1" + path, Summary: summary, Tags: []string{"grading"},
		MaxBodyBytes: 32 << 20,
	}, func(ctx context.Context, in *I) (*O, error) {
		out, err := h(ctx, in)
		if err != nil {
			return nil, problemOf(err)
		}
		return out, nil
	})
}
