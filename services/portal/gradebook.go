package portal

import (
	"context"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/distributedgo/rollcall/services/grading/gradebook"
)

// gradebookData is the table as the template draws it and web/static/js/grid
// takes it over.
type gradebookData struct {
	Course  gradebook.Course
	Account string // whose unsaved values a tab may take up again
	Columns []gridColumn
	Rows    []gridRow
}

type gridColumn struct {
	ID, Title, Category string
	Possible            gradebook.Points
	Published, Omitted  bool
}

type gridRow struct {
	ID, Name, Section string
	Withdrawn         bool
	Current, Final    total
	Cells             []gridCell
}

type gridCell struct {
	Assignment string
	Text       string // in the language of cellText
	Set        string // the status, unless plainly graded
	Note       string // the comment
	Version    uint64
}

// total is a percentage as it is shown: "58.33", or a dash.
type total struct {
	Percent, Letter string
	Known           bool
}

func totalOf(t gradebook.Total) total {
	if t.Percent == nil {
		return total{Percent: "–"}
	}
	return total{Percent: *t.Percent, Letter: t.Letter, Known: true}
}

// gradebook is the page where scores are typed.
func (s *Service) gradebook(c echo.Context) error {
	ctx, cancel := context.WithTimeout(c.Request().Context(), patience)
	defer cancel()
	book, err := s.grades.Gradebook(ctx, c.Param("course"), "")
	if err != nil {
		return err
	}
	d := gradebookData{Course: book.Course, Account: caller(c).Account}
	categories := map[string]string{}
	for _, g := range book.Categories {
		categories[g.ID] = g.Name
	}
	for _, a := range book.Assignments {
		d.Columns = append(d.Columns, gridColumn{
			ID: a.ID, Title: a.Title, Category: categories[a.Category], Possible: a.Possible,
			Published: a.Published, Omitted: a.Omitted,
		})
	}
	for _, r := range book.Rows {
		d.Rows = append(d.Rows, rowOf(r, book.Assignments))
	}
	return s.render(c, http.StatusOK, page{Name: "gradebook", Title: book.Title, Wide: true, Notices: s.standing(ctx), Data: d})
}

func rowOf(r gradebook.Row, columns []gradebook.Assignment) gridRow {
	row := gridRow{
		ID: r.Student.ID, Name: sortName(r.Student), Section: r.Section, Withdrawn: r.Enrollment == gradebook.Withdrawn,
		Current: totalOf(r.Current), Final: totalOf(r.Final), Cells: make([]gridCell, len(columns)),
	}
	for i, a := range columns {
		score := r.Scores[a.ID]
		cell := gridCell{Assignment: a.ID, Text: cellText(score), Note: score.Comment, Version: score.Version}
		if score.Status != gradebook.Graded {
			cell.Set = string(score.Status)
		}
		row.Cells[i] = cell
	}
	return row
}

// sortName is a name as lists are sorted: last name first.
func sortName(s gradebook.Student) string {
	if s.First == "" {
		return s.Last
	}
	return s.Last + ", " + s.First
}

// cellText writes a score in the small language that cells are typed in (see
// web/static/js/grid/cell.js, which reads it): 85.5, EX, M, "L 8", "I 3".
func cellText(score gradebook.Score) string {
	var parts []string
	switch score.Status {
	case gradebook.Excused:
		return "EX"
	case gradebook.Missing:
		parts = append(parts, "M")
	case gradebook.Late:
		parts = append(parts, "L")
	case gradebook.Incomplete:
		parts = append(parts, "I")
	}
	if score.Points != nil {
		parts = append(parts, score.Points.String())
	}
	return strings.Join(parts, " ")
}
