package exchange

import (
	"bufio"
	"encoding/csv"
	"io"
	"strings"

	"github.com/distributedgo/rollcall/services/grading/gradebook"
)

// WriteCanvas writes a course in Canvas's form: its active students, one
// column for each assignment, then the totals, which are for reading only.
// What it writes, ReadCanvas and Compare find equal to the course.
//
// It begins with a byte order mark, without which the most used spreadsheet
// takes every accented name for something else.
func WriteCanvas(w io.Writer, g gradebook.Gradebook) error {
	buffered := bufio.NewWriter(w)
	// A bufio.Writer keeps its first error; Flush below returns it.
	_, _ = buffered.WriteString("\uFEFF")
	out := csv.NewWriter(buffered)
	if err := out.Write(canvasHeader(g)); err != nil {
		return err
	}
	if err := out.Write(canvasPossible(g)); err != nil {
		return err
	}
	sections := map[string]string{}
	for _, s := range g.Sections {
		sections[s.ID] = s.Name
	}
	for _, row := range g.Rows {
		if row.Enrollment != gradebook.Active {
			continue
		}
		if err := out.Write(canvasRow(g, row, sections[row.Section])); err != nil {
			return err
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return err
	}
	return buffered.Flush()
}

func canvasHeader(g gradebook.Gradebook) []string {
	fields := []string{colStudent, colID, colNumber, colLogin, colSection}
	for _, a := range g.Assignments {
		number := a.External
		if number == "" {
			number = strings.TrimPrefix(a.ID, "a")
		}
		fields = append(fields, defuse(a.Title+" ("+number+")"))
	}
	for _, c := range g.Categories {
		fields = append(fields, defuse(c.Name+" Current Score"), defuse(c.Name+" Final Score"))
	}
	return append(fields, "Current Score", "Final Score", "Current Grade", "Final Grade")
}

func canvasPossible(g gradebook.Gradebook) []string {
	fields := []string{"    Points Possible", "", "", "", ""}
	for _, a := range g.Assignments {
		fields = append(fields, a.Possible.String())
	}
	for range 2*len(g.Categories) + 4 {
		fields = append(fields, "(read only)")
	}
	return fields
}

func canvasRow(g gradebook.Gradebook, row gradebook.Row, section string) []string {
	s := row.Student
	fields := []string{defuse(Line{First: s.First, Last: s.Last}.Name()), s.ID, defuse(s.Number), defuse(s.Login), defuse(section)}
	for _, a := range g.Assignments {
		text := ""
		// A score is a number of ours: "-5" is points taken off, no formula.
		if score := row.Scores[a.ID]; score.Status == gradebook.Excused {
			text = "EX"
		} else if score.Points != nil {
			text = score.Points.String()
		}
		fields = append(fields, text)
	}
	for _, c := range row.Categories {
		fields = append(fields, percent(c.Current), percent(c.Final))
	}
	return append(fields, percent(row.Current.Percent), percent(row.Final.Percent), defuse(row.Current.Letter), defuse(row.Final.Letter))
}

func percent(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}
