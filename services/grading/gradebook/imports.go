package gradebook

import (
	"errors"
	"fmt"
	"strings"
)

// ApplyImport makes everything a file brought into a course, as one change:
// what is new, and the cells that differ. New things have keys that begin with
// "+", and are referred to by them, because their ids are only known when the
// change is made.
//
// What a person saw in a preview is what is made. Basis is the Course.Version
// the preview was worked out from. The import is a conflict when since then
// one of its cells was written or anything of the course but scores was
// changed; other cells may have changed.
type ApplyImport struct {
	Course      string             `json:"course"`
	Source      string             `json:"source,omitempty"` // for the history: the file's name
	Basis       *uint64            `json:"basis,omitempty"`
	Sections    []ImportSection    `json:"sections,omitempty"`
	Categories  []ImportCategory   `json:"categories,omitempty"`
	Assignments []ImportAssignment `json:"assignments,omitempty"`
	Students    []ImportStudent    `json:"students,omitempty"`
	Scores      []ImportScore      `json:"scores,omitempty"`
}

// ImportSection is a new section.
type ImportSection struct {
	Key  string `json:"key"`
	Name string `json:"name"`
}

// ImportCategory is a new category.
type ImportCategory struct {
	Key    string `json:"key"`
	Name   string `json:"name"`
	Weight Points `json:"weight"`
}

// ImportAssignment is a new assignment; it is published, since it has scores.
type ImportAssignment struct {
	Key      string `json:"key"`
	Title    string `json:"title"`
	Category string `json:"category,omitempty"` // id or key; default as in AddAssignment
	Possible Points `json:"possible"`
	External string `json:"external,omitempty"`
}

// ImportStudent is a student new to the course: one the school has (Student)
// or one it does not have yet.
type ImportStudent struct {
	Key     string `json:"key"`
	Student string `json:"student,omitempty"`
	First   string `json:"first,omitempty"`
	Last    string `json:"last,omitempty"`
	Number  string `json:"number,omitempty"`
	Login   string `json:"login,omitempty"`
	Section string `json:"section,omitempty"` // id or key; default as in AddStudent
}

// ImportScore is one cell; assignment and student are ids or keys. A comment
// that is there is kept.
type ImportScore struct {
	Cell
	Points *Points `json:"points"`
	Status Status  `json:"status,omitempty"`
	Base   *uint64 `json:"base,omitempty"`
}

func (ApplyImport) Kind() string { return "applyImport" }

func (c ApplyImport) apply(d *draft) (Result, error) {
	course, err := d.editCourse(c.Course)
	if err != nil {
		return Result{}, err
	}
	source, err := line("source", c.Source, false)
	if err != nil {
		return Result{}, err
	}
	if len(c.Scores) > MaxCells {
		return Result{}, &InvalidError{Field: "scores", Value: fmt.Sprint(len(c.Scores)), Remedy: fmt.Sprintf("import at most %d cells at once", MaxCells)}
	}
	if err := c.checkBasis(course); err != nil {
		return Result{}, err
	}
	ids, err := c.create(d, course)
	if err != nil {
		return Result{}, err
	}
	if err := c.write(d, course, ids, source); err != nil {
		return Result{}, err
	}
	return Result{ID: course.ID, IDs: ids, Version: course.Version}, nil
}

// checkBasis looks at what happened in the course since the preview.
func (c ApplyImport) checkBasis(course *course) error {
	if c.Basis == nil {
		return nil
	}
	touched := make(map[Cell]Score, len(c.Scores))
	for _, s := range c.Scores {
		touched[s.Cell] = Score{Points: s.Points, Status: s.Status}
	}
	conflict := &ConflictError{Course: course.ID}
	for i := len(course.events) - 1; i >= 0 && course.events[i].Seq > *c.Basis; i-- {
		e := &course.events[i]
		if e.Kind == KindRefused {
			continue
		}
		if e.After == nil {
			return &ConflictError{Course: course.ID, Reason: "the course was changed since the preview (" + e.Kind + "): look at a new preview and decide again"}
		}
		cell := Cell{e.Assignment, e.Student}
		wanted, ok := touched[cell]
		if !ok {
			continue
		}
		delete(touched, cell)
		var base uint64
		if e.Before != nil {
			base = e.Before.Version
		}
		conflict.Cells = append(conflict.Cells, CellConflict{Cell: cell, Base: base, Current: *e.After, Wanted: wanted})
	}
	return conflict.orNil()
}

// create makes what is new, and returns the ids the keys became.
func (c ApplyImport) create(d *draft, course *course) (map[string]string, error) {
	ids := make(map[string]string)
	note := func(list string, i int, key, id string, err error) error {
		if err != nil {
			return within(err, list, i)
		}
		if !strings.HasPrefix(key, "+") || ids[key] != "" {
			return within(&InvalidError{Field: "key", Value: key, Remedy: "give each new thing its own key that begins with +"}, list, i)
		}
		ids[key] = id
		return nil
	}
	for i, s := range c.Sections {
		id, err := d.addSection(course, s.Name)
		if err := note("sections", i, s.Key, id, err); err != nil {
			return nil, err
		}
	}
	for i, g := range c.Categories {
		id, err := d.addCategory(course, g.Name, g.Weight)
		if err := note("categories", i, g.Key, id, err); err != nil {
			return nil, err
		}
	}
	for i, a := range c.Assignments {
		id, err := d.addAssignment(course, AddAssignment{
			Title: a.Title, Category: resolve(ids, a.Category), Possible: a.Possible, External: a.External, Published: true,
		})
		if err := note("assignments", i, a.Key, id, err); err != nil {
			return nil, err
		}
	}
	if len(c.Students) == 0 {
		return ids, nil
	}
	byNumber := make(map[string]string, len(d.students)+len(c.Students))
	for _, s := range d.students {
		if s.Number != "" {
			byNumber[s.Number] = s.ID
		}
	}
	for i, s := range c.Students {
		id, err := d.addStudent(course, AddStudent{
			Student: s.Student, First: s.First, Last: s.Last, Number: s.Number, Login: s.Login, Section: resolve(ids, s.Section),
		}, byNumber)
		if err := note("students", i, s.Key, id, err); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// write writes the cells; any that can't be refuses the import.
func (c ApplyImport) write(d *draft, course *course, ids map[string]string, source string) error {
	where := newFinder(course)
	conflict := &ConflictError{Course: course.ID}
	for i, s := range c.Scores {
		cell := Cell{Assignment: resolve(ids, s.Assignment), Student: resolve(ids, s.Student)}
		_, err := d.writeCell(course, where, CellScore{Cell: cell, Points: s.Points, Status: s.Status, Base: s.Base}, source)
		if other, ok := errors.AsType[*ConflictError](err); ok {
			conflict.Cells = append(conflict.Cells, other.Cells...)
		} else if err != nil {
			return within(err, "scores", i)
		}
	}
	return conflict.orNil()
}

// orNil returns the conflict as an error if it has cells.
func (e *ConflictError) orNil() error {
	if len(e.Cells) == 0 {
		return nil
	}
	e.Current = e.Cells[0].Current
	return e
}

func resolve(ids map[string]string, ref string) string {
	if id, ok := ids[ref]; ok {
		return id
	}
	return ref
}
