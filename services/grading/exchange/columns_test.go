package exchange_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"strings"
	"testing"

	. "github.com/distributedgo/rollcall/services/grading/exchange"
	"github.com/distributedgo/rollcall/services/grading/gradebook"
)

func TestWhichAssignmentAColumnMeans(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.must(gradebook.AddStudent{Course: "c1", First: "Anna", Last: "Berg", Number: "1"})
	for _, a := range []gradebook.AddAssignment{
		{Title: "Leaf"},                     // a1
		{Title: "Root", External: "50"},     // a2
		{Title: "Twin"},                     // a3
		{Title: "Twin"},                     // a4
		{Title: "Essay (2026)"},             // a5
		{Title: "Stem", External: "1"},      // a6: the number of a1 elsewhere
		{Title: "Renamed", External: "700"}, // a7
	} {
		a.Course, a.Possible = "c1", gradebook.Whole(10)
		b.must(a)
	}
	for header, want := range map[string]string{
		"Leaf": "a1", "Leaf (1)": "a1", "Leaf (999)": "a1", "Stem (1)": "a6", "Root (50)": "a2", "Root": "a2", "Twin (4)": "a4",
		"Essay (2026)": "a5", "Old name (700)": "a7", "Twin": "", "Root (51)": "+a4", "New": "+a4", "New (8)": "+a4",
	} {
		d := b.diff("Student,SIS User ID,Section," + header + "\nPoints Possible,,,10\n\"Berg, Anna\",1,X,3\n")
		got := ""
		if len(d.Changes) == 1 {
			got = d.Changes[0].Assignment
		}
		if got != want || want == "" && len(d.Faults) != 1 {
			t.Errorf("%s is %q, want %q: %s", header, got, want, indented(t, d))
		}
	}
	d := b.diff("Student,SIS User ID,Section,Leaf,Leaf (1),New,New,Lost\nPoints Possible,,,10,10,5,5,\n\"Berg, Anna\",1,X,3,4,5,6,7\n")
	if len(d.Changes) != 2 || len(d.NewAssignments) != 1 || len(d.Faults) != 3 {
		t.Errorf("got %s", indented(t, d))
	}
}

func TestCategoriesAreGuessedFromTitles(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.must(gradebook.UpdateCourse{Course: "c1", Weighted: new(bool)})
	d := b.diff("Student,ID,Section,Chapter 1 quiz,Homeworking,Lab Report 3,Test,Labs: clean up,Quizzes Current Score,Tests Final Score,Lab Reports Current Score,Labs Current Score\n" +
		"Points Possible,,,1,1,1,1,1\n")
	var got []string
	for _, a := range d.NewAssignments {
		for _, g := range d.NewCategories {
			if g.Key == a.Category {
				got = append(got, a.Title+" in "+g.Name)
			}
		}
	}
	want := "Chapter 1 quiz in Quizzes; Homeworking in Assignments; Lab Report 3 in Lab Reports; Test in Tests; Labs: clean up in Labs"
	if strings.Join(got, "; ") != want {
		t.Errorf("got %s", strings.Join(got, "; "))
	}
}

func TestFilesThatAreNoGradebook(t *testing.T) {
	t.Parallel()
	for name, file := range map[string]string{
		"empty":              "",
		"only a mark":        "\uFEFF",
		"another table":      "Name,Grade\nAnna,5\n",
		"no section":         "Student,ID,Leaf\n",
		"no id":              "Student,Section,Leaf\n",
		"a column twice":     "Student,ID,ID,Section\n",
		"UTF-16":             "S\x00t\x00u\x00",
		"Latin-1":            "Student,ID,Section\n\"M\xfcller, Uwe\",1,X\n",
		"an open quote":      "Student,ID,Section\n\"Berg, Anna,1,X\n",
		"a zip":              "PK\x03\x04\x00\x00",
		"too large":          "Student,ID,Section\n" + strings.Repeat("x", MaxFileBytes),
		"too many students":  "Student,ID,Section\n" + strings.Repeat("\"A, B\",1,X\n", gradebook.MaxEnrollments+1),
		"too many columns":   "Student,ID,Section" + strings.Repeat(",x", gradebook.MaxAssignments+1) + "\n",
		"separators missing": "Student ID Section\n",
	} {
		_, err := ReadCanvas(strings.NewReader(file))
		bad, ok := errors.AsType[*gradebook.InvalidError](err)
		if !ok || bad.Remedy == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCellsThatAreFaults(t *testing.T) {
	t.Parallel()
	for cell, want := range map[string]string{
		"85%": "number", "A+": "number", "1e3": "number", "8.12345": "4 decimal places", "9999999": "at most 1000000",
		`"1,000"`: "thousand", `"1,234.5"`: "separators", `"1.234,5"`: "separators", "-": "number", "=1+1": "number", "--3": "number",
	} {
		sheet, err := ReadCanvas(strings.NewReader("Student,ID,Section,Leaf\n\"Berg, Anna\",1,X," + cell + "\n"))
		if err != nil {
			t.Fatal(err)
		}
		if f := sheet.Faults; len(f) != 1 || f[0].Row != 2 || f[0].Cell != "D2" || f[0].Column != "Leaf" || !strings.Contains(f[0].Reason, want) {
			t.Errorf("%s: %+v", cell, f)
		}
	}
	for cell, want := range map[string]string{
		"'-5": "-5", "-5": "-5", `"8,5"`: "8.5", `"0,125"`: "0.125", "8.50000000": "8.5", " 7 ": "7", "\u00a07": "7",
	} {
		sheet, err := ReadCanvas(strings.NewReader("Student,ID,Section,Leaf\n\"Berg, Anna\",1,X," + cell + "\n"))
		if err != nil || len(sheet.Faults) > 0 || sheet.Lines[0].Entries[0].Points.String() != want {
			t.Errorf("%s: %+v, %v", cell, sheet, err)
		}
	}
}

func TestARowThatIsShiftedIsLeftOut(t *testing.T) {
	t.Parallel()
	for _, row := range []string{"Berg, Anna,1,X,7,8,9", "Berg, Anna,1,X,7"} {
		sheet, err := ReadCanvas(strings.NewReader("Student,ID,Section,Leaf,Root,Stem\n" + row + "\n" + "\"Abel, Ben\",2,X,1\n"))
		if err != nil {
			t.Fatal(err)
		}
		if len(sheet.Lines) != 1 || sheet.Lines[0].Last != "Abel" || len(sheet.Faults) != 1 {
			t.Errorf("%s: %+v", row, sheet)
		}
	}
}

func TestFormulasAreDefused(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.must(gradebook.AddSection{Course: "c1", Name: "+blue"})
	b.must(gradebook.AddAssignment{Course: "c1", Title: "=HYPERLINK(1)", Possible: gradebook.Whole(1), Published: true})
	b.must(gradebook.AddAssignment{Course: "c1", Title: "'=quoted", Possible: gradebook.Whole(1), Published: true})
	b.must(gradebook.AddStudent{Course: "c1", First: "@x", Last: "-Evil", Number: "=1", Login: "+49"})
	minus := -gradebook.Whole(5)
	b.must(gradebook.SetScore{Course: "c1", Assignment: "a1", Student: "s1", Points: &minus})
	var out bytes.Buffer
	if err := WriteCanvas(&out, b.table()); err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(&out).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for r, record := range records {
		for c, cell := range record {
			_, notANumber := gradebook.ParsePoints(cell)
			if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) && notANumber != nil {
				t.Errorf("cell %d,%d is %q", r, c, cell)
			}
		}
	}
	if records[2][5] != "-5" {
		t.Errorf("a score below zero became %q", records[2][5])
	}
	if d := b.diff(exported(t, b)); !d.Empty() || len(d.Faults)+len(d.Notes)+len(d.Skipped) > 0 {
		t.Errorf("its own file differs: %s", indented(t, d))
	}
}

func exported(t testing.TB, b *book) string {
	t.Helper()
	var out bytes.Buffer
	if err := WriteCanvas(&out, b.table()); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
