package exchange

import "github.com/distributedgo/rollcall/services/grading/gradebook"

// Diff is what applying a file would do, for a person to look at and for
// Change to make. Lists are never null in JSON.
type Diff struct {
	Course string `json:"course"`
	Source string `json:"source,omitempty"` // the file's name
	// Basis is the Course.Version this was worked out from. Sent back with the
	// decision to apply, it makes sure that what was seen is what is made.
	Basis          uint64                       `json:"basis"`
	NewSections    []gradebook.ImportSection    `json:"newSections"`
	NewCategories  []gradebook.ImportCategory   `json:"newCategories"`
	NewAssignments []gradebook.ImportAssignment `json:"newAssignments"`
	NewStudents    []gradebook.ImportStudent    `json:"newStudents"`
	Changes        []CellChange                 `json:"changes"`
	Unchanged      int                          `json:"unchanged"` // cells that are as the file says already
	Skipped        []Skipped                    `json:"skipped"`   // rows left out
	Faults         []Fault                      `json:"faults"`    // what could not be used
	Unlisted       int                          `json:"unlisted,omitempty"`
	Notes          []Fault                      `json:"notes"` // used, but look at it
	Applied        bool                         `json:"applied"`
	Index          uint64                       `json:"index,omitempty"` // log index it was applied at
}

// CellChange is one score that would change. Assignment and student are ids,
// or keys of new ones.
type CellChange struct {
	gradebook.Cell
	Name   string           `json:"name"`  // the student's, for people
	Title  string           `json:"title"` // the assignment's
	Row    int              `json:"row"`   // line in the file
	Before *gradebook.Score `json:"before"`
	After  Value            `json:"after"`
}

// Value is what a cell would hold.
type Value struct {
	Points  *gradebook.Points `json:"points"`
	Status  gradebook.Status  `json:"status"`
	Comment string            `json:"comment,omitempty"` // the one that is there, kept
}

// Skipped is a row that was read but is for nobody here.
type Skipped struct {
	Row    int    `json:"row"`
	Name   string `json:"name"`
	Reason string `json:"reason"`
}

// Options say what a comparison may do.
type Options struct {
	Source string // the file's name, for the history
	// Roster is every student of the school, so that one who is new to the
	// course but not to the school is known.
	Roster []gradebook.Student
	// CreateStudents puts students into the course who are in the file only;
	// otherwise they are named and skipped.
	CreateStudents bool
}

// Empty reports whether applying the diff would do nothing.
func (d *Diff) Empty() bool {
	return len(d.NewSections)+len(d.NewCategories)+len(d.NewAssignments)+len(d.NewStudents)+len(d.Changes) == 0
}

// Change returns the one change that does what the diff shows, and refuses to
// if the course or one of its cells has moved on.
func (d *Diff) Change() gradebook.ApplyImport {
	basis := d.Basis
	c := gradebook.ApplyImport{
		Course: d.Course, Source: d.Source, Basis: &basis,
		Sections: d.NewSections, Categories: d.NewCategories, Assignments: d.NewAssignments, Students: d.NewStudents,
		Scores: make([]gradebook.ImportScore, len(d.Changes)),
	}
	for i, ch := range d.Changes {
		var base uint64
		if ch.Before != nil {
			base = ch.Before.Version
		}
		c.Scores[i] = gradebook.ImportScore{Cell: ch.Cell, Points: ch.After.Points, Status: ch.After.Status, Base: &base}
	}
	return c
}
