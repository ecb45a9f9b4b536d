package gradebook_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	. "github.com/distributedgo/rollcall/services/grading/gradebook"
)

// school drives a book in tests: each change a second after the last.
type school struct {
	t testing.TB
	*Book
	by, byName string
	n          uint64
}

var epoch = time.Date(2026, 9, 1, 8, 0, 0, 0, time.UTC)

func newSchool(t testing.TB) *school {
	return &school{t: t, Book: New(), by: "u1", byName: "Ada Admin"}
}

func (s *school) meta() Meta {
	s.n++
	return Meta{At: epoch.Add(time.Duration(s.n) * time.Second), By: s.by, ByName: s.byName, Node: "n1", Index: s.n}
}

func (s *school) try(c Change) (Result, error) { return s.Apply(c, s.meta()) }

func (s *school) must(c Change) Result {
	s.t.Helper()
	res, err := s.try(c)
	if err != nil {
		s.t.Fatalf("%s: %v", c.Kind(), err)
	}
	return res
}

func (s *school) hash() string { return fmt.Sprintf("%x", s.Hash()) }

// small makes a school with every kind of thing in it: course c1 with
// categories g1 and g2, assignments a1 (10 points) and a2 (40 points) in one
// each, students s1 and s2.
func small(t testing.TB) *school {
	s := newSchool(t)
	s.must(CreateAccount{Name: "ada", Display: "Ada Admin", Role: RoleAdmin, Hash: "$argon2id$x"})
	s.must(CreateAccount{Name: "tom", Display: "Tom Teacher", Role: RoleTeacher, Hash: "$argon2id$y"})
	s.must(CreateCourse{Title: "Biology", Code: "BIO-1", Term: "Fall", Weighted: true, Teachers: []string{"u2"}})
	s.must(AddCategory{Course: "c1", Name: "Homework", Weight: Whole(50)})
	s.must(AddCategory{Course: "c1", Name: "Tests", Weight: Whole(50)})
	s.must(AddAssignment{Course: "c1", Title: "Leaf", Category: "g1", Possible: Whole(10), Published: true})
	s.must(AddAssignment{Course: "c1", Title: "Exam", Category: "g2", Possible: Whole(40), Published: true})
	s.must(AddStudent{Course: "c1", First: "Anna", Last: "Berg", Number: "1001", Login: "aberg"})
	s.must(AddStudent{Course: "c1", First: "Ben", Last: "Abel", Number: "1002", Login: "babel"})
	s.by, s.byName = "u2", "Tom Teacher"
	return s
}

// crowded makes one course of so many students and assignments, all graded.
func crowded(t testing.TB, students, assignments int) *school {
	s := newSchool(t)
	s.must(CreateCourse{Title: "Everything", Weighted: true})
	for i, name := range []string{"Homework", "Quizzes", "Tests"} {
		s.must(AddCategory{Course: "c1", Name: name, Weight: Whole(int64(20 + 20*i))})
	}
	for i := range assignments {
		s.must(AddAssignment{Course: "c1", Title: fmt.Sprint("Task ", i), Category: fmt.Sprint("g", i%3+1), Possible: Whole(int64(10 + i)), Published: true})
	}
	rng := rand.New(rand.NewPCG(1, 2))
	var all []CellScore
	for i := range students {
		s.must(AddStudent{Course: "c1", First: fmt.Sprint("First", i), Last: fmt.Sprint("Last", i), Number: fmt.Sprint(i)})
		for a := range assignments {
			all = append(all, CellScore{Cell: Cell{Assignment: fmt.Sprint("a", a+1), Student: fmt.Sprint("s", i+1)}, Points: points(fmt.Sprint(rng.IntN(10+a), ".", rng.IntN(9)))})
		}
	}
	s.must(SetScores{Course: "c1", Scores: all})
	return s
}

func points(text string) *Points {
	p, err := ParsePoints(text)
	if err != nil {
		panic(err) // a test's own literal
	}
	return &p
}

func at(v uint64) *uint64 { return &v }

func ptr[T any](v T) *T { return &v }

func snapshot(t testing.TB, f *Frozen) []byte {
	t.Helper()
	var out bytes.Buffer
	n, err := f.WriteTo(&out)
	if err != nil || n != int64(out.Len()) {
		t.Fatalf("WriteTo = %d, %v; wrote %d", n, err, out.Len())
	}
	return out.Bytes()
}
