package grading

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/distributedgo/rollcall/node/httpapi"
	"github.com/distributedgo/rollcall/node/identity"
	"github.com/distributedgo/rollcall/services/grading/gradebook"
)

// The first import of a whole school year is one command, and by far the
// largest. It goes through whichever node takes it; what is too large even so
// is refused at once, by every node in the same words.
func TestLargestCommandsGoThroughAnyNode(t *testing.T) {
	t.Parallel()
	g := startGroup(t, 3)
	ctx := identity.With(t.Context(), admin)
	made, err := g.follower().service.change(ctx, gradebook.CreateCourse{Title: "All of a year"}, "")
	if err != nil {
		t.Fatal(err)
	}
	year := wholeYear(t, made.Result.ID)
	g.eventually(func() error { // a busy machine may not answer in time; then the same key is sent again
		_, err := g.follower().service.change(ctx, year, "year")
		return err
	})
	for _, m := range g.all() {
		_, err := m.service.change(ctx, gradebook.CreateCourse{Title: strings.Repeat("x", maxCommandBytes)}, "")
		if p, ok := errors.AsType[*httpapi.Problem](problemOf(err)); !ok || p.Status != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: a larger one got %.300v, want 413", m.id, err)
		}
	}
}

// wholeYear is an import of more bytes than would fit into one batch many
// times over; long keys stand in for a hundred thousand cells, which take a
// busy machine too long.
func wholeYear(t *testing.T, course string) gradebook.ApplyImport {
	t.Helper()
	const columns, rows = 25, 400
	p, pad := gradebook.Points(855000), strings.Repeat("x", 500)
	c := gradebook.ApplyImport{Course: course}
	for a := range columns {
		c.Assignments = append(c.Assignments, gradebook.ImportAssignment{Key: fmt.Sprintf("+a%d%s", a, pad), Title: fmt.Sprint("Test ", a), Possible: gradebook.Whole(100)})
	}
	for s := range rows {
		c.Students = append(c.Students, gradebook.ImportStudent{Key: fmt.Sprintf("+s%d%s", s, pad), Last: fmt.Sprint("Last ", s)})
		for a := range columns {
			c.Scores = append(c.Scores, gradebook.ImportScore{Cell: gradebook.Cell{Assignment: c.Assignments[a].Key, Student: c.Students[s].Key}, Points: &p})
		}
	}
	if b, err := gradebook.Encode(c); err != nil || len(b) < 10<<20 || len(b) > maxCommandBytes {
		t.Fatalf("the import has %d bytes, %v", len(b), err)
	}
	return c
}
