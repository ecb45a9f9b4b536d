package exchange_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	. "github.com/distributedgo/rollcall/services/grading/exchange"
	"github.com/distributedgo/rollcall/services/grading/gradebook"
)

// TestItsOwnFileIsTheCourse writes random courses, reads them back and finds
// no difference; read into an empty course they make the same scores.
func TestItsOwnFileIsTheCourse(t *testing.T) {
	t.Parallel()
	names := []string{"Åse", "O'Neil", "de la Cruz", "=cmd", "-x", "'quoted", "李", "a\"b", "x;y", "Jr."}
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 5))
		b := newBook(t)
		name := func() string { return names[rng.IntN(len(names))] }
		for i := range 1 + rng.IntN(6) {
			b.must(gradebook.AddAssignment{Course: "c1", Title: fmt.Sprint(name(), " ", i, " (", rng.IntN(9), ")"), Possible: gradebook.Points(rng.Int64N(1000000)), Published: true})
		}
		for i := range rng.IntN(8) {
			number := ""
			if rng.IntN(3) > 0 {
				number = fmt.Sprint(name(), i)
			}
			b.must(gradebook.AddStudent{Course: "c1", First: name(), Last: name(), Number: number, Login: fmt.Sprint("=", i)})
			for a := range b.table().Assignments {
				p := gradebook.Points(rng.Int64N(2_000_000) - 500_000)
				cell := gradebook.SetScore{Course: "c1", Assignment: fmt.Sprint("a", a+1), Student: fmt.Sprint("s", i+1), Points: &p}
				switch rng.IntN(4) {
				case 0:
					continue
				case 1:
					cell.Points, cell.Status = nil, gradebook.Excused
				case 2:
					cell.Status = gradebook.Late
				}
				b.must(cell)
			}
		}
		file := exported(t, b)
		if d := b.diff(file); !d.Empty() || len(d.Faults)+len(d.Notes)+len(d.Skipped) > 0 {
			t.Fatalf("seed %d: its own file differs: %s\n%s", seed, indented(t, d), file)
		}
		other := newBook(t)
		other.must(other.diff(file).Change())
		one, two := b.table(), other.table()
		if len(one.Rows) != len(two.Rows) {
			t.Fatalf("seed %d: %d rows became %d", seed, len(one.Rows), len(two.Rows))
		}
		for i := range one.Rows {
			before, after := string(indented(t, one.Rows[i].Final)), string(indented(t, two.Rows[i].Final))
			if before != after {
				t.Fatalf("seed %d: row %d has %s, then %s", seed, i, before, after)
			}
		}
	}
}

// FuzzReadCanvas reads anything. What can be read can be compared; what was
// compared can be applied, whole; and applied once, it makes no difference any
// more.
func FuzzReadCanvas(f *testing.F) {
	f.Add(testdata(f, "canvas.csv"))
	f.Add(testdata(f, "semicolon.csv"))
	f.Add("Student,ID,Section,A\nPoints Possible,,,5\n\"B, C\",1,,\"1,5\"\n")
	f.Add("Student,SIS User ID,Section,'=A (1),'=A (1)\nPoints Possible,,,-5,1\n,'-1,X,EX\n")
	f.Add("Student\tID\tSection\tA s\tQuizzes Final Score\nPoints Possible\t\t\t1\nB\ts1\tX\t1\n")
	f.Fuzz(func(t *testing.T, file string) {
		sheet, err := ReadCanvas(strings.NewReader(file))
		if err != nil {
			if !errors.Is(err, gradebook.ErrInvalid) {
				t.Fatal(err)
			}
			return
		}
		for _, l := range sheet.Lines {
			if len(l.Entries) != len(sheet.Columns) {
				t.Fatalf("line %d has %d cells of %d", l.Row, len(l.Entries), len(sheet.Columns))
			}
		}
		b := newBook(t)
		d := Compare(sheet, b.table(), Options{CreateStudents: true})
		b.must(d.Change())
		again := Compare(sheet, b.table(), Options{Roster: b.Students(), CreateStudents: true})
		if !again.Empty() {
			t.Fatalf("applied, it still differs: %s", indented(t, again))
		}
	})
}
