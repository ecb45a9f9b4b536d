package gradebook

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// The kinds of refusal, for errors.Is. The typed errors below say more.
var (
	ErrNotFound = errors.New("not found")
	ErrInvalid  = errors.New("invalid")
	ErrConflict = errors.New("changed by someone else")
	// ErrUnknownKind is a change this version of the program does not know.
	// A log must never bring one: the leader proposes only what all voters know.
	ErrUnknownKind = errors.New("unknown kind of change")
	// ErrDamaged is a snapshot that can't be read. Nothing of it is used.
	ErrDamaged = errors.New("damaged snapshot")
)

// NotFoundError is a reference to something that is not in the book.
type NotFoundError struct {
	What string // "course", "assignment", …
	ID   string
}

func (e *NotFoundError) Error() string        { return fmt.Sprintf("no %s %q", e.What, clip(e.ID)) }
func (e *NotFoundError) Is(target error) bool { return target == ErrNotFound }

// InvalidError is a value that can't be accepted, and what would be.
type InvalidError struct {
	Field  string // JSON name of the field, "scores[3].points" inside a list
	Value  string // what was given; left empty for secrets
	Remedy string // what to do instead, as an imperative
}

func (e *InvalidError) Error() string {
	if e.Value == "" {
		return fmt.Sprintf("%s: %s", e.Field, e.Remedy)
	}
	return fmt.Sprintf("%s %q: %s", e.Field, clip(e.Value), e.Remedy)
}

func (e *InvalidError) Is(target error) bool { return target == ErrInvalid }

// CellConflict is one cell that was not what the writer thought.
type CellConflict struct {
	Cell
	Base    uint64 `json:"base"`    // the version the writer had seen
	Current Score  `json:"current"` // what is there
	Wanted  Score  `json:"wanted"`  // what was refused
}

// ConflictError is a write that would have overwritten something its author
// had not seen. The table is unchanged; what SetScore and SetScores would have
// written is in the history as events of kind "refused".
type ConflictError struct {
	Course  string         `json:"course"`
	Current Score          `json:"current"`          // of the first cell, if there is one
	Cells   []CellConflict `json:"cells,omitempty"`  // all cells in conflict; none when the course itself changed
	Reason  string         `json:"reason,omitempty"` // set when the course itself changed

	remember bool // the refused values go into the history
}

func (e *ConflictError) Error() string {
	switch {
	case len(e.Cells) == 0:
		return fmt.Sprintf("course %s: %s", e.Course, e.Reason)
	case len(e.Cells) == 1:
		c := e.Cells[0]
		return fmt.Sprintf("score of %s for %s is at version %d, not %d: look at it and decide again", c.Student, c.Assignment, c.Current.Version, c.Base)
	}
	return fmt.Sprintf("%d scores changed meanwhile, first that of %s for %s: look at them and decide again",
		len(e.Cells), e.Cells[0].Student, e.Cells[0].Assignment)
}

func (e *ConflictError) Is(target error) bool { return target == ErrConflict }

// within puts the place in a list before the field of an invalid value.
func within(err error, list string, i int) error {
	if bad, ok := errors.AsType[*InvalidError](err); ok {
		return &InvalidError{Field: fmt.Sprintf("%s[%d].%s", list, i, bad.Field), Value: bad.Value, Remedy: bad.Remedy}
	}
	return fmt.Errorf("%s[%d]: %w", list, i, err)
}

// clip keeps a message short whatever was sent.
func clip(s string) string {
	const most = 80
	s = strings.ToValidUTF8(s, "\uFFFD")
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most]) + "…"
}
