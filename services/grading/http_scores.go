package grading

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/distributedgo/rollcall/node/httpapi"
	"github.com/distributedgo/rollcall/node/identity"
	"github.com/distributedgo/rollcall/services/grading/gradebook"
)

// mountScores adds the table, its cells, its history and students' records.
func (s *Service) mountScores(api *httpapi.API) {
	const cell = "/courses/{course}/assignments/{assignment}/scores/{student}"
	handle(api, http.MethodGet, "/courses/{course}/gradebook", "get-gradebook", "A course as a table with all totals", s.getGradebook)
	handle(api, http.MethodGet, cell, "get-score", "One cell; its version is the ETag", s.getScore)
	handle(api, http.MethodPut, cell, "set-score", "Write one cell; with If-Match only over that version", s.putScore)
	handle(api, http.MethodPost, "/courses/{course}/scores", "set-scores", "Write many cells, all or nothing or each by itself", s.postScores)
	handle(api, http.MethodGet, "/courses/{course}/history", "get-history", "Who changed what, newest first", s.getHistory)
	handle(api, http.MethodGet, "/students/{student}", "get-student", "A student with their part of each course", s.getStudent)
}

func (s *Service) getGradebook(ctx context.Context, in *struct {
	InCourse
	Section string `query:"section" doc:"Section id; all when empty."`
}) (*answer[gradebook.Gradebook], error) {
	v, c, stale, err := s.course(ctx, in.InCourse)
	if err != nil {
		return nil, err
	}
	table, err := v.Table(in.Course)
	if err != nil {
		return nil, err
	}
	if in.Section != "" {
		if !slices.ContainsFunc(c.Sections, func(x gradebook.Section) bool { return x.ID == in.Section }) {
			return nil, &gradebook.NotFoundError{What: "section", ID: in.Section}
		}
		table.Rows = slices.DeleteFunc(table.Rows, func(r gradebook.Row) bool { return r.Section != in.Section })
	}
	s.audit(identity.From(ctx), "read gradebook", in.Course)
	out := ok(table)
	out.Stale = stale
	return out, nil
}

// OneCell names a cell in a path.
type OneCell struct {
	Assignment string `path:"assignment"`
	Student    string `path:"student"`
}

func (s *Service) getScore(ctx context.Context, in *struct {
	InCourse
	OneCell
}) (*answer[gradebook.Score], error) {
	v, _, stale, err := s.course(ctx, in.InCourse)
	if err != nil {
		return nil, err
	}
	score, err := v.Score(in.Course, in.Assignment, in.Student)
	if err != nil {
		return nil, err
	}
	s.audit(identity.From(ctx), "read score", in.Student)
	out := scored(score)
	out.Stale = stale
	return out, nil
}

func scored(score gradebook.Score) *answer[gradebook.Score] {
	out := ok(score)
	out.ETag = etag(score.Version)
	return out
}

func (s *Service) putScore(ctx context.Context, in *struct {
	WriteTo
	OneCell
	IfMatch string `header:"If-Match" doc:"The version this replaces, quoted: \"3\"; \"0\" for a cell that nobody wrote."`
	Body    ScoreEntry
}) (*answer[gradebook.Score], error) {
	base, err := parseETag(in.IfMatch)
	if err != nil {
		return nil, err
	}
	b := in.Body
	out, err := s.change(ctx, gradebook.SetScore{
		Course: in.Course, Assignment: in.Assignment, Student: in.Student,
		Points: b.Points, Status: b.Status, Comment: b.Comment, Base: base, Why: b.Why,
	}, in.Key, in.Course, in.OneCell, in.IfMatch, b)
	if f, is := errors.AsType[*fault](err); is && f.Code == faultConflict {
		p := f.problem() // the precondition was a header: RFC 9110 §13.1.1
		p.Status, p.Title = http.StatusPreconditionFailed, http.StatusText(http.StatusPreconditionFailed)
		return nil, p
	}
	if err != nil {
		return nil, err
	}
	if out.Result.Score == nil {
		return nil, errors.New("grading: a score was set and none came back")
	}
	return scored(*out.Result.Score), nil
}

// parseETag reads an If-Match header: none, "*" for whatever is there, or one
// version.
func parseETag(text string) (*uint64, error) {
	if text == "" || text == "*" {
		return nil, nil
	}
	v, err := strconv.ParseUint(strings.Trim(strings.TrimPrefix(text, "W/"), `"`), 10, 64)
	if err != nil {
		return nil, httpapi.Problemf(http.StatusUnprocessableEntity, "not accepted").
			With("If-Match", text, `send the ETag of the score, such as "3"`)
	}
	return &v, nil
}

func (s *Service) postScores(ctx context.Context, in *struct {
	WriteTo
	Body ScoreWrites
}) (*answer[ScoreResults], error) {
	c := gradebook.SetScores{Course: in.Course, Each: in.Body.Each, Why: in.Body.Why}
	for _, w := range in.Body.Scores {
		c.Scores = append(c.Scores, gradebook.CellScore{
			Cell:   gradebook.Cell{Assignment: w.Assignment, Student: w.Student},
			Points: w.Points, Status: w.Status, Comment: w.Comment, Base: w.BaseVersion,
		})
	}
	out, err := s.change(ctx, c, in.Key, in.Course, in.Body)
	if err != nil {
		return nil, err
	}
	res := ScoreResults{Results: make([]ScoreResult, 0, len(out.Result.Cells)), Index: out.Index}
	for _, cell := range out.Result.Cells {
		res.Results = append(res.Results, ScoreResult{
			Assignment: cell.Assignment, Student: cell.Student, Version: cell.Version, Error: cell.Error, Current: cell.Current,
		})
	}
	return ok(res), nil
}

func (s *Service) getHistory(ctx context.Context, in *struct {
	InCourse
	Student    string    `query:"student"`
	Assignment string    `query:"assignment"`
	By         string    `query:"by" doc:"Account id of the author."`
	From       time.Time `query:"from"`
	To         time.Time `query:"to"`
	Limit      int       `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	Before     uint64    `query:"before" doc:"next of the page before."`
}) (*answer[History], error) {
	v, _, stale, err := s.course(ctx, in.InCourse)
	if err != nil {
		return nil, err
	}
	events := v.History(gradebook.Filter{
		Course: in.Course, Student: in.Student, Assignment: in.Assignment, By: in.By,
		From: in.From, To: in.To, Before: in.Before, Limit: in.Limit,
	})
	s.audit(identity.From(ctx), "read history", in.Course)
	page := History{Events: events}
	if len(events) == in.Limit {
		page.Next = strconv.FormatUint(events[len(events)-1].Seq, 10)
	}
	out := ok(page)
	out.Stale = stale
	return out, nil
}

// getStudent shows a record to the student, their guardians and admins whole,
// and to a teacher their own courses. Who does not teach sees what is
// published.
func (s *Service) getStudent(ctx context.Context, in *struct {
	Consistent
	Student string `path:"student"`
}) (*answer[gradebook.StudentRecord], error) {
	v, p, stale, err := s.look(ctx, in.Consistent)
	if err != nil {
		return nil, err
	}
	if err := p.Allow(identity.ReadStudent, identity.Resource{
		Account: v.StudentAccount(in.Student), Guardians: v.Guardians(in.Student), Teachers: v.TeachersOf(in.Student),
	}); err != nil {
		return nil, err
	}
	record, err := v.Student(in.Student)
	if err != nil {
		return nil, err
	}
	switch p.Role {
	case identity.Student, identity.Guardian:
		record = record.Published()
	case identity.Teacher:
		record.Courses = slices.DeleteFunc(record.Courses, func(c gradebook.StudentCourse) bool {
			return !slices.Contains(c.Course.Teachers, p.Account)
		})
	}
	s.audit(p, "read student", in.Student)
	out := ok(record)
	out.Stale = stale
	return out, nil
}
