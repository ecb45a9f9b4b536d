package portal

import (
	"bytes"
	"encoding/base64"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/distributedgo/rollcall/node/httpapi"
	"github.com/distributedgo/rollcall/node/identity"
	"github.com/distributedgo/rollcall/services/grading/exchange"
	"github.com/distributedgo/rollcall/services/grading/gradebook"
)

func upload1(t *testing.T, w *world, file string, fields ...string) *answer {
	t.Helper()
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	if file != "" {
		f, err := m.CreateFormFile("file", "scores <1>.csv")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(file)); err != nil {
			t.Fatal(err)
		}
	}
	for i := 0; i+1 < len(fields); i += 2 {
		if err := m.WriteField(fields[i], fields[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	return w.ask(t, "POST", "/courses/c1/import", identity.Teacher, &body, "Content-Type", m.FormDataContentType())
}

func sampleDiff(t *testing.T) exchange.Diff {
	return exchange.Diff{
		Course: "c1", Basis: 41, Unchanged: 230,
		NewStudents:    []gradebook.ImportStudent{{First: emoji, Last: script}},
		NewAssignments: []gradebook.ImportAssignment{{Title: "Final <exam>", Possible: gradebook.Whole(100)}},
		Changes: []exchange.CellChange{
			{Name: rtl, Title: "Quiz 1", Before: &gradebook.Score{Points: points(t, "17"), Status: gradebook.Graded}, After: exchange.Value{Points: points(t, "18.5"), Status: gradebook.Graded}},
			{Name: "Hopper, Grace", Title: "Quiz 1", After: exchange.Value{Status: gradebook.Excused}},
		},
		Skipped: []exchange.Skipped{{Row: 9, Name: script, Reason: "withdrawn"}},
		Faults:  []exchange.Fault{{Row: 7, Column: "Quiz 1", Cell: "F7", Value: "abc", Reason: "is not a number"}},
	}
}

// TestImportInTwoSteps: what is previewed is what is applied, byte for byte,
// with the preview's basis, under one key.
func TestImportInTwoSteps(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.course, w.diff = gradebook.Course{ID: "c1", Title: "Algebra"}, sampleDiff(t)
	const file = "Student,ID\r\n\"a\nb\",1\x00\r\n"
	w.get(t, "/courses/c1/import", identity.Teacher).is(200).has(`id="drop"`, `enctype="multipart/form-data"`)

	a := upload1(t, w, file).is(200).has(
		`<dd data-count="changes">2</dd>`, `<dd data-count="students">1</dd>`, `<dd data-count="unchanged">230</dd>`, `<dd data-count="faults">1</dd>`,
		"scores &lt;1&gt;.csv", "F7", "abc", "is not a number", "&lt;script&gt;", "Final &lt;exam&gt;", `<span class="before">17</span>`, ">18.5<", ">EX<",
		`name="basis" value="41"`, `id="apply"`, rtl,
	).lacks("<script>alert")
	if r := w.imports[0]; !r.DryRun || string(r.File) != file || r.Source != "scores <1>.csv" {
		t.Fatalf("previewed %+v", r)
	}
	_, rest, _ := strings.Cut(a.Body.String(), `name="key" value="`)
	key, _, _ := strings.Cut(rest, `"`)
	if len(key) < 20 {
		t.Fatalf("key is %q", key)
	}

	upload1(t, w, "", "bytes", base64.StdEncoding.EncodeToString([]byte(file)), "name", "scores <1>.csv", "basis", "41", "key", key).
		goesTo("/courses/c1/import?assignments=1&scores=2&students=1")
	if r := w.imports[1]; r.DryRun || string(r.File) != file || r.Basis == nil || *r.Basis != 41 {
		t.Fatalf("applied %+v", r)
	}
	w.get(t, "/courses/c1/import?assignments=1&scores=2&students=1", identity.Teacher).is(200).has("2 scores, 1 new student, 1 new assignment.", `id="imported"`)
	w.get(t, "/courses/c1/import?scores=0&students=%3Cscript%3E", identity.Teacher).is(200).has("The file changed nothing.")
}

func TestImportOfNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.diff = exchange.Diff{Unchanged: 12}
	upload1(t, w, "x").is(200).has("The file changes nothing.").lacks(`id="apply"`)
}

// TestImportOvertaken: someone changed the course between preview and apply.
func TestImportOvertaken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.diff = sampleDiff(t)
	w.refuse["Import"] = httpapi.Problemf(http.StatusConflict, "the course was changed since the preview")
	upload1(t, w, "", "bytes", "eA==", "name", "f.csv", "basis", "40", "key", "k").is(200).
		has("Nothing was imported", `name="basis" value="41"`, `id="apply"`)
}

func TestImportBadInput(t *testing.T) {
	t.Parallel()
	for name, try := range map[string]func(w *world) *answer{
		"no form": func(w *world) *answer {
			return w.ask(t, "POST", "/courses/c1/import", identity.Teacher, form("a", "b"))
		},
		"no file":    func(w *world) *answer { return upload1(t, w, "") },
		"not base64": func(w *world) *answer { return upload1(t, w, "", "bytes", "***", "basis", "1", "key", "k") },
		"no basis":   func(w *world) *answer { return upload1(t, w, "", "bytes", "eA==", "basis", "-1", "key", "k") },
		"no key":     func(w *world) *answer { return upload1(t, w, "", "bytes", "eA==", "basis", "1") },
		"broken form": func(w *world) *answer {
			return w.ask(t, "POST", "/courses/c1/import", identity.Teacher, strings.NewReader("--b\r\nnonsense"), "Content-Type", "multipart/form-data; boundary=b")
		},
	} {
		w := newWorld(t, nil)
		if a := try(w); a.Code != http.StatusUnprocessableEntity || len(w.imports) > 0 {
			t.Errorf("%s: status %d, imports %v", name, a.Code, w.imports)
		}
	}
	w := newWorld(t, nil)
	upload1(t, w, strings.Repeat("x", maxFile+1)).is(http.StatusRequestEntityTooLarge).has("at most 16.8 MB")
	upload1(t, w, strings.Repeat("x", 33<<20)).is(http.StatusRequestEntityTooLarge)
}
