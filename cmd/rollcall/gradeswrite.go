package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/distributedgo/rollcall/services/grading"
	"github.com/distributedgo/rollcall/services/grading/gradebook"
)

type setCommand struct {
	conn
	Course     string  `arg:"" help:"Id, code or title of the course."`
	Assignment string  `arg:"" help:"Id or title of the assignment."`
	Student    string  `arg:"" help:"Id, number, login or name of the student."`
	Points     string  `arg:"" optional:"" help:"Points such as 85.5, EX for excused, or - to clear the cell."`
	Status     string  `placeholder:"STATUS" help:"graded, excused, missing, late or incomplete."`
	Comment    *string `placeholder:"TEXT" help:"A comment that the student sees; an empty one takes it away."`
	Why        string  `placeholder:"TEXT" help:"The reason, for the history."`
	Base       *uint64 `placeholder:"VERSION" help:"Refuse unless the cell is at this version, so that no colleague's change is overwritten."`
	JSON       bool    `help:"Print the new score as JSON."`
}

var statuses = []string{"graded", "excused", "missing", "late", "incomplete"}

func (s *setCommand) check(f *faults) {
	s.conn.check(f)
	if s.Status != "" && !slices.Contains(statuses, s.Status) {
		f.add("--status", s.Status, "give one of "+strings.Join(statuses, ", "))
	}
	if s.Points == "" && s.Status == "" {
		f.add("POINTS", "", "give points such as 85.5, EX for excused, - to clear the cell, or a --status")
	}
	if _, err := s.entry(); err != nil {
		f.add("POINTS", s.Points, "give a number with at most four decimals such as 85.5, EX, or -")
	}
}

// entry is the cell as it shall be.
func (s *setCommand) entry() (grading.ScoreEntry, error) {
	e := grading.ScoreEntry{Status: gradebook.Status(s.Status), Comment: s.Comment, Why: s.Why}
	switch {
	case s.Points == "" || s.Points == "-":
		return e, nil
	case strings.EqualFold(s.Points, "EX"):
		e.Status = gradebook.Excused
		return e, nil
	}
	p, err := gradebook.ParsePoints(s.Points)
	e.Points = &p
	return e, err
}

// Run writes one score.
func (s *setCommand) Run(ctx context.Context, c *console) error {
	client, err := s.grades(c)
	if err != nil {
		return err
	}
	course, err := courseNamed(ctx, client, s.Course)
	if err != nil {
		return err
	}
	assignments, err := client.Assignments(ctx, course.ID)
	if err != nil {
		return err
	}
	assignment, err := assignmentNamed(assignments, s.Assignment)
	if err != nil {
		return err
	}
	students, err := client.Students(ctx, course.ID)
	if err != nil {
		return err
	}
	student, err := pick("STUDENT", s.Student, students, "list them with `rollcall grades list COURSE`",
		func(x grading.CourseStudent) []string { return studentNames(x.Student) })
	if err != nil {
		return err
	}
	entry, err := s.entry()
	if err != nil {
		return usage(err)
	}
	score, err := client.SetScore(ctx, course.ID, assignment.ID, student.ID, entry, s.Base)
	if err != nil {
		return err
	}
	if s.JSON {
		return printJSON(c.out, score)
	}
	text := scoreText(&score)
	if text == "" {
		text = "ungraded"
	}
	_, err = fmt.Fprintf(c.out, "%s, %s: %s (version %d)\n", plain(assignment.Title), plain(student.Name()), text, score.Version)
	return err
}

type createCommand struct {
	conn
	Title    string   `placeholder:"TEXT" help:"What the course is called."`
	Code     string   `placeholder:"CODE" help:"A short code, as in MATH-7."`
	Term     string   `placeholder:"TEXT" help:"When it is held, as in Autumn 2026."`
	Weighted bool     `help:"Totals by the weights of categories, not by points."`
	Teacher  []string `placeholder:"ACCOUNT" help:"Its teachers: account ids or sign-in names."`
	From     string   `placeholder:"FILE" type:"path" help:"Take title, categories and assignments from a JSON file, as rollcall sample writes it."`
	JSON     bool     `help:"Print the course as JSON."`
}

func (n *createCommand) check(f *faults) {
	n.conn.check(f)
	if n.From == "" && n.Title == "" {
		f.add("--title", "", "give a title, or --from FILE")
	}
	if n.From != "" && (n.Title != "" || n.Code != "" || n.Term != "" || n.Weighted) {
		f.add("--from", n.From, "the file says title, code, term and weighted; leave those flags out")
	}
}

// Run makes a course and, from a file, its categories and assignments.
func (n *createCommand) Run(ctx context.Context, c *console) error {
	file := courseFile{Title: n.Title, Code: n.Code, Term: n.Term, Weighted: n.Weighted}
	if n.From != "" {
		b, err := os.ReadFile(n.From)
		if err != nil {
			return usagef("--from: %w", err)
		}
		if err := json.Unmarshal(b, &file); err != nil {
			return usagef("--from: %q: not a course as `rollcall sample` writes it: %w", n.From, err)
		}
	}
	plan, err := file.plan()
	if err != nil {
		return err
	}
	client, err := n.grades(c)
	if err != nil {
		return err
	}
	teachers, err := accountIDs(ctx, client, "--teacher", n.Teacher)
	if err != nil {
		return err
	}
	course, err := client.CreateCourse(ctx, grading.NewCourse{Title: file.Title, Code: file.Code, Term: file.Term, Weighted: file.Weighted, Teachers: teachers})
	if err != nil {
		return err
	}
	for _, group := range plan {
		category, err := client.AddCategory(ctx, course.ID, group.category)
		if err != nil {
			return fmt.Errorf("course %s, category %q: %w", course.ID, group.category.Name, err)
		}
		for _, a := range group.assignments {
			a.Category = category.ID
			if _, err := client.AddAssignment(ctx, course.ID, a); err != nil {
				return fmt.Errorf("course %s, assignment %q: %w", course.ID, a.Title, err)
			}
		}
	}
	if n.JSON {
		if course, err = client.Course(ctx, course.ID); err != nil {
			return err
		}
		return printJSON(c.out, course)
	}
	_, err = fmt.Fprintf(c.out, "made course %s, %s\n", course.ID, plain(course.Title))
	return err
}

// plannedGroup is one category of a file, checked, with its assignments.
type plannedGroup struct {
	category    grading.NewCategory
	assignments []grading.NewAssignment
}

// plan reads all numbers of the file first, so that a course is not left half
// made because of its last line.
func (f courseFile) plan() ([]plannedGroup, error) {
	var bad faults
	points := func(field, text string) gradebook.Points {
		p, err := gradebook.ParsePoints(text)
		if err != nil {
			bad.add(field, text, "give a number with at most four decimals, in quotes")
		}
		return p
	}
	var groups []plannedGroup
	for i, c := range f.Categories {
		field := fmt.Sprintf("categories[%d]", i)
		g := plannedGroup{category: grading.NewCategory{Name: c.Name}}
		if c.Weight != "" {
			g.category.Weight = points(field+".weight", c.Weight)
		}
		for j, a := range c.Assignments {
			due := a.Due
			n := grading.NewAssignment{Title: a.Title, Possible: points(fmt.Sprintf("%s.assignments[%d].possible", field, j), a.Possible)}
			if !due.IsZero() {
				n.Due = &due
			}
			g.assignments = append(g.assignments, n)
		}
		groups = append(groups, g)
	}
	return groups, bad.err()
}
