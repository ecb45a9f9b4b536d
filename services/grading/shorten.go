package grading

import "github.com/distributedgo/rollcall/services/grading/gradebook"

// shortCells is how many cells of a bulk write's answer are remembered one by
// one. A pasted column of thousands would make each memo larger than the
// scores it speaks of; for those the range of history lines is kept, which
// says the same.
const shortCells = 32

// shorten returns an outcome small enough to be remembered.
func shorten(out outcome) outcome {
	if len(out.Result.Cells) > shortCells {
		out.Result.Cells, out.Short = nil, true
	}
	if len(out.Result.IDs) > shortCells {
		out.Result.IDs = nil
	}
	if out.Fault != nil && len(out.Fault.Current) > 4096 {
		f := *out.Fault
		f.Current = nil
		out.Fault = &f
	}
	return out
}

// lengthen tells a shortened bulk answer again from the history: which cell
// came to which version, and which was refused because another write was
// first. The caller holds mu.
func (f *fsm) lengthen(out outcome) outcome {
	r := &out.Result
	if !out.Short {
		return out
	}
	for _, e := range f.book.Events(out.Course, r.First, r.Last) {
		if e.Assignment == "" || e.Student == "" || e.After == nil {
			continue
		}
		cell := gradebook.CellResult{Cell: gradebook.Cell{Assignment: e.Assignment, Student: e.Student}, Version: e.After.Version}
		if e.Kind == gradebook.KindRefused {
			cell.Error, cell.Current = "another write came first", e.Before
			if e.Before != nil {
				cell.Version = e.Before.Version
			}
		}
		r.Cells = append(r.Cells, cell)
	}
	return out
}

// bulkCourse returns the course of a bulk write, and nothing for other changes.
func bulkCourse(c gradebook.Change) string {
	if c, ok := c.(gradebook.SetScores); ok {
		return c.Course
	}
	return ""
}
