package grading

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/distributedgo/rollcall/services/grading/gradebook"
)

// What a caller sends comes back in an answer, and answers are remembered in
// every snapshot: nothing that is sent may make one that can't be read again.
func TestNoAnswerSpoilsTheSnapshot(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("<", maxAnswer+1)
	p, base := gradebook.Whole(1), uint64(9)
	comment := strings.Repeat("<", gradebook.MaxText)
	var each []gradebook.CellScore
	for i := range shortCells {
		each = append(each, gradebook.CellScore{Cell: gradebook.Cell{Assignment: fmt.Sprint("a", i+1), Student: "s1"}, Points: &p, Base: &base})
	}
	f := newFSM(noLog, remembered)
	school(t, f)
	for i, c := range []gradebook.Change{
		gradebook.ApplyImport{Course: "c1", Source: long},
		gradebook.SetScores{Course: "c1", Each: true, Scores: []gradebook.CellScore{{Cell: gradebook.Cell{Assignment: long, Student: "s1"}, Points: &p}}},
		gradebook.SetScores{Course: "c1", Each: true, Scores: []gradebook.CellScore{{Cell: gradebook.Cell{Assignment: "a1", Student: long}, Points: &p}}},
		gradebook.SetScore{Course: "c1", Assignment: "a1", Student: long, Points: &p},
		gradebook.CreateCourse{Title: long},
		gradebook.UpdateAccount{Account: long},
	} {
		key := fmt.Sprint("long", i)
		first := give(t, f, 10+uint64(i), line(t, key, c, anHour, admin))[0]
		again := give(t, f, 30+uint64(i), line(t, key, c, anHour, admin))[0]
		if (first.Fault == nil) != (again.Fault == nil) || first.Fault != nil && first.Fault.Code != again.Fault.Code || len(first.Result.Cells) != len(again.Result.Cells) {
			t.Errorf("%s: first %.200v, again %.200v", c.Kind(), first, again)
		}
	}
	// The longest answer that is kept cell by cell.
	for i := range shortCells {
		give(t, f, 50+uint64(i), line(t, fmt.Sprint("a", i), gradebook.AddAssignment{Course: "c1", Title: fmt.Sprint(i), Possible: p}, anHour, admin),
			line(t, fmt.Sprint("s", i), gradebook.SetScore{Course: "c1", Assignment: fmt.Sprint("a", i+1), Student: "s1", Points: &p, Comment: &comment}, anHour, admin))
	}
	if out := give(t, f, 100, line(t, "most", gradebook.SetScores{Course: "c1", Each: true, Scores: each}, anHour, admin))[0]; out.Result.Cells[0].Current == nil {
		t.Fatalf("the cells were not refused: %.300v", out)
	}
	if _, _, _, err := readSnapshot(bytes.NewReader(write(t, f)), remembered); err != nil {
		t.Fatalf("the snapshot can't be read again: %v", err)
	}
}
