package nodetest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/distributedgo/rollcall/node/httpapi"
	"github.com/distributedgo/rollcall/node/identity"
	"github.com/distributedgo/rollcall/services/grading"
	"github.com/distributedgo/rollcall/services/grading/gradebook"
)

// attemptTime bounds one request of Insist and of a Load. It is longer than
// the gradebook waits for a leader, so that a refusal arrives as one.
const attemptTime = 8 * time.Second

// School is one course to write into.
type School struct {
	Course      string
	Assignments []string
	Students    []string
}

// School creates a course with so many assignments and students.
func (c *Cluster) School(assignments, students int) School {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	var s School
	must := func(err error) {
		c.t.Helper()
		if err != nil {
			c.t.Fatal(err)
		}
	}
	must(c.Insist(ctx, func(ctx context.Context, g *grading.Client) error {
		course, err := g.CreateCourse(ctx, grading.NewCourse{Title: "Course " + identity.NewID()})
		s.Course = course.ID
		return err
	}))
	for i := range assignments {
		must(c.Insist(ctx, func(ctx context.Context, g *grading.Client) error {
			a, err := g.AddAssignment(ctx, s.Course, grading.NewAssignment{Title: fmt.Sprintf("Quiz %d", i+1), Possible: *Points(100)})
			if err == nil {
				s.Assignments = append(s.Assignments, a.ID)
			}
			return err
		}))
	}
	for i := range students {
		must(c.Insist(ctx, func(ctx context.Context, g *grading.Client) error {
			st, err := g.AddStudent(ctx, s.Course, grading.NewStudent{First: "Ada", Last: fmt.Sprintf("No %d", i+1), Number: identity.NewID()})
			if err == nil {
				s.Students = append(s.Students, st.ID)
			}
			return err
		}))
	}
	return s
}

// Points returns n whole points, as requests have them.
func Points(n int64) *gradebook.Points {
	p := gradebook.Points(n * 10_000)
	return &p
}

// Insist makes a call under one idempotency key until it is answered, by one
// running node after the other, as a good client does. It returns the refusal,
// if the answer is one.
func (c *Cluster) Insist(ctx context.Context, call func(context.Context, *grading.Client) error) error {
	ctx = grading.WithKey(ctx, identity.NewID())
	for try := 0; ; try++ {
		running := c.Running()
		if len(running) == 0 {
			return errors.New("no node runs")
		}
		limit, cancel := context.WithTimeout(ctx, attemptTime)
		err := call(limit, c.Grades(running[try%len(running)]))
		cancel()
		if err == nil || !Again(err) || ctx.Err() != nil {
			return err
		}
	}
}

// Again reports whether a call with this error should be made again, under the
// same key: it had no answer, or one that says that the cluster could not.
func Again(err error) bool {
	p, answered := errors.AsType[*httpapi.Problem](err)
	return !answered || p.Status == http.StatusServiceUnavailable || p.Status == http.StatusGatewayTimeout || p.Status == http.StatusBadGateway
}

// Write sets a score once, through a node, and waits no longer than limit.
func (c *Cluster) Write(name string, s School, points int64, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	_, err := c.Grades(name).SetScore(ctx, s.Course, s.Assignments[0], s.Students[0], grading.ScoreEntry{Points: Points(points)}, nil)
	return err
}
