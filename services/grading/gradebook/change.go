package gradebook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"
)

// Change is one thing that can happen to a book. The types that implement it
// are the whole language of the replicated log; their JSON forms are a file
// format and may gain fields and kinds, never lose or redefine one.
type Change interface {
	// Kind names the type in the log and in the history.
	Kind() string
	// apply checks the change against the draft and makes it. After an error
	// the draft is thrown away, so it need not clean up.
	apply(d *draft) (Result, error)
}

// Meta is what a change needs to know of the world, stamped by the leader.
type Meta struct {
	At     time.Time // the leader's clock; never goes back
	By     string    // account id of the author
	ByName string    // their name at that time
	Node   string    // the node that took the request
	Index  uint64    // place in the replicated log; changes of one entry share it
}

// Result is the answer to a change that was made.
type Result struct {
	ID      string            `json:"id,omitempty"`      // what was created or changed
	IDs     map[string]string `json:"ids,omitempty"`     // ApplyImport: the id that each key became
	Version uint64            `json:"version,omitempty"` // Course.Version after a change to a course
	Score   *Score            `json:"score,omitempty"`   // SetScore: the cell as it is now
	Cells   []CellResult      `json:"cells,omitempty"`   // SetScores: cell by cell, in the order asked
	// First and Last are the Event.Seq of the history lines this change wrote;
	// both are 0 when it wrote none. Together with Book.Events they say again
	// what a bulk write did, without keeping its long answer.
	First uint64 `json:"first,omitempty"`
	Last  uint64 `json:"last,omitempty"`
}

// CellResult is what became of one cell of a SetScores.
type CellResult struct {
	Cell
	Version uint64 `json:"version"`           // of the cell now
	Error   string `json:"error,omitempty"`   // why it was not written
	Current *Score `json:"current,omitempty"` // with Error, when another write came first
}

// decoders is the language: every kind, and how its payload is read.
var decoders = map[string]func([]byte) (Change, error){}

// learn adds a kind. A new Change type is one line here and one file.
func learn[T Change]() {
	var zero T
	decoders[zero.Kind()] = func(payload []byte) (Change, error) {
		var c T
		if err := strict(payload, &c); err != nil {
			return nil, err
		}
		return c, nil
	}
}

func init() {
	learn[CreateAccount]()
	learn[UpdateAccount]()
	learn[SetPassword]()
	learn[SignOut]()
	learn[RecordToken]()
	learn[RevokeID]()
	learn[CreateCourse]()
	learn[UpdateCourse]()
	learn[AddSection]()
	learn[AddCategory]()
	learn[UpdateCategory]()
	learn[AddAssignment]()
	learn[UpdateAssignment]()
	learn[AddStudent]()
	learn[UpdateStudent]()
	learn[SetEnrollment]()
	learn[SetScore]()
	learn[SetScores]()
	learn[ApplyImport]()
}

// Kinds returns every kind this program knows, sorted.
func Kinds() []string { return slices.Sorted(maps.Keys(decoders)) }

// Encode returns the payload that Decode reads under c.Kind().
func Encode(c Change) ([]byte, error) {
	payload, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", c.Kind(), err)
	}
	return payload, nil
}

// Decode reads a change. It returns an error wrapping ErrUnknownKind for a
// kind it does not know, and one wrapping ErrInvalid for a payload that is not
// exactly of that kind: an unknown field is a field some other version would
// obey, and two replicas must not differ.
func Decode(kind string, payload []byte) (Change, error) {
	decode, ok := decoders[kind]
	if !ok {
		return nil, fmt.Errorf("%w: %q", ErrUnknownKind, clip(kind))
	}
	c, err := decode(payload)
	if err != nil {
		return nil, fmt.Errorf("%w %s: %w", ErrInvalid, kind, err)
	}
	return c, nil
}

// strict reads exactly one JSON value with no unknown fields.
func strict(payload []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(payload))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one JSON value")
	}
	return nil
}
