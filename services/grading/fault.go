package grading

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/distributedgo/rollcall/node/httpapi"
	"github.com/distributedgo/rollcall/node/identity"
	"github.com/distributedgo/rollcall/services/grading/gradebook"
)

// faultCode says why a command was refused.
type faultCode string

const (
	faultInvalid     faultCode = "invalid"
	faultNotFound    faultCode = "notFound"
	faultConflict    faultCode = "conflict"
	faultForbidden   faultCode = "forbidden"
	faultUnproven    faultCode = "unauthenticated"
	faultReusedKey   faultCode = "reusedKey"
	faultFounded     faultCode = "founded"
	faultUnknownKind faultCode = "unknownKind"
	faultTooLarge    faultCode = "tooLarge"
)

// fault is a refusal in a form that travels between nodes and is remembered
// with the command, so that a retry is refused in the same words.
type fault struct {
	Code    faultCode       `json:"code"`
	Text    string          `json:"text"`
	Field   string          `json:"field,omitempty"`
	Value   string          `json:"value,omitempty"`
	Remedy  string          `json:"remedy,omitempty"`
	Current json.RawMessage `json:"current,omitempty"`
}

func (f *fault) Error() string { return f.Text }

// faultOf turns the gradebook's and identity's errors into a fault. It returns
// nil for an error that is no refusal but a failure.
func faultOf(err error) *fault {
	if err == nil {
		return nil
	}
	f := &fault{Text: err.Error()}
	if e, ok := errors.AsType[*fault](err); ok {
		return e
	}
	if e, ok := errors.AsType[*gradebook.InvalidError](err); ok {
		f.Code, f.Field, f.Value, f.Remedy = faultInvalid, e.Field, e.Value, e.Remedy
		return f
	}
	if e, ok := errors.AsType[*gradebook.ConflictError](err); ok {
		f.Code = faultConflict
		f.Current = currentOf(e)
		return f
	}
	switch {
	case errors.Is(err, gradebook.ErrNotFound):
		f.Code = faultNotFound
	case errors.Is(err, gradebook.ErrInvalid):
		f.Code = faultInvalid
	case errors.Is(err, identity.ErrForbidden):
		f.Code = faultForbidden
	case errors.Is(err, identity.ErrUnauthenticated), errors.Is(err, identity.ErrRevoked):
		f.Code = faultUnproven
	case errors.Is(err, errTooLarge):
		f.Code = faultTooLarge
	default:
		return nil
	}
	return f
}

// currentOf is what a conflict shows: the one score that stands, or the cells
// in conflict, the first of them when there are very many.
func currentOf(e *gradebook.ConflictError) json.RawMessage {
	const most = 100
	var v any = e.Cells[:min(len(e.Cells), most)]
	switch len(e.Cells) {
	case 0:
		return nil
	case 1:
		v = e.Current
	}
	b, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	return b
}

// problem is the fault as an HTTP answer.
func (f *fault) problem() *httpapi.Problem {
	status := map[faultCode]int{
		faultInvalid: http.StatusUnprocessableEntity, faultNotFound: http.StatusNotFound, faultConflict: http.StatusConflict,
		faultForbidden: http.StatusForbidden, faultUnproven: http.StatusUnauthorized, faultReusedKey: http.StatusUnprocessableEntity,
		faultFounded: http.StatusConflict, faultUnknownKind: http.StatusServiceUnavailable,
		faultTooLarge: http.StatusRequestEntityTooLarge,
	}[f.Code]
	if status == 0 {
		status = http.StatusInternalServerError
	}
	p := httpapi.Problemf(status, "%s", f.Text)
	if f.Field != "" {
		p.Detail = "not accepted"
		p.With(f.Field, f.Value, f.Remedy)
	}
	if f.Current != nil {
		p.WithCurrent(f.Current)
	}
	return p
}

// Errors of a service that can't serve now. ErrNotServing is safe to take to
// another node.
var (
	ErrNotServing = errors.New("this node holds no replica of the gradebook")
	ErrNoLeader   = errors.New("no leader")
	errNotLeader  = errors.New("not the leader")
)

// NoQuorumError says that writes, and reads that must be new, are refused,
// because no leader could be found in time.
type NoQuorumError struct {
	Up, Voters int // voters that gossip sees alive, and all voters
}

func (e *NoQuorumError) Error() string {
	if e.Up > e.Voters/2 {
		return fmt.Sprintf("refused: no leader was found in time, though %d of %d voters are up: try again", e.Up, e.Voters)
	}
	return fmt.Sprintf("writes refused: %d of %d voters up, %d are needed: start the others again, or read with ?consistency=stale", e.Up, e.Voters, e.Voters/2+1)
}

func (e *NoQuorumError) Is(target error) bool { return target == ErrNoLeader }

// UnknownOutcomeError says that a command was sent and no answer came back: it
// may be applied or not. Sent again under the same key it is applied once.
type UnknownOutcomeError struct {
	Key string
	Err error
}

func (e *UnknownOutcomeError) Error() string {
	return fmt.Sprintf("the outcome is unknown: the change may have been made; send it again with Idempotency-Key %q to learn it, nothing is then done twice", e.Key)
}

func (e *UnknownOutcomeError) Unwrap() error { return e.Err }

// problemOf is the one table from this package's errors to HTTP.
func problemOf(err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*UnknownOutcomeError](err); ok {
		return httpapi.Problemf(http.StatusServiceUnavailable, "%v", e).WithHeader("Retry-After", "1").WithCause(e.Err)
	}
	if errors.Is(err, ErrNotServing) {
		return httpapi.Problemf(http.StatusServiceUnavailable, "%v", err).WithHeader("Retry-After", "1").WithHeader(httpapi.HeaderNotServing, "grading")
	}
	if errors.Is(err, ErrNoLeader) {
		return httpapi.Problemf(http.StatusServiceUnavailable, "%v", err).WithHeader("Retry-After", "1")
	}
	if f := faultOf(err); f != nil {
		return f.problem()
	}
	return httpapi.ProblemOf(err)
}
