package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/distributedgo/rollcall/services/grading"
	"github.com/distributedgo/rollcall/services/grading/gradebook"
)

type coursesCommand struct {
	conn
	JSON  bool `help:"Print JSON."`
	Codes bool `help:"Print the codes only, one a line."`
}

// Run lists the courses.
func (l *coursesCommand) Run(ctx context.Context, c *console) error {
	client, err := l.grades(c)
	if err != nil {
		return err
	}
	all, err := client.Courses(ctx)
	if err != nil {
		return err
	}
	switch {
	case l.JSON:
		return printJSON(c.out, all)
	case l.Codes:
		for _, course := range all {
			fmt.Fprintln(c.out, plain(course.Code))
		}
		return nil
	}
	now := time.Now()
	t := newTable(c.out, "ID", "CODE", "TITLE", "TERM", "STUDENTS", "ASSIGNMENTS", "AVERAGE", "TO GRADE", "CHANGED")
	for _, course := range all {
		average, changed := "", ""
		if course.Average != nil {
			average = *course.Average
		}
		if course.LastChange != nil {
			changed = ago(*course.LastChange, now)
		}
		t.row(course.ID, course.Code, course.Title, course.Term, strconv.Itoa(course.Students), strconv.Itoa(course.Assignments),
			average, strconv.Itoa(course.ToGrade), changed)
	}
	return t.flush()
}

type listCommand struct {
	conn
	Course  string `arg:"" help:"Id, code or title of the course."`
	Section string `placeholder:"NAME" help:"Only this section."`
	Student string `placeholder:"WHO" help:"One student's scores: id, number, login or name."`
	Scores  bool   `help:"A column for each assignment."`
	JSON    bool   `help:"Print the gradebook as JSON."`
}

// Run shows a course.
func (l *listCommand) Run(ctx context.Context, c *console) error {
	client, err := l.grades(c)
	if err != nil {
		return err
	}
	course, err := courseNamed(ctx, client, l.Course)
	if err != nil {
		return err
	}
	book, err := client.Gradebook(ctx, course.ID, "")
	if err != nil {
		return err
	}
	if l.Section != "" {
		section, err := pick("--section", l.Section, book.Course.Sections, "give the name of one of the course's sections",
			func(s gradebook.Section) []string { return []string{s.ID, s.Name} })
		if err != nil {
			return err
		}
		book.Rows = slices.DeleteFunc(book.Rows, func(r gradebook.Row) bool { return r.Section != section.ID })
	}
	if l.Student != "" {
		row, err := pick("--student", l.Student, book.Rows, "give the id, number, login or name of a student of this course",
			func(r gradebook.Row) []string { return studentNames(r.Student) })
		if err != nil {
			return err
		}
		book.Rows = []gradebook.Row{row}
	}
	switch {
	case l.JSON:
		return printJSON(c.out, book)
	case l.Student != "":
		return printStudent(c.out, book.Course, book.Rows[0])
	}
	return printBook(c.out, book, l.Scores)
}

// printBook prints a row a student.
func printBook(w io.Writer, book gradebook.Gradebook, scores bool) error {
	sections := map[string]string{}
	for _, s := range book.Course.Sections {
		sections[s.ID] = s.Name
	}
	head := []string{"NUMBER", "STUDENT", "SECTION", "CURRENT", "FINAL", "LETTER"}
	if scores {
		for _, a := range book.Course.Assignments {
			head = append(head, a.Title)
		}
	}
	t := newTable(w, head...)
	for _, r := range book.Rows {
		section := sections[r.Section]
		if r.Enrollment == gradebook.Withdrawn {
			section += " (withdrawn)"
		}
		row := []string{r.Student.Number, r.Student.Last + ", " + r.Student.First, section, percent(r.Current), percent(r.Final), r.Current.Letter}
		if scores {
			for _, a := range book.Course.Assignments {
				s := r.Scores[a.ID]
				row = append(row, scoreText(&s))
			}
		}
		t.row(row...)
	}
	return t.flush()
}

// printStudent prints a row an assignment.
func printStudent(w io.Writer, course gradebook.Course, r gradebook.Row) error {
	fmt.Fprintf(w, "%s in %s: current %s %s, final %s\n\n", plain(r.Student.Name()), plain(course.Title), percent(r.Current), r.Current.Letter, percent(r.Final))
	t := newTable(w, "ASSIGNMENT", "SCORE", "POSSIBLE", "VERSION", "BY", "AT", "COMMENT")
	for _, a := range course.Assignments {
		s := r.Scores[a.ID]
		version := ""
		if s.Version > 0 {
			version = strconv.FormatUint(s.Version, 10)
		}
		t.row(a.Title, scoreText(&s), a.Possible.String(), version, s.ByName, stamp(s.At), s.Comment)
	}
	return t.flush()
}

func percent(t gradebook.Total) string {
	if t.Percent == nil {
		return ""
	}
	return *t.Percent + " %"
}

type historyCommand struct {
	conn
	Course     string `arg:"" help:"Id, code or title of the course."`
	Student    string `placeholder:"WHO" help:"Only changes to this student: id, number, login or name."`
	Assignment string `placeholder:"WHAT" help:"Only changes to this assignment: id or title."`
	By         string `placeholder:"ACCOUNT" help:"Only changes by this account id."`
	Limit      int    `default:"50" help:"At most so many, 1 to 1000."`
	JSON       bool   `help:"Print JSON."`
}

func (h *historyCommand) check(f *faults) {
	h.conn.check(f)
	if h.Limit < 1 || h.Limit > 1000 {
		f.add("--limit", strconv.Itoa(h.Limit), "give 1 to 1000")
	}
}

// Run shows the newest part of a course's history.
func (h *historyCommand) Run(ctx context.Context, c *console) error {
	client, err := h.grades(c)
	if err != nil {
		return err
	}
	course, err := courseNamed(ctx, client, h.Course)
	if err != nil {
		return err
	}
	assignments, err := client.Assignments(ctx, course.ID)
	if err != nil {
		return err
	}
	students, err := client.Students(ctx, course.ID)
	if err != nil {
		return err
	}
	filter := grading.HistoryFilter{By: h.By, Limit: h.Limit}
	if h.Assignment != "" {
		a, err := assignmentNamed(assignments, h.Assignment)
		if err != nil {
			return err
		}
		filter.Assignment = a.ID
	}
	if h.Student != "" {
		s, err := pick("--student", h.Student, students, "give the id, number, login or name of a student of this course",
			func(s grading.CourseStudent) []string { return studentNames(s.Student) })
		if err != nil {
			return err
		}
		filter.Student = s.ID
	}
	page, err := client.History(ctx, course.ID, filter)
	if err != nil {
		return err
	}
	if h.JSON {
		return printJSON(c.out, page)
	}
	titles, people := map[string]string{}, map[string]string{}
	for _, a := range assignments {
		titles[a.ID] = a.Title
	}
	for _, s := range students {
		people[s.ID] = s.Name()
	}
	t := newTable(c.out, "AT", "BY", "WHAT", "STUDENT", "ASSIGNMENT", "BEFORE", "AFTER", "WHY")
	for _, e := range page.Events {
		t.row(stamp(e.At), e.ByName, e.Kind, known(people, e.Student), known(titles, e.Assignment), scoreText(e.Before), scoreText(e.After), e.Why)
	}
	return t.flush()
}

// known returns the name of id, or id itself where no name is known.
func known(names map[string]string, id string) string {
	if n := names[id]; n != "" {
		return n
	}
	return id
}
