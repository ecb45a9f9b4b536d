package nodetest_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"github.com/distributedgo/rollcall/node/identity"
	"github.com/distributedgo/rollcall/node/nodetest"
	"github.com/distributedgo/rollcall/services/grading"
	"github.com/distributedgo/rollcall/services/grading/exchange"
)

// importMeetsNewLeader: the leader dies while it takes a file of some hundred
// students. The client sends the file again under its key until it is told;
// each cell was then written once, and at no moment is a part of the file there.
func importMeetsNewLeader(t *testing.T, c *nodetest.Cluster) {
	const students, columns = 300, 4
	s := c.School(0, 0)
	file := canvas(students, columns)
	leader := c.Leader()
	key := identity.NewID()
	type result struct {
		diff *exchange.Diff
		err  error
	}
	done := make(chan result, 1)
	run := func() result {
		var r result
		r.err = c.Insist(t.Context(), func(ctx context.Context, g *grading.Client) (err error) {
			r.diff, err = g.ImportCanvas(grading.WithKey(ctx, key), s.Course, grading.ImportRequest{File: file, Source: "big.csv"})
			return err
		})
		return r
	}
	index := c.Node(leader).Grading().Index
	go func() { done <- run() }()
	c.Eventually(nodetest.Patience, func() error { // it is under way, or over
		if c.Node(leader).Grading().Index > index || len(done) > 0 {
			return nil
		}
		return fmt.Errorf("nothing happens at %s", leader)
	})
	c.Kill(leader)
	for running := true; running; {
		select {
		case r := <-done:
			if r.err != nil || !r.diff.Applied {
				t.Fatalf("import: %+v, %v", r.diff, r.err)
			}
			running = false
		default:
			book, err := c.Grades(c.Running()[0]).Gradebook(t.Context(), s.Course, "")
			if err == nil && len(book.Rows) != 0 && len(book.Rows) != students {
				t.Fatalf("a part of the file is there: %d of %d students", len(book.Rows), students)
			}
		}
	}
	if r := run(); r.err != nil || !r.diff.Applied {
		t.Fatalf("the same import again: %+v, %v", r.diff, r.err)
	}
	c.Launch(leader)
	c.Eventually(nodetest.Patience, c.Whole)
	for _, name := range c.Running() {
		book, err := c.Grades(name).Gradebook(t.Context(), s.Course, "")
		if err != nil {
			t.Fatal(err)
		}
		if len(book.Rows) != students || len(book.Assignments) != columns {
			t.Errorf("%s has %d students and %d assignments, want %d and %d", name, len(book.Rows), len(book.Assignments), students, columns)
		}
		for _, row := range book.Rows {
			for id, score := range row.Scores {
				if score.Version != 1 {
					t.Errorf("%s: %s of %s was written %d times", name, id, row.Student.ID, score.Version)
				}
			}
		}
	}
}

// canvas makes a Canvas CSV file.
func canvas(students, columns int) []byte {
	var b bytes.Buffer
	b.WriteString("Student,ID,SIS User ID,SIS Login ID,Section")
	for col := range columns {
		fmt.Fprintf(&b, ",Quiz %d (%d)", col+1, 9000+col)
	}
	b.WriteString("\n    Points Possible,,,,")
	for range columns {
		b.WriteString(",100")
	}
	for st := range students {
		fmt.Fprintf(&b, "\n\"No %d, Ada\",%d,S%d,ada%d,Blue", st, 5000+st, 70000+st, st)
		for col := range columns {
			fmt.Fprintf(&b, ",%d", (st*7+col*13)%101)
		}
	}
	b.WriteByte('\n')
	return b.Bytes()
}
