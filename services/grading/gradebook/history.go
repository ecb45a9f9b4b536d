package gradebook

import (
	"cmp"
	"slices"
	"time"
)

// KindRefused is the kind of an event that kept a value which lost against a
// newer one: After is what was refused, Before what stood and stands. Every
// other event has the Kind of the change that made it.
const KindRefused = "refused"

// DefaultEvents is how many lines History returns when none are asked for, and
// MaxEvents the most it returns at once.
const (
	DefaultEvents = 100
	MaxEvents     = 1_000
)

// Event is one line of the history. Lines are only ever added.
type Event struct {
	Index      uint64    `json:"index"` // place in the replicated log; changes made together share it
	Seq        uint64    `json:"seq"`   // place in the history: 1, 2, 3, …
	At         time.Time `json:"at"`
	By         string    `json:"by"`     // account id
	ByName     string    `json:"byName"` // their name as it was then
	Node       string    `json:"node"`   // the node that took the request
	Kind       string    `json:"kind"`
	Course     string    `json:"course,omitempty"`
	Student    string    `json:"student,omitempty"`
	Assignment string    `json:"assignment,omitempty"`
	Account    string    `json:"account,omitempty"` // the account it is about
	Before     *Score    `json:"before,omitempty"`
	After      *Score    `json:"after,omitempty"`
	Detail     string    `json:"detail,omitempty"`
	Why        string    `json:"why,omitempty"`
}

// Filter chooses lines of the history. Empty fields choose all.
type Filter struct {
	Course     string
	Student    string
	Assignment string
	By         string
	From, To   time.Time // From ≤ At < To
	Before     uint64    // only Seq below this; for the next page, the last Seq of this one
	Limit      int       // default DefaultEvents, at most MaxEvents
}

func (f *Filter) match(e *Event) bool {
	return (f.Student == "" || e.Student == f.Student) &&
		(f.Assignment == "" || e.Assignment == f.Assignment) &&
		(f.By == "" || e.By == f.By) &&
		(f.From.IsZero() || !e.At.Before(f.From)) &&
		(f.To.IsZero() || e.At.Before(f.To))
}

// History returns the lines that match, newest first.
func (s *state) History(f Filter) []Event {
	if f.Limit <= 0 {
		f.Limit = DefaultEvents
	}
	f.Limit = min(f.Limit, MaxEvents)
	if f.Course != "" {
		c, err := s.course(f.Course)
		if err != nil {
			return []Event{}
		}
		return f.newest(c.events, []Event{})
	}
	// Each list alone is in order; the newest of all are among the newest of each.
	found := f.newest(s.events, []Event{})
	for _, c := range s.courses {
		found = f.newest(c.events, found)
	}
	slices.SortFunc(found, func(a, b Event) int { return cmp.Compare(b.Seq, a.Seq) })
	return found[:min(len(found), f.Limit)]
}

// newest appends up to Limit matching lines, newest first.
func (f *Filter) newest(events []Event, found []Event) []Event {
	end := len(events)
	if f.Before > 0 {
		end, _ = slices.BinarySearchFunc(events, f.Before, func(e Event, seq uint64) int { return cmp.Compare(e.Seq, seq) })
	}
	most := len(found) + f.Limit
	for i := end - 1; i >= 0 && len(found) < most; i-- {
		if f.match(&events[i]) {
			found = append(found, events[i])
		}
	}
	return found
}

// Events returns the lines first to last of a course ("" for the book's own),
// oldest first: what one change did, told again from Result.First and Last.
func (s *state) Events(course string, first, last uint64) []Event {
	events := s.events
	if course != "" {
		c, err := s.course(course)
		if err != nil {
			return nil
		}
		events = c.events
	}
	from, _ := slices.BinarySearchFunc(events, first, func(e Event, seq uint64) int { return cmp.Compare(e.Seq, seq) })
	to, _ := slices.BinarySearchFunc(events, last+1, func(e Event, seq uint64) int { return cmp.Compare(e.Seq, seq) })
	if from >= to {
		return nil
	}
	return events[from:to:to]
}
