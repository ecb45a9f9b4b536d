package gradebook_test

import (
	"errors"
	"testing"

	. "github.com/distributedgo/rollcall/services/grading/gradebook"
)

func TestAnImportIsOneChange(t *testing.T) {
	t.Parallel()
	s := small(t)
	s.must(SetScore{Course: "c1", Assignment: "a1", Student: "s1", Points: points("5"), Comment: ptr("late bus")})
	c := ApplyImport{
		Course: "c1", Source: "bio.csv", Basis: at(version(t, s)),
		Sections:    []ImportSection{{"+x1", "Blue"}},
		Assignments: []ImportAssignment{{Key: "+a1", Title: "Lab", Possible: Whole(20)}},
		Students:    []ImportStudent{{Key: "+s1", First: "Cem", Last: "Çelik", Number: "1003", Section: "+x1"}},
		Scores: []ImportScore{
			{Cell: Cell{Assignment: "a1", Student: "s1"}, Points: points("6"), Base: at(1)},
			{Cell: Cell{Assignment: "+a1", Student: "+s1"}, Points: points("19"), Base: at(0)},
			{Cell: Cell{Assignment: "+a1", Student: "s2"}, Status: Excused, Base: at(0)},
		},
	}
	res := s.must(c)
	if res.IDs["+s1"] != "s3" || res.IDs["+a1"] != "a3" || res.IDs["+x1"] != "x2" || res.Last-res.First+1 != 6 {
		t.Fatalf("got %+v", res)
	}
	if score, _ := s.Score("c1", "a1", "s1"); score.Points.String() != "6" || score.Comment != "late bus" {
		t.Errorf("got %+v; an import must keep comments", score)
	}
	if events := s.Events("c1", res.First, res.Last); events[5].Why != "bio.csv" || events[5].Kind != "applyImport" {
		t.Errorf("got %+v", events[5])
	}
}

func TestAnImportHoldsOnlyWhileItsPreviewDoes(t *testing.T) {
	t.Parallel()
	s := small(t)
	c := ApplyImport{Course: "c1", Basis: at(version(t, s)), Scores: []ImportScore{{Cell: Cell{Assignment: "a1", Student: "s1"}, Points: points("6")}}}

	s.must(SetScore{Course: "c1", Assignment: "a2", Student: "s1", Points: points("1")}) // another cell
	s.must(c)

	c.Basis = at(version(t, s))
	s.must(SetScore{Course: "c1", Assignment: "a1", Student: "s1", Points: points("9")}) // this cell
	_, err := s.try(c)
	conflict, ok := errors.AsType[*ConflictError](err)
	if !ok || len(conflict.Cells) != 1 || conflict.Current.Points.String() != "9" || conflict.Cells[0].Wanted.Points.String() != "6" {
		t.Fatalf("got %v", err)
	}

	c.Basis = at(version(t, s))
	s.must(AddSection{Course: "c1", Name: "Red"}) // the course itself
	before := s.hash()
	if _, err = s.try(c); !errors.Is(err, ErrConflict) || s.hash() != before {
		t.Fatalf("got %v", err)
	}

	c.Basis, c.Scores[0].Base = nil, at(1) // by cell version alone
	if _, err = s.try(c); !errors.Is(err, ErrConflict) {
		t.Fatalf("got %v", err)
	}
}

func TestAnImportIsWholeOrNothing(t *testing.T) {
	t.Parallel()
	s := small(t)
	before := s.hash()
	for name, c := range map[string]ApplyImport{
		"a cell of nobody":      {Students: []ImportStudent{{Key: "+s1", Last: "New"}}, Scores: []ImportScore{{Cell: Cell{Assignment: "a1", Student: "+s2"}}}},
		"a key twice":           {Sections: []ImportSection{{"+x", "One"}, {"+x", "Two"}}},
		"a key that is an id":   {Sections: []ImportSection{{"x1", "One"}}},
		"a student twice":       {Students: []ImportStudent{{Key: "+s1", Last: "New", Number: "7"}, {Key: "+s2", Last: "New", Number: "7"}}},
		"a name of nothing":     {Assignments: []ImportAssignment{{Key: "+a1", Title: " "}}},
		"a number taken":        {Assignments: []ImportAssignment{{Key: "+a1", Title: "A", External: "5"}, {Key: "+a2", Title: "B", External: "5"}}},
		"a category of nowhere": {Assignments: []ImportAssignment{{Key: "+a1", Title: "A", Category: "+g9"}}},
	} {
		c.Course = "c1"
		if _, err := s.try(c); !errors.Is(err, ErrInvalid) && !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
		if s.hash() != before {
			t.Fatalf("%s left something behind", name)
		}
	}
}

func version(t *testing.T, s *school) uint64 {
	t.Helper()
	c, err := s.Course("c1")
	if err != nil {
		t.Fatal(err)
	}
	return c.Version
}

func TestHistoryIsReadInPages(t *testing.T) {
	t.Parallel()
	s := small(t)
	for i := range 25 {
		s.must(SetScore{Course: "c1", Assignment: []string{"a1", "a2"}[i%2], Student: "s1", Points: ptr(Whole(int64(i)))})
	}
	var got []string
	for before := uint64(0); ; {
		page := s.History(Filter{Course: "c1", Assignment: "a1", Before: before, Limit: 5})
		for _, e := range page {
			if e.After != nil {
				got = append(got, e.After.Points.String())
			}
		}
		if len(page) == 0 {
			break
		}
		before = page[len(page)-1].Seq
	}
	if len(got) != 13 || got[0] != "24" || got[12] != "0" {
		t.Errorf("got %v", got)
	}
	whole := s.History(Filter{})
	for i := range whole {
		if whole[i].Seq != s.Seq()-uint64(i) {
			t.Fatalf("line %d has seq %d", i, whole[i].Seq)
		}
	}
	if n := len(s.History(Filter{By: "u2"})); n != 25 {
		t.Errorf("Tom has %d lines", n)
	}
	from := whole[4].At
	if n := len(s.History(Filter{From: from, To: from.Add(1)})); n != 1 {
		t.Errorf("%d lines at one time", n)
	}
	if got := s.History(Filter{Course: "c7"}); got == nil || len(got) != 0 {
		t.Errorf("got %v", got)
	}
}

func TestSummaries(t *testing.T) {
	t.Parallel()
	s := small(t)
	s.must(SetScore{Course: "c1", Assignment: "a1", Student: "s1", Points: points("9")})
	s.must(SetScore{Course: "c1", Assignment: "a1", Student: "s2", Points: points("10")})
	s.must(UpdateAssignment{Course: "c1", Assignment: "a2", Due: ptr(epoch.AddDate(0, 0, 7))})
	sum := s.Summaries(epoch)[0]
	if sum.Average == nil || *sum.Average != "95.00" || sum.ToGrade != 0 || sum.Students != 2 || sum.Assignments != 2 {
		t.Errorf("got %+v", sum)
	}
	if later := s.Summaries(epoch.AddDate(0, 0, 8))[0]; later.ToGrade != 2 {
		t.Errorf("got %+v", later)
	}
}
