package exchange_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/distributedgo/rollcall/services/grading/exchange"
	"github.com/distributedgo/rollcall/services/grading/gradebook"
)

var update = flag.Bool("update", false, "write golden files anew")

// golden compares text with a file of testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("not as in %s:\n%s", path, got)
	}
}

// book is a gradebook with one course, and a clock for it.
type book struct {
	t testing.TB
	*gradebook.Book
	n uint64
}

func newBook(t testing.TB) *book {
	b := &book{t: t, Book: gradebook.New()}
	b.must(gradebook.CreateCourse{Title: "Biology"})
	return b
}

func (b *book) try(c gradebook.Change) (gradebook.Result, error) {
	b.n++
	return b.Apply(c, gradebook.Meta{At: time.Unix(int64(b.n), 0), By: "u1", ByName: "Tom", Index: b.n})
}

func (b *book) must(c gradebook.Change) gradebook.Result {
	b.t.Helper()
	res, err := b.try(c)
	if err != nil {
		b.t.Fatalf("%s: %v", c.Kind(), err)
	}
	return res
}

func (b *book) table() gradebook.Gradebook {
	b.t.Helper()
	g, err := b.Table("c1")
	if err != nil {
		b.t.Fatal(err)
	}
	return g
}

func (b *book) diff(file string) *Diff {
	b.t.Helper()
	sheet, err := ReadCanvas(strings.NewReader(file))
	if err != nil {
		b.t.Fatal(err)
	}
	return Compare(sheet, b.table(), Options{Source: "test.csv", Roster: b.Students(), CreateStudents: true})
}

func testdata(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func indented(t testing.TB, v any) []byte {
	t.Helper()
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(text, '\n')
}

func TestTheFirstFileMakesTheCourse(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	d := b.diff(testdata(t, "canvas.csv"))
	golden(t, "canvas.diff.json", indented(t, d))
	b.must(d.Change())

	again := b.diff(testdata(t, "canvas.csv"))
	if !again.Empty() || again.Unchanged != len(d.Changes) {
		t.Errorf("what was imported differs from the file: %s", indented(t, again))
	}
	var out bytes.Buffer
	if err := WriteCanvas(&out, b.table()); err != nil {
		t.Fatal(err)
	}
	golden(t, "canvas.out.csv", out.Bytes())
}

func TestSemicolonsAndDecimalCommas(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.must(b.diff(testdata(t, "semicolon.csv")).Change())
	g := b.table()
	got := func(row, col int) string { return g.Rows[row].Scores[g.Assignments[col].ID].Points.String() }
	if len(g.Rows) != 2 || got(1, 0) != "8.5" || got(1, 1) != "1.125" || got(0, 0) != "-2" || got(0, 1) != "0" {
		t.Errorf("got %s", indented(t, g.Rows))
	}
}

func TestBlankCellsChangeNothing(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.must(b.diff(testdata(t, "canvas.csv")).Change())
	d := b.diff("Student,ID,SIS User ID,Section,Homework 1 (11),Quiz 1 (13)\n\"Berg, Anna\",501,1001,Blue,,N/A\n")
	if !d.Empty() || d.Unchanged != 0 {
		t.Errorf("got %s", indented(t, d))
	}
}

func TestWhatAFileCannotSayIsKept(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.must(b.diff(testdata(t, "canvas.csv")).Change())
	comment, five := "bus strike", gradebook.Whole(5)
	cell := gradebook.SetScore{Course: "c1", Assignment: "a1", Student: "s1", Points: &five, Status: gradebook.Late, Comment: &comment}
	b.must(cell)
	d := b.diff("Student,ID,Section,Homework 1 (11)\n\"Berg, Anna\",1001,Blue,7\n")
	if len(d.Changes) != 1 || d.Changes[0].Before.Points.String() != "5" {
		t.Fatalf("got %s", indented(t, d))
	}
	b.must(d.Change())
	s, _ := b.Score("c1", "a1", "s1")
	if s.Points.String() != "7" || s.Status != gradebook.Late || s.Comment != comment {
		t.Errorf("got %+v", s)
	}
}

func TestThePreviewIsWhatIsApplied(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.must(b.diff(testdata(t, "canvas.csv")).Change())
	file := "Student,ID,SIS User ID,Section,Homework 1 (11)\n\"Berg, Anna\",501,1001,Blue,9\n"
	d := b.diff(file)
	two := gradebook.Whole(2)
	b.must(gradebook.SetScore{Course: "c1", Assignment: "a1", Student: "s1", Points: &two}) // a colleague
	_, err := b.try(d.Change())
	conflict, ok := errors.AsType[*gradebook.ConflictError](err)
	if !ok || conflict.Current.Points.String() != "2" {
		t.Fatalf("got %v", err)
	}
	// A caller that compares anew but sends the first preview's basis is held
	// to what was seen, too.
	fresh := b.diff(file)
	fresh.Basis = d.Basis
	if _, err := b.try(fresh.Change()); !errors.Is(err, gradebook.ErrConflict) {
		t.Fatalf("got %v", err)
	}
	b.must(b.diff(file).Change())
}

func TestWhoIsWho(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	for _, s := range []gradebook.AddStudent{
		{First: "Anna", Last: "Berg", Number: "1001", Login: "anna"},
		{First: "Ben", Last: "Abel", Login: "ben"},
		{First: "Cem", Last: "Çelik", Number: "1003"},
	} {
		s.Course = "c1"
		b.must(s)
	}
	withdrawn := gradebook.Withdrawn
	b.must(gradebook.SetEnrollment{Course: "c1", Student: "s3", Status: &withdrawn})
	b.must(gradebook.AddAssignment{Course: "c1", Title: "Leaf", Possible: gradebook.Whole(10)})
	const header = "Student,ID,SIS User ID,SIS Login ID,Section,Leaf\n"
	for name, tt := range map[string]struct {
		line                    string
		student, skipped, fault string
		notes                   int
	}{
		"by number":                     {line: `"Berg, Anna",77,1001,,X,1`, student: "s1"},
		"by number, married":            {line: `"Cole, Anna",77,1001,,X,1`, student: "s1", notes: 1},
		"number in the ID column":       {line: `"Berg, Anna",1001,,,X,1`, student: "s1"},
		"by our id":                     {line: `"Abel, Ben",s2,,,X,1`, student: "s2"},
		"our id, someone else's name":   {line: `"Else, Someone",s2,,,X,1`, skipped: "not in this course"},
		"by login":                      {line: `"Abel, Ben",88,9,ben,X,1`, student: "s2"},
		"login of one, number of other": {line: `"Berg, Anna",77,999,anna,X,1`, skipped: "not in this course"},
		"ids disagree":                  {line: `"Abel, Ben",s2,1001,,X,1`, fault: "make them agree"},
		"withdrawn":                     {line: `"Çelik, Cem",77,1003,,X,1`, skipped: "withdrawn"},
		"unknown":                       {line: `"New, Nina",78,1004,,X,1`, skipped: "not in this course"},
		"no id at all":                  {line: `"Berg, Anna",,,,X,1`, fault: "names alone"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sheet, err := ReadCanvas(strings.NewReader(header + tt.line + "\n"))
			if err != nil {
				t.Fatal(err)
			}
			d := Compare(sheet, b.table(), Options{Roster: b.Students()})
			student, skipped, fault := "", "", ""
			if len(d.Changes) > 0 {
				student = d.Changes[0].Student
			}
			if len(d.Skipped) > 0 {
				skipped = d.Skipped[0].Reason
			}
			if len(d.Faults) > 0 {
				fault = d.Faults[0].Reason
			}
			if student != tt.student || !strings.Contains(skipped, tt.skipped) || !strings.Contains(fault, tt.fault) || len(d.Notes) != tt.notes {
				t.Errorf("got %s", indented(t, d))
			}
		})
	}
}
