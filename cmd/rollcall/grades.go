package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/distributedgo/rollcall/services/grading"
	"github.com/distributedgo/rollcall/services/grading/gradebook"
)

// gradesCommand is the gradebook from a terminal. Courses, assignments and
// students may be named as people name them (a code, a title, a number) or by
// their ids.
type gradesCommand struct {
	Courses coursesCommand `cmd:"" help:"List the courses you may see."`
	List    listCommand    `cmd:"" help:"Show a course's students with their totals, or one student's scores."`
	Set     setCommand     `cmd:"" help:"Write one score."`
	Create  createCommand  `cmd:"" help:"Make a course."`
	Import  importCommand  `cmd:"" help:"Read scores from a Canvas CSV file: shows what would change, then changes it."`
	Export  exportCommand  `cmd:"" help:"Write a course as a Canvas CSV file."`
	History historyCommand `cmd:"" help:"Show who changed what, newest first."`
}

// grades returns a client of the gradebook.
func (c *conn) grades(con *console) (*grading.Client, error) {
	rt, err := c.dial(con)
	if err != nil {
		return nil, err
	}
	return grading.NewClient(rt, anyNode), nil
}

// courseNamed finds the course that a person means by an id, a code or a title.
func courseNamed(ctx context.Context, client *grading.Client, name string) (grading.CourseSummary, error) {
	all, err := client.Courses(ctx)
	if err != nil {
		return grading.CourseSummary{}, err
	}
	return pick("COURSE", name, all, "list them with `rollcall grades courses`", func(c grading.CourseSummary) []string {
		return []string{c.ID, c.Code, c.Title}
	})
}

// assignmentNamed finds an assignment of a course by id or title.
func assignmentNamed(all []gradebook.Assignment, name string) (gradebook.Assignment, error) {
	return pick("ASSIGNMENT", name, all, "see the columns of `rollcall grades list COURSE --scores`", func(a gradebook.Assignment) []string {
		return []string{a.ID, a.Title}
	})
}

// studentNames are all the ways in which a student is named.
func studentNames(s gradebook.Student) []string {
	return []string{s.ID, s.Number, s.Login, s.First + " " + s.Last, s.Last + ", " + s.First}
}

// pick returns the one of all that name means. An id is exact and always
// wins; other names do not mind capitals, but must mean one thing only.
func pick[T any](field, name string, all []T, remedy string, names func(T) []string) (T, error) {
	var found []T
	var none T
	for _, x := range all {
		for i, n := range names(x) {
			if i == 0 && n == name {
				return x, nil
			}
			if n != "" && strings.EqualFold(n, name) {
				found = append(found, x)
				break
			}
		}
	}
	switch len(found) {
	case 0:
		return none, usagef("%s: %q: there is none of this name; %s", field, name, remedy)
	case 1:
		return found[0], nil
	}
	ids := make([]string, len(found))
	for i, x := range found {
		ids[i] = names(x)[0]
	}
	return none, usagef("%s: %q: %d have this name; give one of the ids %s", field, name, len(found), strings.Join(ids, ", "))
}

// scoreText shows a score as teachers write it.
func scoreText(s *gradebook.Score) string {
	switch {
	case s == nil || (s.Points == nil && s.Status == ""):
		return ""
	case s.Status == gradebook.Excused:
		return "EX"
	case s.Points == nil:
		return string(s.Status)
	case s.Status == gradebook.Graded:
		return s.Points.String()
	}
	return fmt.Sprintf("%s (%s)", s.Points, s.Status)
}
