package exchange

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/distributedgo/rollcall/services/grading/gradebook"
)

// Compare works out what a sheet would change in a course. It is pure: the
// same sheet and table give the same diff.
func Compare(sheet *Sheet, table gradebook.Gradebook, opt Options) *Diff {
	c := &comparison{
		Diff: &Diff{
			Course: table.ID, Source: opt.Source, Basis: table.Version, Unlisted: sheet.Unlisted,
			NewSections: []gradebook.ImportSection{}, NewCategories: []gradebook.ImportCategory{},
			NewAssignments: []gradebook.ImportAssignment{}, NewStudents: []gradebook.ImportStudent{},
			Changes: []CellChange{}, Skipped: []Skipped{}, Notes: []Fault{},
			Faults: append([]Fault{}, sheet.Faults...),
		},
		sheet: sheet, table: table, opt: opt, people: newPeople(table, opt.Roster),
		rows: make(map[string]*gradebook.Row, len(table.Rows)),
	}
	for i := range table.Rows {
		c.rows[table.Rows[i].Student.ID] = &table.Rows[i]
	}
	columns := c.columns()
	for _, line := range sheet.Lines {
		if student, row, ok := c.student(line); ok {
			c.cells(line, student, row, columns)
		}
	}
	if len(c.Changes) > gradebook.MaxCells {
		c.note(0, "", "", fmt.Sprintf("the file changes %d cells; at most %d can be applied at once: split it", len(c.Changes), gradebook.MaxCells))
	}
	slices.SortStableFunc(c.Faults, func(a, b Fault) int { return cmp.Compare(a.Row, b.Row) })
	return c.Diff
}

// comparison is a Diff in the making.
type comparison struct {
	*Diff
	sheet  *Sheet
	table  gradebook.Gradebook
	opt    Options
	people *people
	rows   map[string]*gradebook.Row // of the course, by student id
}

// target is the assignment a column of the file is about; id is empty when it
// is about none.
type target struct{ id, title string }

// cells compares one line with the student's row, which is nil for a student
// who is new to the course.
func (c *comparison) cells(line Line, student string, row *gradebook.Row, columns []target) {
	for i, e := range line.Entries {
		if e.Blank() || columns[i].id == "" {
			continue
		}
		var before *gradebook.Score
		if row != nil {
			if s, ok := row.Scores[columns[i].id]; ok {
				before = &s
			}
		}
		after, changed := e.over(before)
		if !changed {
			c.Unchanged++
			continue
		}
		c.Changes = append(c.Changes, CellChange{
			Cell: gradebook.Cell{Assignment: columns[i].id, Student: student},
			Name: line.Name(), Title: columns[i].title, Row: line.Row, Before: before, After: after,
		})
	}
}

// over returns what a cell becomes when an entry is put over it. What the file
// can't say is kept: a comment, and that the work was late or is incomplete.
func (e Entry) over(before *gradebook.Score) (after Value, changed bool) {
	if before == nil {
		before = &gradebook.Score{}
	}
	after = Value{Comment: before.Comment, Status: gradebook.Excused}
	if e.Excused {
		return after, before.Status != gradebook.Excused
	}
	if before.Points != nil && *before.Points == *e.Points {
		return Value{Points: before.Points, Status: before.Status, Comment: before.Comment}, false
	}
	after.Points, after.Status = e.Points, gradebook.Graded
	if before.Status == gradebook.Late || before.Status == gradebook.Incomplete {
		after.Status = before.Status
	}
	return after, true
}

func (c *comparison) fault(row int, column, value, reason string) {
	c.Faults = append(c.Faults, newFault(row, column, 0, value, reason))
}

func (c *comparison) note(row int, column, value, reason string) {
	c.Notes = append(c.Notes, newFault(row, column, 0, value, reason))
}
