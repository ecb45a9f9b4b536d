package portal

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/distributedgo/rollcall/node/httpapi"
	"github.com/distributedgo/rollcall/node/identity"
	"github.com/distributedgo/rollcall/services/grading"
	"github.com/distributedgo/rollcall/services/grading/exchange"
	"github.com/distributedgo/rollcall/services/grading/gradebook"
)

// An import is two requests: a file that is compared, and the same bytes again
// with the decision to apply. Between the two they are in the page, not on the
// node, so the second may go to another node. What keeps the preview honest is
// the basis, the course's version it was made from: the gradebook refuses to
// apply a preview that time has overtaken. What keeps two clicks from
// importing twice is the key, chosen when the preview is made.

const (
	maxFile      = 16 << 20 // bytes of a file; a school year of 500 students is about 1 MB
	shownChanges = 500      // changed scores listed on the page; the rest is counted
)

type importData struct {
	Course     gradebook.Course
	Done       string // what was imported, in words
	Diff       *diffView
	File       string // its name
	Bytes, Key string
	More       int // changes beyond those shown
	Nothing    bool
}

// diffView is exchange.Diff in the words of the page.
type diffView struct {
	Basis             uint64
	Unchanged, Scores int
	Changes           []changeLine
	Students          []string
	Assignments       []gradebook.ImportAssignment
	Skipped           []exchange.Skipped
	Faults, Notes     []exchange.Fault
	Unlisted          int
}

type changeLine struct{ Student, Assignment, Before, After string }

// importForm is the page to choose a file on, and after applying the page that
// says what was done.
func (s *Service) importForm(c echo.Context) error {
	ctx, cancel := context.WithTimeout(c.Request().Context(), patience)
	defer cancel()
	course, err := s.grades.Course(ctx, c.Param("course"))
	if err != nil {
		return err
	}
	d := importData{Course: course}
	if c.QueryParam("scores") != "" {
		d.Done = done(c.QueryParams())
	}
	return s.render(c, http.StatusOK, page{Name: "import", Title: "Import", Notices: s.standing(ctx), Data: d})
}

// importFile compares a file, or applies one that was compared.
func (s *Service) importFile(c echo.Context) error {
	ctx, cancel := context.WithTimeout(c.Request().Context(), 4*patience) // a large file on a busy cluster
	defer cancel()
	u, err := readUpload(c)
	if err != nil {
		return err
	}
	if !u.preview {
		return s.applyFile(ctx, c, u)
	}
	return s.previewFile(ctx, c, u)
}

func (s *Service) previewFile(ctx context.Context, c echo.Context, u upload, notices ...notice) error {
	course, err := s.grades.Course(ctx, c.Param("course"))
	if err != nil {
		return err
	}
	got, err := s.grades.ImportCanvas(ctx, course.ID, grading.ImportRequest{File: u.bytes, Source: u.name, DryRun: true})
	if err != nil {
		return err
	}
	d := importData{
		Course: course, Diff: viewOf(got), File: u.name, Nothing: got.Empty(),
		Bytes: base64.StdEncoding.EncodeToString(u.bytes), Key: identity.NewID(),
		More: max(0, len(got.Changes)-shownChanges),
	}
	return s.render(c, http.StatusOK, page{Name: "import", Title: "Import", Notices: append(notices, s.standing(ctx)...), Data: d})
}

func (s *Service) applyFile(ctx context.Context, c echo.Context, u upload) error {
	got, err := s.grades.ImportCanvas(grading.WithKey(ctx, u.key), c.Param("course"),
		grading.ImportRequest{File: u.bytes, Source: u.name, Basis: &u.basis})
	if p, ok := errors.AsType[*httpapi.Problem](err); ok && p.Status == http.StatusConflict {
		return s.previewFile(ctx, c, u, warn("Nothing was imported: the course has changed since you looked. Here is what the file would change now."))
	}
	if err != nil {
		return err
	}
	// A redirect, so that reloading the page imports nothing.
	counts := url.Values{
		"scores": {strconv.Itoa(len(got.Changes))}, "students": {strconv.Itoa(len(got.NewStudents))},
		"assignments": {strconv.Itoa(len(got.NewAssignments))},
	}
	return c.Redirect(http.StatusSeeOther, "/courses/"+url.PathEscape(c.Param("course"))+"/import?"+counts.Encode())
}

// upload is a file as it came, and whether it is to be compared or applied.
type upload struct {
	preview   bool
	name, key string
	bytes     []byte
	basis     uint64
}

func readUpload(c echo.Context) (upload, error) {
	form, err := c.MultipartForm()
	if err != nil {
		return upload{}, fmt.Errorf("upload: %w", refuse(err, "file", "choose a CSV file"))
	}
	defer func() { _ = form.RemoveAll() }()
	if files := form.File["file"]; len(files) > 0 {
		return readChosen(files[0])
	}
	u := upload{name: c.FormValue("name"), key: c.FormValue("key")}
	if u.bytes, err = base64.StdEncoding.DecodeString(c.FormValue("bytes")); err != nil || len(u.bytes) == 0 {
		return upload{}, httpapi.Problemf(http.StatusUnprocessableEntity, "There is no file in this request.").With("file", "", "choose a CSV file")
	}
	if u.basis, err = strconv.ParseUint(c.FormValue("basis"), 10, 64); err != nil || u.key == "" {
		return upload{}, httpapi.Problemf(http.StatusUnprocessableEntity, "This is not a preview made here.").With("basis", c.FormValue("basis"), "make a new preview of the file")
	}
	return u, nil
}

func readChosen(h *multipart.FileHeader) (upload, error) {
	if h.Size > maxFile {
		return upload{}, httpapi.Problemf(http.StatusRequestEntityTooLarge, "The file has %s; at most %s are taken.", sizeInWords(h.Size), sizeInWords(maxFile)).
			With("file", h.Filename, "split the file by sections")
	}
	f, err := h.Open()
	if err != nil {
		return upload{}, fmt.Errorf("upload: %w", err)
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(f)
	if err != nil {
		return upload{}, fmt.Errorf("upload: %w", err)
	}
	if len(b) == 0 {
		return upload{}, httpapi.Problemf(http.StatusUnprocessableEntity, "The file is empty.").With("file", h.Filename, "export the gradebook again")
	}
	return upload{preview: true, name: h.Filename, bytes: b}, nil
}

// refuse makes a problem of what a form parser says, but for a body that is
// too large, which has its own answer.
func refuse(err error, field, remedy string) error {
	if strings.Contains(err.Error(), "request body too large") {
		return &http.MaxBytesError{}
	}
	return httpapi.Problemf(http.StatusUnprocessableEntity, "The form could not be read.").With(field, "", remedy)
}

// viewOf puts a diff into words.
func viewOf(d *exchange.Diff) *diffView {
	v := &diffView{
		Basis: d.Basis, Unchanged: d.Unchanged, Scores: len(d.Changes), Assignments: d.NewAssignments,
		Skipped: d.Skipped, Faults: d.Faults, Notes: d.Notes, Unlisted: d.Unlisted,
	}
	for i, ch := range d.Changes {
		if i == shownChanges {
			break
		}
		line := changeLine{Student: ch.Name, Assignment: ch.Title, After: cellText(gradebook.Score{Points: ch.After.Points, Status: ch.After.Status})}
		if ch.Before != nil {
			line.Before = cellText(*ch.Before)
		}
		v.Changes = append(v.Changes, line)
	}
	for _, s := range d.NewStudents {
		v.Students = append(v.Students, sortName(gradebook.Student{First: s.First, Last: s.Last}))
	}
	return v
}

// done says what an import did, from the counts in the address: they are only
// shown, so a reader who edits them fools no one else.
func done(counts url.Values) string {
	var parts []string
	for _, k := range []struct{ key, one, many string }{
		{"scores", "score", "scores"}, {"students", "new student", "new students"}, {"assignments", "new assignment", "new assignments"},
	} {
		n, err := strconv.Atoi(counts.Get(k.key))
		if err != nil || n <= 0 {
			continue
		}
		word := k.many
		if n == 1 {
			word = k.one
		}
		parts = append(parts, fmt.Sprintf("%d %s", n, word))
	}
	if len(parts) == 0 {
		return "The file changed nothing."
	}
	return strings.Join(parts, ", ") + "."
}
