package gradebook_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/distributedgo/rollcall/services/grading/gradebook"
)

func Example() {
	book := New()
	apply := func(c Change) Result {
		res, err := book.Apply(c, Meta{At: time.Date(2026, 9, 1, 8, 0, 0, 0, time.UTC), By: "u1", ByName: "Ms. Noether"})
		if err != nil {
			fmt.Println(err)
		}
		return res
	}
	course := apply(CreateCourse{Title: "Algebra"}).ID
	student := apply(AddStudent{Course: course, First: "Emil", Last: "Artin"}).ID
	task := apply(AddAssignment{Course: course, Title: "Rings", Possible: Whole(12), Published: true}).ID

	nine, seen := Whole(9), uint64(0)
	apply(SetScore{Course: course, Assignment: task, Student: student, Points: &nine, Base: &seen})
	apply(SetScore{Course: course, Assignment: task, Student: student, Points: &nine, Base: &seen})

	table, _ := book.Table(course)
	for _, row := range table.Rows {
		fmt.Println(row.Student.Name(), *row.Current.Percent, row.Current.Letter)
	}
	// Output:
	// score of s1 for a1 is at version 1, not 0: look at it and decide again
	// Emil Artin 75.00 C
}

// tableText returns course c1 as JSON, to be compared.
func tableText(t testing.TB, b interface {
	Table(string) (Gradebook, error)
}) string {
	t.Helper()
	g, err := b.Table("c1")
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(g)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// samples has one change of each kind, all of which the small school takes.
func samples() []Change {
	return []Change{
		CreateAccount{Name: "new", Role: RoleTeacher, Hash: "$x"},
		UpdateAccount{Account: "u2", Display: ptr("T. Teacher")},
		SetPassword{Account: "u2", Hash: "$y"},
		SignOut{Account: "u2"},
		RecordToken{ID: "t1", Name: "nightly", Role: RoleReader, Expires: epoch.AddDate(1, 0, 0)},
		RevokeID{ID: "t1", Expires: epoch.AddDate(1, 0, 0)},
		CreateCourse{Title: "Physics", Teachers: []string{"u2"}, Scheme: Scheme{Name: "Pass", Steps: []Step{{"pass", Whole(50)}, {"fail", 0}}}},
		UpdateCourse{Course: "c1", Title: ptr("Biology II"), Weighted: ptr(false)},
		AddSection{Course: "c1", Name: "Green"},
		AddCategory{Course: "c1", Name: "Projects", Weight: *points("12.5")},
		UpdateCategory{Course: "c1", Category: "g1", Weight: points("40")},
		AddAssignment{Course: "c1", Title: "Root", Possible: Whole(5), Due: ptr(epoch.AddDate(0, 1, 0))},
		UpdateAssignment{Course: "c1", Assignment: "a1", Title: ptr("Leaves"), ClearDue: true},
		AddStudent{Course: "c1", First: "Cem", Last: "Çelik", Number: "1003"},
		UpdateStudent{Student: "s1", First: ptr("Änne")},
		SetEnrollment{Course: "c1", Student: "s2", Status: ptr(Withdrawn)},
		SetScore{Course: "c1", Assignment: "a1", Student: "s1", Points: points("8.25"), Comment: ptr("line one\nline two"), Base: at(0)},
		SetScores{Course: "c1", Scores: []CellScore{{Cell: Cell{Assignment: "a2", Student: "s1"}, Points: points("39"), Status: Late}}, Why: "pasted"},
		ApplyImport{Course: "c1", Source: "grades.csv", Sections: []ImportSection{{"+x1", "Blue"}}, Students: []ImportStudent{{Key: "+s1", First: "Dee", Last: "Dee", Section: "+x1"}},
			Categories: []ImportCategory{{"+g1", "Labs", 0}}, Assignments: []ImportAssignment{{Key: "+a1", Title: "Lab", Category: "+g1", Possible: Whole(3), External: "77"}},
			Scores: []ImportScore{{Cell: Cell{Assignment: "+a1", Student: "+s1"}, Points: points("2.5"), Base: at(0)}}},
	}
}

func TestEveryChangeTravels(t *testing.T) {
	t.Parallel()
	s, other := small(t), small(t)
	var kinds []string
	for _, c := range samples() {
		kinds = append(kinds, c.Kind())
		payload, err := Encode(c)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Decode(c.Kind(), payload)
		if err != nil || !reflect.DeepEqual(c, again) {
			t.Errorf("%s became %+v, %v", c.Kind(), again, err)
		}
		s.must(c)
		other.must(again)
	}
	if s.hash() != other.hash() {
		t.Error("a decoded change does something else")
	}
	slices.Sort(kinds)
	if !slices.Equal(kinds, Kinds()) {
		t.Errorf("samples has %v, the language %v", kinds, Kinds())
	}
}

func TestDecodeIsStrict(t *testing.T) {
	t.Parallel()
	if _, err := Decode("timeTravel", []byte(`{}`)); !errors.Is(err, ErrUnknownKind) {
		t.Errorf("got %v", err)
	}
	for _, payload := range []string{``, `{`, `null x`, `{"account":"u1","wings":2}`, `{"account":7}`, `{"account":"u1"}{}`, `[]`} {
		if _, err := Decode("signOut", []byte(payload)); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", payload, err)
		}
	}
}

// TestARefusedChangeLeavesNoTrace breaks every sample in every field that can
// name something, and applies it.
func TestARefusedChangeLeavesNoTrace(t *testing.T) {
	t.Parallel()
	s := small(t)
	before, table := s.hash(), tableText(t, s)
	refused := 0
	for _, c := range samples() {
		payload, _ := Encode(c)
		var fields map[string]any
		if err := json.Unmarshal(payload, &fields); err != nil {
			t.Fatal(err)
		}
		for name, value := range fields {
			for _, bad := range []any{"", "c99", "a0", "s01", "u-1", "-7", "bell \a", strings.Repeat("x", 5000), nil} {
				if reflect.TypeOf(value) != reflect.TypeFor[string]() {
					continue
				}
				fields[name] = bad
				broken, _ := json.Marshal(fields)
				change, err := Decode(c.Kind(), broken)
				if err != nil {
					continue
				}
				_, err = s.try(change)
				if err == nil {
					s = small(t) // some of these values are fine
					continue
				}
				refused++
				if !errors.Is(err, ErrInvalid) && !errors.Is(err, ErrNotFound) {
					t.Errorf("%s with %s %q: %v", c.Kind(), name, bad, err)
				}
				if s.hash() != before || tableText(t, s) != table {
					t.Fatalf("%s with %s %q left a trace", c.Kind(), name, bad)
				}
			}
			fields[name] = value
		}
	}
	if refused < 100 {
		t.Errorf("only %d changes were refused", refused)
	}
}

func TestAFrozenViewStaysAsItWas(t *testing.T) {
	t.Parallel()
	s := small(t)
	type moment struct {
		*Frozen
		hash, table string
	}
	var moments []moment
	keep := func() {
		f := s.Freeze()
		moments = append(moments, moment{f, fmt.Sprintf("%x", f.Hash()), tableText(t, f)})
	}
	rng := rand.New(rand.NewPCG(3, 3))
	for range 3 {
		for _, c := range samples() {
			keep()
			_, _ = s.try(c) // refused or not
			_, _ = s.try(randomScore(rng))
		}
	}
	for i, m := range moments {
		if fmt.Sprintf("%x", m.Hash()) != m.hash || tableText(t, m) != m.table {
			t.Fatalf("view %d moved", i)
		}
	}
}

func TestReadersAndTheWriterDoNotMeet(t *testing.T) {
	t.Parallel()
	s := small(t)
	views := make(chan *Frozen, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for f := range views {
			if _, err := f.Table("c1"); err != nil {
				t.Error(err)
			}
			f.Hash()
			f.History(Filter{})
			f.Summaries(epoch)
		}
	}()
	rng := rand.New(rand.NewPCG(4, 4))
	for range 500 {
		views <- s.Freeze()
		_, _ = s.try(randomScore(rng))
	}
	close(views)
	<-done
}

func randomScore(rng *rand.Rand) Change {
	cell := func() (string, string) { return fmt.Sprint("a", 1+rng.IntN(3)), fmt.Sprint("s", 1+rng.IntN(4)) }
	value := func() *Points { return ptr(Points(rng.Int64N(400_000))) }
	a, s := cell()
	switch rng.IntN(4) {
	case 0:
		return SetScore{Course: "c1", Assignment: a, Student: s, Status: Excused}
	case 1:
		return SetScore{Course: "c1", Assignment: a, Student: s, Points: value(), Base: at(rng.Uint64N(4))}
	case 2:
		batch := SetScores{Course: "c1", Each: rng.IntN(2) == 0}
		for range rng.IntN(6) {
			a, s := cell()
			batch.Scores = append(batch.Scores, CellScore{Cell: Cell{Assignment: a, Student: s}, Points: value(), Base: at(rng.Uint64N(6))})
		}
		return batch
	}
	return SetScore{Course: "c1", Assignment: a, Student: s, Points: value(), Comment: ptr(fmt.Sprint(rng.IntN(9)))}
}

// TestReplicasAgree gives two books the same random changes, one of them going
// through a snapshot now and then, as a node does that restarts.
func TestReplicasAgree(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 1))
		s, other := small(t), small(t)
		changes := samples()
		for i := range 200 {
			c := randomScore(rng)
			if i%10 == 0 {
				c = changes[rng.IntN(len(changes))]
			}
			res, err := s.try(c)
			res2, err2 := other.try(c)
			if fmt.Sprint(err) != fmt.Sprint(err2) || !reflect.DeepEqual(res, res2) {
				t.Fatalf("seed %d: %v, %v and %v, %v", seed, res, err, res2, err2)
			}
			if i%50 == 25 {
				other.Book = reread(t, other.Book)
			}
		}
		if s.hash() != other.hash() {
			t.Fatalf("seed %d: the books differ", seed)
		}
		one, _ := s.Table("c1")
		two, _ := other.Table("c1")
		if !reflect.DeepEqual(one, two) {
			t.Fatalf("seed %d: the tables differ", seed)
		}
		if h1, h2 := s.History(Filter{Limit: MaxEvents}), other.History(Filter{Limit: MaxEvents}); !reflect.DeepEqual(h1, h2) {
			t.Fatalf("seed %d: the histories differ", seed)
		}
	}
}
