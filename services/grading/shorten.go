package grading

import (
	"slices"
	"strings"

	"github.com/distributedgo/rollcall/services/grading/gradebook"
)

// shortCells is how many cells of a bulk write's answer are remembered one by
// one. A pasted column of thousands would make each memo larger than the
// scores it speaks of; for those the range of history lines is kept, which
// says the same.
const shortCells = 32

// shorten returns an outcome small enough to be remembered: its JSON has at
// most maxAnswer bytes, whatever the caller sent. A refusal repeats what was
// refused, and that may be as long as a request.
func shorten(out outcome) outcome {
	if len(out.Result.Cells) > shortCells {
		out.Result.Cells, out.Short = nil, true
	}
	out.Result.Cells = slices.Clone(out.Result.Cells)
	for i := range out.Result.Cells {
		c := &out.Result.Cells[i]
		c.Assignment, c.Student = clip(c.Assignment), clip(c.Student)
	}
	if len(out.Result.IDs) > shortCells {
		out.Result.IDs = nil
	}
	if out.Fault != nil {
		f := *out.Fault
		f.Text, f.Value = clip(f.Text), clip(f.Value)
		if len(f.Current) > 4096 {
			f.Current = nil
		}
		out.Fault = &f
	}
	return out
}

// clip keeps a text short that says what was sent.
func clip(s string) string {
	const most = 400
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
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
