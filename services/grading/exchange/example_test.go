package exchange_test

import (
	"fmt"
	"strings"
	"testing"

	. "github.com/distributedgo/rollcall/services/grading/exchange"
	"github.com/distributedgo/rollcall/services/grading/gradebook"
)

func Example() {
	book := gradebook.New()
	_, _ = book.Apply(gradebook.CreateCourse{Title: "Biology"}, gradebook.Meta{})
	file := "Student,ID,Section,Leaf (7)\n    Points Possible,,,10\n\"Berg, Anna\",1001,Blue,8.5\n\"Abel, Ben\",1002,Blue,eight\n"

	sheet, err := ReadCanvas(strings.NewReader(file))
	if err != nil {
		fmt.Println(err)
		return
	}
	table, _ := book.Table("c1")
	diff := Compare(sheet, table, Options{Roster: book.Students(), CreateStudents: true})
	fmt.Println(len(diff.NewStudents), "students,", len(diff.NewAssignments), "assignment,", len(diff.Changes), "score")
	for _, f := range diff.Faults {
		fmt.Printf("%s %q: %s\n", f.Cell, f.Value, f.Reason)
	}

	_, _ = book.Apply(diff.Change(), gradebook.Meta{}) // the teacher said yes
	table, _ = book.Table("c1")
	for _, row := range table.Rows {
		fmt.Println(row.Student.Name(), row.Scores["a1"].Points)
	}
	// Output:
	// 2 students, 1 assignment, 1 score
	// D4 "eight": write a number with a decimal point, such as 85.5
	// Ben Abel <nil>
	// Anna Berg 8.5
}

// A new course of 200 students by 60 assignments: read, compare, apply.
func BenchmarkImport(b *testing.B) {
	var file strings.Builder
	file.WriteString("Student,ID,Section")
	for a := range 60 {
		fmt.Fprintf(&file, ",Task (%d)", a)
	}
	file.WriteString("\nPoints Possible,," + strings.Repeat(",20", 60) + "\n")
	for s := range 200 {
		fmt.Fprintf(&file, "\"Last%d, First\",%d,Blue%s\n", s, s, strings.Repeat(",12.5", 60))
	}
	b.SetBytes(int64(file.Len()))
	for b.Loop() {
		book := newBook(b)
		book.must(book.diff(file.String()).Change())
	}
}
