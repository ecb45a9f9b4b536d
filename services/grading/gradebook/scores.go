package gradebook

import (
	"errors"
	"fmt"
)

// SetScore writes one cell. Points nil and Status "" clears it.
type SetScore struct {
	Course     string  `json:"course"`
	Assignment string  `json:"assignment"`
	Student    string  `json:"student"`
	Points     *Points `json:"points"`
	Status     Status  `json:"status,omitempty"`  // default: graded when there are points
	Comment    *string `json:"comment,omitempty"` // nil keeps the comment that is there
	// Base is the version this write replaces; 0 is the empty cell. nil
	// overwrites whatever is there, seen or not.
	Base *uint64 `json:"base,omitempty"`
	Why  string  `json:"why,omitempty"` // kept in the history
}

// CellScore is one cell of a SetScores; the fields are those of SetScore.
type CellScore struct {
	Cell
	Points  *Points `json:"points"`
	Status  Status  `json:"status,omitempty"`
	Comment *string `json:"comment,omitempty"`
	Base    *uint64 `json:"base,omitempty"`
}

// SetScores writes many cells as one change: a pasted column, a set of typed
// cells that waited for the network.
type SetScores struct {
	Course string      `json:"course"`
	Scores []CellScore `json:"scores"`
	// Each writes every cell that can be written and reports the others.
	// Otherwise one bad cell refuses them all.
	Each bool   `json:"each,omitempty"`
	Why  string `json:"why,omitempty"`
}

func (SetScore) Kind() string  { return "setScore" }
func (SetScores) Kind() string { return "setScores" }

func (c SetScore) apply(d *draft) (Result, error) {
	course, err := d.editCourse(c.Course)
	if err != nil {
		return Result{}, err
	}
	why, err := text("why", c.Why)
	if err != nil {
		return Result{}, err
	}
	cell := CellScore{Cell: Cell{c.Assignment, c.Student}, Points: c.Points, Status: c.Status, Comment: c.Comment, Base: c.Base}
	put, err := d.writeCell(course, nil, cell, why)
	if err != nil {
		return Result{}, err
	}
	return Result{Version: course.Version, Score: put}, nil
}

func (c SetScores) apply(d *draft) (Result, error) {
	course, err := d.editCourse(c.Course)
	if err != nil {
		return Result{}, err
	}
	why, err := text("why", c.Why)
	if err != nil {
		return Result{}, err
	}
	if len(c.Scores) > MaxCells {
		return Result{}, &InvalidError{Field: "scores", Value: fmt.Sprint(len(c.Scores)), Remedy: fmt.Sprintf("send at most %d at once", MaxCells)}
	}
	where := newFinder(course)
	all := &ConflictError{Course: course.ID, remember: true}
	res := Result{Cells: make([]CellResult, 0, len(c.Scores))}
	for i, cell := range c.Scores {
		put, err := d.writeCell(course, where, cell, why)
		one := CellResult{Cell: cell.Cell}
		if conflict, ok := errors.AsType[*ConflictError](err); ok {
			all.Cells = append(all.Cells, conflict.Cells...)
			one.Error, one.Current, one.Version = conflict.Error(), &conflict.Current, conflict.Current.Version
			if c.Each {
				d.refuseCell(course, conflict.Cells[0])
			}
		} else if err != nil {
			if !c.Each {
				return Result{}, within(err, "scores", i)
			}
			one.Error = err.Error()
		} else {
			one.Version = put.Version
		}
		res.Cells = append(res.Cells, one)
	}
	if err := all.orNil(); err != nil && !c.Each {
		return Result{}, err
	}
	res.Version = course.Version
	return res, nil
}

// writeCell checks one cell and writes it. It changes nothing when it returns
// an error, so that a caller may go on with the next cell.
func (d *draft) writeCell(c *course, where *finder, cell CellScore, why string) (*Score, error) {
	r, a, err := where.find(c, cell.Cell)
	if err != nil {
		return nil, err
	}
	status, err := checkEntry(cell.Points, cell.Status)
	if err != nil {
		return nil, err
	}
	before := c.rows[r].at(a)
	next := Score{Status: status, By: d.meta.By, ByName: d.meta.ByName, At: d.meta.At, Version: 1}
	if cell.Points != nil {
		points := *cell.Points // the caller's variable must not reach into the book
		next.Points = &points
	}
	var current Score
	if before != nil {
		current = *before
		next.Comment, next.Version = before.Comment, before.Version+1
	}
	if cell.Comment != nil {
		if next.Comment, err = text("comment", *cell.Comment); err != nil {
			return nil, err
		}
	}
	if cell.Base != nil && *cell.Base != current.Version {
		next.Version = 0 // it never became one
		return nil, &ConflictError{Course: c.ID, Current: current, remember: true, Cells: []CellConflict{{
			Cell: cell.Cell, Base: *cell.Base, Current: current, Wanted: next,
		}}}
	}
	d.setCell(c, r, a, &next)
	d.record(c, Event{Student: cell.Student, Assignment: cell.Assignment, Before: before, After: &next, Why: why})
	return &next, nil
}

// score returns what is in a cell; nil if nothing is, or there is no such cell.
func (c *course) score(cell Cell) *Score {
	r, a, err := (*finder)(nil).find(c, cell)
	if err != nil {
		return nil
	}
	return c.rows[r].at(a)
}

// finder finds the places of cells. A nil finder looks through the lists, which
// is fastest for one cell; newFinder indexes them, which pays from a few dozen.
type finder struct{ rows, columns map[string]int }

func newFinder(c *course) *finder {
	f := &finder{rows: make(map[string]int, len(c.Enrollments)), columns: make(map[string]int, len(c.Assignments))}
	for i := range c.Enrollments {
		f.rows[c.Enrollments[i].Student] = i
	}
	for i := range c.Assignments {
		f.columns[c.Assignments[i].ID] = i
	}
	return f
}

func (f *finder) find(c *course, cell Cell) (row, column int, err error) {
	if f == nil {
		if row, err = c.student(cell.Student); err != nil {
			return 0, 0, err
		}
		column, err = c.assignment(cell.Assignment)
		return row, column, err
	}
	row, ok := f.rows[cell.Student]
	if !ok {
		return 0, 0, &NotFoundError{What: "student in this course", ID: cell.Student}
	}
	if column, ok = f.columns[cell.Assignment]; !ok {
		return 0, 0, &NotFoundError{What: "assignment", ID: cell.Assignment}
	}
	return row, column, nil
}
