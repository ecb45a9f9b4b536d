package grading

import (
	"testing"

	"github.com/distributedgo/rollcall/services/grading/gradebook"
)

// classroom makes a course with one assignment and one student and returns
// their ids.
func classroom(t testing.TB, c *Client) (course, assignment, student string) {
	t.Helper()
	ctx := asAdmin(t.Context())
	made, err := c.CreateCourse(ctx, NewCourse{Title: "Biology"})
	if err != nil {
		t.Fatal(err)
	}
	a, err := c.AddAssignment(ctx, made.ID, NewAssignment{Title: "Cells", Possible: gradebook.Whole(1000)})
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.AddStudent(ctx, made.ID, NewStudent{First: "Ada", Last: "Byron"})
	if err != nil {
		t.Fatal(err)
	}
	return made.ID, a.ID, s.ID
}

func points(n int64) ScoreEntry {
	p := gradebook.Whole(n)
	return ScoreEntry{Points: &p}
}

func TestOneNodeFoundsAndGrades(t *testing.T) {
	t.Parallel()
	g := startGroup(t, 1)
	ctx, c := asAdmin(t.Context()), g.client()
	course, assignment, student := classroom(t, c)
	if _, err := c.SetScore(ctx, course, assignment, student, points(85), nil); err != nil {
		t.Fatal(err)
	}
	table, err := c.Gradebook(ctx, course, "")
	if err != nil {
		t.Fatal(err)
	}
	if got := table.Rows[0].Scores[assignment]; got.Points.String() != "85" || got.Version != 1 || got.ByName != "admin token" {
		t.Fatalf("got %+v", got)
	}
}

func TestFiveNodesJoinVoteAndAgree(t *testing.T) {
	t.Parallel()
	g := startGroup(t, 5)
	ctx := asAdmin(t.Context())
	course, assignment, student := classroom(t, g.follower().client())
	for i, m := range g.all() {
		score, err := m.client().SetScore(ctx, course, assignment, student, points(int64(i)), nil)
		if err != nil {
			t.Fatalf("%s: %v", m.id, err)
		}
		for _, reader := range g.all() {
			got, err := reader.client().Score(ctx, course, assignment, student)
			if err != nil || got.Version != score.Version || got.Points.String() != score.Points.String() {
				t.Fatalf("written through %s, read through %s: %+v, %v; want %+v", m.id, reader.id, got, err, score)
			}
		}
	}
}
