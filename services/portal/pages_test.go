package portal

import (
	"errors"
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/distributedgo/rollcall/node/httpapi"
	"github.com/distributedgo/rollcall/node/identity"
	"github.com/distributedgo/rollcall/services/grading"
	"github.com/distributedgo/rollcall/services/grading/gradebook"
)

// Names as people and files really bring them.
const (
	script = `<script>alert("x")</script>`
	rtl    = "\u202eنور الهدى"
	emoji  = "Zoë 👩🏽‍🚀 O'Hara"
)

func points(t *testing.T, s string) *gradebook.Points {
	t.Helper()
	p, err := gradebook.ParsePoints(s)
	if err != nil {
		t.Fatal(err)
	}
	return &p
}

// sampleBook is a course with every kind of cell and the worst of names.
func sampleBook(t *testing.T) gradebook.Gradebook {
	percent := "58.33"
	return gradebook.Gradebook{
		Course: gradebook.Course{
			ID: "c1", Title: script, Code: "ALG", Term: "Autumn", Version: 12,
			Sections:   []gradebook.Section{{ID: "x1", Name: "A"}, {ID: "x2", Name: script}},
			Categories: []gradebook.Category{{ID: "g1", Name: "Homework & more", Weight: gradebook.Whole(40)}},
			Assignments: []gradebook.Assignment{
				{ID: "a1", Title: "Quiz 1", Category: "g1", Possible: gradebook.Whole(20), Published: true},
				{ID: "a2", Title: script, Category: "g1", Possible: gradebook.Whole(10), Omitted: true},
			},
		},
		Rows: []gradebook.Row{
			{
				Student: gradebook.Student{ID: "s1", First: "Ada", Last: script}, Section: "x1", Enrollment: gradebook.Active,
				Scores: map[string]gradebook.Score{
					"a1": {Points: points(t, "17.5"), Status: gradebook.Graded, Version: 3},
					"a2": {Status: gradebook.Excused, Version: 1, Comment: `see "note"`},
				},
				Totals: gradebook.Totals{Current: gradebook.Total{Percent: &percent, Letter: "F"}},
			},
			{
				Student: gradebook.Student{ID: "s2", Last: rtl}, Section: "x2", Enrollment: gradebook.Withdrawn,
				Scores: map[string]gradebook.Score{"a1": {Points: points(t, "8"), Status: gradebook.Late, Version: 2}},
			},
			{Student: gradebook.Student{ID: "s3", First: emoji, Last: "Ω"}, Section: "x1", Enrollment: gradebook.Active},
		},
	}
}

func TestCourses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.get(t, "/courses", identity.Teacher).is(200).has(`id="nocourses"`, `id="newcourse"`, "No courses yet")
	w.get(t, "/courses", identity.Student).is(200).has(`id="nocourses"`).lacks(`id="newcourse"`)
	at, average := time.Date(2026, 3, 1, 8, 30, 0, 0, time.UTC), "81.40"
	w.courses = []grading.CourseSummary{
		{ID: "c1", Title: script, Code: rtl, Students: 24, ToGrade: 7, Average: &average, LastChange: &at, Teachers: []grading.Person{{Display: emoji}, {Display: script}}},
		{ID: "c2", Title: "New"},
	}
	w.get(t, "/courses", identity.Teacher).is(200).
		has(`<a href="/courses/c1"><bdi>&lt;script&gt;`, "81.40 %", `datetime="2026-03-01T08:30:00Z"`, "never", rtl, "O&#39;Hara").lacks("<script>alert")
	w.get(t, "/courses", identity.Student).is(200).lacks(`href="/courses/c1"`)
	w.who, w.record.Student = grading.Who{Students: []string{"s7", "s9"}}, gradebook.Student{First: "Ada", Last: script}
	w.get(t, "/courses", identity.Guardian).is(200).has(`<a href="/students/s7"><bdi>`, `&lt;script&gt;`, `<a href="/students/s9">`).lacks("<script>alert")
	w.get(t, "/courses", identity.Teacher).is(200).lacks(`id="records"`)
	w.ask(t, "POST", "/courses", identity.Teacher, form("title", "Algebra", "weighted", "true")).goesTo("/courses/c9")
	if len(w.created) != 1 || w.created[0].Title != "Algebra" || !w.created[0].Weighted {
		t.Errorf("created %+v", w.created)
	}
}

func TestGradebookTable(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.book = sampleBook(t)
	w.get(t, "/courses/c1", identity.Teacher).is(200).has(
		`<title>&lt;script&gt;`, `data-course="c1"`, `data-account="u7"`, `data-version="12"`,
		`<th scope="col" class="asg" id="a1" data-a="a1" data-possible="20">`, "Homework &amp; more", "not counted", "hidden",
		`aria-labelledby="s1 a1" autocomplete="off" tabindex="-1" value="17.5" data-v="3"`,
		`<td data-set="excused" data-note="see &#34;note&#34;">`, `value="EX"`,
		`<td data-set="late">`, `value="L 8"`,
		`<tr data-s="s2" data-section="x2" class="withdrawn">`, rtl, "👩🏽‍🚀",
		`<span class="n">58.33</span><span class="l">F</span>`, `<span class="n">–</span>`,
		`href="/v1/courses/c1/export?format=canvas"`, `href="/courses/c1/import"`, `id="savestate"`, `type="module"`,
	).lacks("<script>alert")
	w.book.Rows = nil
	w.get(t, "/courses/c1", identity.Teacher).is(200).has(`id="norows"`).lacks(`id="grid"`)
	w.book = sampleBook(t)
	w.book.Assignments = nil
	w.get(t, "/courses/c1", identity.Teacher).is(200).has(`id="nocolumns"`).lacks(`id="grid"`)
}

// TestPagesKeepThePolicy looks for what the policy of the same answer forbids,
// in pages full of hostile names.
func TestPagesKeepThePolicy(t *testing.T) {
	t.Parallel()
	inline := regexp.MustCompile(`(?i)<script(?:\s[^>]*)?>[^<]|\sstyle=|\son\w+=|<style`)
	w := newWorld(t, nil)
	w.book, w.record, w.view, w.answer = sampleBook(t), sampleRecord(t), sampleView(), sampleAnswer()
	for _, path := range []string{"/signin", "/courses", "/courses/c1", "/courses/c1/import", "/students/s1", "/cluster", "/cluster/view", "/logs"} {
		role := identity.Admin
		if path == "/signin" {
			role = ""
		}
		a := w.get(t, path, role).is(200)
		if m := inline.FindString(a.Body.String()); m != "" {
			t.Errorf("%s has %q", path, m)
		}
	}
}

func sampleRecord(t *testing.T) gradebook.StudentRecord {
	book := sampleBook(t)
	percent := "87.5"
	row := book.Rows[0]
	row.Categories = []gradebook.CategoryTotal{{Category: "g1", Current: &percent}}
	book.Weighted = true
	return gradebook.StudentRecord{
		Student: gradebook.Student{ID: "s1", First: emoji, Last: script, Number: "4711"},
		Courses: []gradebook.StudentCourse{{Course: book.Course, Row: row}},
	}
}

func TestStudentPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.record = sampleRecord(t)
	w.get(t, "/students/s1", identity.Teacher).is(200).has(
		"&lt;script&gt;", "👩🏽‍🚀", "4711", "weight 40 %", "87.5 %", `<dd data-total="current">58.33 % F`, `<dd data-total="final">–`,
		"17.5", `<rect class="got" width="88" height="10"/>`, `aria-label="88 %"`, "excused", "see &#34;note&#34;", `<a href="/courses/c1">`,
	).lacks("<script>alert")
	w.get(t, "/students/s1", identity.Guardian).is(200).lacks(`href="/courses/c1"`)
	w.record.Courses = nil
	w.get(t, "/students/s1", identity.Student).is(200).has("No courses")
	w.err = httpapi.Problemf(http.StatusForbidden, "not allowed")
	w.get(t, "/students/s1", identity.Student).is(403)
}

func TestCellText(t *testing.T) {
	t.Parallel()
	p := points(t, "8.5")
	for want, score := range map[string]gradebook.Score{
		"": {}, "8.5": {Points: p, Status: gradebook.Graded}, "EX": {Status: gradebook.Excused},
		"M": {Status: gradebook.Missing}, "M 8.5": {Points: p, Status: gradebook.Missing},
		"L": {Status: gradebook.Late}, "L 8.5": {Points: p, Status: gradebook.Late}, "I 8.5": {Points: p, Status: gradebook.Incomplete},
	} {
		if got := cellText(score); got != want {
			t.Errorf("%+v is shown as %q, want %q", score, got, want)
		}
	}
}

// TestStanding: grading pages say how safe saving is, and only when there is
// something to say.
func TestStanding(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(*world)
		has    string
	}{
		{"all up", func(*world) {}, ""},
		{"one down", func(w *world) { w.view.Nodes[1].Status = "failed" }, "2 of 3 grading copies up, saving works."},
		{"electing", func(w *world) { w.view.Nodes[1].Status = "failed"; w.view.Grading.Quorum = false }, "choosing a leader"},
		{"two down", func(w *world) {
			w.view.Nodes[1].Status, w.view.Nodes[2].Status, w.view.Grading.Quorum = "failed", "failed", false
		}, "1 of 3 grading copies up: saving waits until 2 are."},
		{"nobody knows", func(w *world) { w.refuse["Cluster"] = errors.New("no registry") }, ""},
	} {
		w := newWorld(t, nil)
		w.view = sampleView()
		c.change(w)
		a := w.get(t, "/courses", identity.Teacher).is(200)
		if c.has == "" {
			a.lacks(`id="standing"`)
		} else {
			a.has(`id="standing"`, c.has)
		}
		w.get(t, "/courses", identity.Teacher).is(200)
		looks := 0
		for _, m := range w.asked {
			if m == "Cluster" {
				looks++
			}
		}
		if looks != 1 {
			t.Errorf("%s: two pages within a second looked %d times", c.name, looks)
		}
	}
}
