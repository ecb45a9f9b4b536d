package portal

import (
	"context"
	"math"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/distributedgo/rollcall/services/grading/gradebook"
)

type studentData struct {
	Name, Number string
	Teacher      bool
	Courses      []studentCourse
}

type studentCourse struct {
	ID, Title, Term string
	Withdrawn       bool
	Current, Final  total
	Categories      []studentCategory
}

type studentCategory struct {
	Name, Weight, Percent string
	Scores                []studentScore
}

type studentScore struct {
	Assignment, Title, Points, Comment string
	Possible                           gradebook.Points
	Published, Omitted                 bool
	Status                             *statusWord
	HasPart                            bool
	Part                               string // percent, for those who listen
	Width                              int    // percent, at most 100, for the bar
}

type statusWord struct{ Word, Tone string }

// student is the page of one student: their courses, by category. It is also
// the report card: the print sheet gives every course its own page.
func (s *Service) student(c echo.Context) error {
	ctx, cancel := context.WithTimeout(c.Request().Context(), patience)
	defer cancel()
	record, err := s.grades.Student(ctx, c.Param("student"))
	if err != nil {
		return err
	}
	d := studentData{Name: record.Name(), Number: record.Number, Teacher: teaches(caller(c))}
	for _, sc := range record.Courses {
		d.Courses = append(d.Courses, courseOf(sc))
	}
	return s.render(c, http.StatusOK, page{Name: "student", Title: record.Name(), Notices: s.standing(ctx), Data: d})
}

// courseOf arranges a row by category, in the course's order.
func courseOf(sc gradebook.StudentCourse) studentCourse {
	course := studentCourse{
		ID: sc.Course.ID, Title: sc.Course.Title, Term: sc.Course.Term,
		Withdrawn: sc.Row.Enrollment == gradebook.Withdrawn,
		Current:   totalOf(sc.Row.Current), Final: totalOf(sc.Row.Final),
	}
	percents := map[string]string{}
	for _, t := range sc.Row.Categories {
		if t.Current != nil {
			percents[t.Category] = *t.Current
		}
	}
	for _, g := range sc.Course.Categories {
		category := studentCategory{Name: g.Name, Percent: percents[g.ID]}
		if sc.Course.Weighted {
			category.Weight = g.Weight.String()
		}
		for _, a := range sc.Course.Assignments {
			if a.Category == g.ID {
				category.Scores = append(category.Scores, scoreOf(a, sc.Row.Scores[a.ID]))
			}
		}
		if len(category.Scores) > 0 {
			course.Categories = append(course.Categories, category)
		}
	}
	return course
}

func scoreOf(a gradebook.Assignment, score gradebook.Score) studentScore {
	line := studentScore{
		Assignment: a.ID, Title: a.Title, Points: "–", Possible: a.Possible, Comment: score.Comment,
		Published: a.Published, Omitted: a.Omitted, Status: wordFor(score.Status),
	}
	if score.Points == nil {
		return line
	}
	line.Points = score.Points.String()
	if a.Possible > 0 {
		part := 100 * float64(*score.Points) / float64(a.Possible) // for a bar, not for a grade
		line.HasPart, line.Part = true, strconv.FormatFloat(part, 'f', 0, 64)
		line.Width = int(math.Max(0, math.Min(100, math.Round(part))))
	}
	return line
}

func wordFor(s gradebook.Status) *statusWord {
	switch s {
	case gradebook.Excused:
		return &statusWord{Word: "excused"}
	case gradebook.Missing:
		return &statusWord{Word: "missing", Tone: "bad"}
	case gradebook.Late:
		return &statusWord{Word: "late", Tone: "warn"}
	case gradebook.Incomplete:
		return &statusWord{Word: "incomplete", Tone: "warn"}
	}
	return nil
}
