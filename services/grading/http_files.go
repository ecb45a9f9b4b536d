package grading

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"

	"github.com/distributedgo/rollcall/node/httpapi"
	"github.com/distributedgo/rollcall/node/identity"
	"github.com/distributedgo/rollcall/services/grading/exchange"
	"github.com/distributedgo/rollcall/services/grading/gradebook"
)

// mountFiles adds files in and out. They are plain HTTP bodies, no JSON.
func (s *Service) mountFiles(api *httpapi.API) {
	csv := func(what string) map[string]*huma.MediaType {
		return map[string]*huma.MediaType{"text/csv": {Schema: &huma.Schema{Type: huma.TypeString, Description: what}}}
	}
	in := csv("The file, as Canvas writes it.")
	in["multipart/form-data"] = &huma.MediaType{Schema: &huma.Schema{
		Type:       huma.TypeObject,
		Properties: map[string]*huma.Schema{"file": {Type: huma.TypeString, Format: "binary", Description: "The first file of the form is taken."}},
	}}
	format := httpapi.Query("format", "Of the file; Canvas CSV is the only one.", "canvas")
	api.Raw(&huma.Operation{
		OperationID: "import-course", Method: http.MethodPost, Path: "/v1/courses/{course}/import", Tags: []string{"grading"},
		Summary:     "Compare a file with a course, and apply what differs",
		Description: "With dryRun nothing is changed and the answer is what would be. Blank cells change nothing.",
		Parameters: []*huma.Param{
			httpapi.Path("course"), format,
			httpapi.Query("dryRun", "Only show the differences; default false.", "true", "false"),
			httpapi.Query("newStudents", "What to do with students whom the course does not have; default create.", "create", "skip"),
			httpapi.Query("basis", "basis of a preview: 409 when the course has changed since."),
			httpapi.Query("source", "Name of the file, for the history."),
			httpapi.Header(HeaderKey, "Sent again under the same key, a request is done once and gets its first answer."),
		},
		RequestBody: &huma.RequestBody{Required: true, Content: in},
		Responses: map[string]*huma.Response{"200": {Description: "The differences.", Content: map[string]*huma.MediaType{
			"application/json": {Schema: diffSchema()},
		}}},
	}, s.postImport)
	api.Raw(&huma.Operation{
		OperationID: "export-course", Method: http.MethodGet, Path: "/v1/courses/{course}/export", Tags: []string{"grading"},
		Summary: "A course as a file",
		Parameters: []*huma.Param{
			httpapi.Path("course"), format,
			httpapi.Query("consistency", "stale: as this node has it, without asking the leader.", "linearizable", "stale"),
		},
		Responses: map[string]*huma.Response{"200": {Description: "The file, as an attachment.", Content: csv("Canvas CSV.")}},
	}, s.getExport)
}

// diffSchema describes the outline of an exchange.Diff. Its whole schema would
// bring names into the document that other services have too.
func diffSchema() *huma.Schema {
	list := func(of string) *huma.Schema {
		return &huma.Schema{Type: huma.TypeArray, Items: &huma.Schema{Type: huma.TypeObject}, Description: of}
	}
	return &huma.Schema{Type: huma.TypeObject, Properties: map[string]*huma.Schema{
		"course":         {Type: huma.TypeString},
		"source":         {Type: huma.TypeString, Description: "Name of the file."},
		"basis":          {Type: huma.TypeInteger, Description: "Give it with the decision to apply."},
		"newSections":    list("Sections that the file brings."),
		"newCategories":  list("Categories that it brings."),
		"newAssignments": list("Assignments that it brings."),
		"newStudents":    list("Students whom the course does not have."),
		"changes":        list("Scores that would change, before and after."),
		"unchanged":      {Type: huma.TypeInteger, Description: "Cells that are as the file says already."},
		"skipped":        list("Rows left out, and why."),
		"faults":         list("Cells that cannot be used: row, column, value, reason."),
		"notes":          list("Used, but look at it."),
		"applied":        {Type: huma.TypeBoolean},
		"index":          {Type: huma.TypeInteger, Description: "Log index it was applied at."},
	}}
}

// postImport previews a file or applies it. The file is compared with the
// course here, on the node that takes the request; what travels through the
// log is the change that the diff shows, so every replica does just that.
func (s *Service) postImport(c echo.Context) error {
	in, err := importInput(c)
	if err != nil {
		return err
	}
	diff, err := s.importFile(c.Request().Context(), in)
	if err != nil {
		return problemOf(err)
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.JSON(http.StatusOK, diff)
}

// importing is what an import asks for. The file is hashed, not kept, in the
// request's hash.
type importing struct {
	Course, Source string
	DryRun, Skip   bool
	Basis          *uint64
	key            string
	file           []byte
}

func importInput(c echo.Context) (importing, error) {
	in := importing{Course: c.Param("course"), Source: c.QueryParam("source"), key: c.Request().Header.Get(HeaderKey)}
	bad := func(field, remedy string) error {
		return httpapi.Problemf(http.StatusUnprocessableEntity, "not accepted").With("query."+field, c.QueryParam(field), remedy)
	}
	if f := c.QueryParam("format"); f != "" && f != "canvas" {
		return in, bad("format", "use canvas")
	}
	switch c.QueryParam("newStudents") {
	case "", "create":
	case "skip":
		in.Skip = true
	default:
		return in, bad("newStudents", "use create or skip")
	}
	var err error
	if text := c.QueryParam("dryRun"); text != "" {
		if in.DryRun, err = strconv.ParseBool(text); err != nil {
			return in, bad("dryRun", "use true or false")
		}
	}
	if text := c.QueryParam("basis"); text != "" {
		basis, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return in, bad("basis", "use the number that the preview gave as basis")
		}
		in.Basis = &basis
	}
	in.file, err = fileOf(c.Request(), &in.Source)
	return in, err
}

// fileOf reads the file of a request: the body itself, or the first file of a
// form, which also has a name.
func fileOf(r *http.Request, name *string) ([]byte, error) {
	kind, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind != "multipart/form-data" {
		return io.ReadAll(r.Body)
	}
	form := multipart.NewReader(r.Body, params["boundary"])
	for {
		p, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return nil, httpapi.Problemf(http.StatusUnprocessableEntity, "not accepted").With("file", "", "put the CSV file into the form")
		}
		if err != nil {
			return nil, httpapi.Problemf(http.StatusBadRequest, "the form can't be read: %v", err)
		}
		if p.FileName() != "" {
			if *name == "" {
				*name = p.FileName()
			}
			return io.ReadAll(p)
		}
	}
}

func (s *Service) importFile(ctx context.Context, in importing) (*exchange.Diff, error) {
	v, course, _, err := s.course(ctx, InCourse{Course: in.Course})
	if err != nil {
		return nil, err
	}
	sheet, err := exchange.ReadCanvas(bytes.NewReader(in.file))
	if err != nil {
		return nil, httpapi.Problemf(http.StatusUnprocessableEntity, "the file can't be imported: %v", err)
	}
	table, err := v.Table(in.Course)
	if err != nil {
		return nil, err
	}
	diff := exchange.Compare(sheet, table, exchange.Options{Source: in.Source, Roster: v.Students(), CreateStudents: !in.Skip})
	if in.DryRun {
		s.audit(identity.From(ctx), "compare with a file", in.Course) // the diff shows what stands
		return diff, nil
	}
	// A retry of an import that was applied would now find nothing to change,
	// or a course that has moved on: ask for the first answer before judging.
	request := []any{in, in.file}
	again, done, err := s.fsm.recall(identity.From(ctx).Account, in.key, hashRequest(append([]any{gradebook.ApplyImport{}.Kind()}, request...)...))
	if done && err == nil && again.Fault == nil && in.key != "" {
		diff.Applied, diff.Index = true, again.Index
		return diff, nil
	}
	if in.Basis != nil && *in.Basis != course.Version {
		return nil, httpapi.Problemf(http.StatusConflict, "the course changed since the preview: look at the new one and decide again").WithCurrent(diff)
	}
	out, err := s.change(ctx, diff.Change(), in.key, request...)
	if err != nil {
		return nil, err
	}
	diff.Applied, diff.Index = true, out.Index
	return diff, nil
}

func (s *Service) getExport(c echo.Context) error {
	ctx := c.Request().Context()
	if f := c.QueryParam("format"); f != "" && f != "canvas" {
		return httpapi.Problemf(http.StatusUnprocessableEntity, "not accepted").With("query.format", f, "use canvas")
	}
	v, course, stale, err := s.course(ctx, InCourse{Course: c.Param("course"), Consistent: Consistent{c.QueryParam("consistency")}})
	if err != nil {
		return problemOf(err)
	}
	table, err := v.Table(course.ID)
	if err != nil {
		return problemOf(err)
	}
	var file bytes.Buffer
	if err := exchange.WriteCanvas(&file, table); err != nil {
		return fmt.Errorf("export course %s: %w", course.ID, err)
	}
	s.audit(identity.From(ctx), "export course", course.ID)
	h := c.Response().Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", course.ID+"-canvas.csv"))
	if stale != "" {
		h.Set(HeaderStale, stale)
	}
	return c.Blob(http.StatusOK, "text/csv; charset=utf-8", file.Bytes())
}
