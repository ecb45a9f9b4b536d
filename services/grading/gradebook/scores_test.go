package gradebook_test

import (
	"errors"
	"testing"

	. "github.com/distributedgo/rollcall/services/grading/gradebook"
)

func TestAScoreCountsItsVersions(t *testing.T) {
	t.Parallel()
	s := small(t)
	first := s.must(SetScore{Course: "c1", Assignment: "a1", Student: "s1", Points: points("8.5"), Comment: ptr("neat"), Base: at(0)})
	if first.Score.Version != 1 || first.Score.Status != Graded || first.Score.By != "u2" || first.First == 0 || first.First != first.Last {
		t.Fatalf("got %+v", first)
	}
	second := s.must(SetScore{Course: "c1", Assignment: "a1", Student: "s1", Points: points("9"), Base: at(1)})
	if second.Score.Version != 2 || second.Score.Comment != "neat" {
		t.Errorf("got %+v; a write without a comment must keep the one that is there", *second.Score)
	}
	cleared := s.must(SetScore{Course: "c1", Assignment: "a1", Student: "s1", Comment: ptr(""), Why: "typed in the wrong row"})
	if cleared.Score.Version != 3 || cleared.Score.Points != nil || cleared.Score.Status != "" || cleared.Score.Comment != "" {
		t.Errorf("got %+v", *cleared.Score)
	}
	events := s.History(Filter{Course: "c1", Student: "s1", Assignment: "a1"})
	if len(events) != 3 || events[0].Why != "typed in the wrong row" || events[0].Before.Points.String() != "9" || events[2].Before != nil {
		t.Errorf("got %+v", events)
	}
}

func TestAStaleWriteIsRefusedAndRemembered(t *testing.T) {
	t.Parallel()
	s := small(t)
	s.must(SetScore{Course: "c1", Assignment: "a1", Student: "s1", Points: points("8")})
	table, _ := s.Table("c1")
	_, err := s.try(SetScore{Course: "c1", Assignment: "a1", Student: "s1", Points: points("5"), Base: at(0)})
	conflict, ok := errors.AsType[*ConflictError](err)
	if !ok || !errors.Is(err, ErrConflict) || conflict.Current.Points.String() != "8" || conflict.Current.ByName != "Tom Teacher" {
		t.Fatalf("got %v", err)
	}
	if now, _ := s.Score("c1", "a1", "s1"); now.Points.String() != "8" || now.Version != 1 {
		t.Errorf("the cell became %+v", now)
	}
	after, _ := s.Table("c1")
	if after.Version != table.Version {
		t.Error("a refusal moved the course's version")
	}
	last := s.History(Filter{Course: "c1", Limit: 1})[0]
	if last.Kind != KindRefused || last.After.Points.String() != "5" || last.Before.Points.String() != "8" || last.After.Version != 0 {
		t.Errorf("both values belong in the history, got %+v", last)
	}
	// The one who lost looks, and decides for their value after all.
	s.must(SetScore{Course: "c1", Assignment: "a1", Student: "s1", Points: points("5"), Base: at(1)})
}

func TestManyScoresAllOrNothing(t *testing.T) {
	t.Parallel()
	s := small(t)
	s.must(SetScore{Course: "c1", Assignment: "a2", Student: "s2", Points: points("30")})
	batch := SetScores{Course: "c1", Scores: []CellScore{
		{Cell: Cell{Assignment: "a1", Student: "s1"}, Points: points("7"), Base: at(0)},
		{Cell: Cell{Assignment: "a2", Student: "s2"}, Points: points("31"), Base: at(0)},
	}}
	_, err := s.try(batch)
	conflict, ok := errors.AsType[*ConflictError](err)
	if !ok || len(conflict.Cells) != 1 || conflict.Cells[0].Student != "s2" || conflict.Current.Version != 1 {
		t.Fatalf("got %v", err)
	}
	if now, _ := s.Score("c1", "a1", "s1"); now.Version != 0 {
		t.Fatal("half of a refused batch was written")
	}
	before := s.hash()
	batch.Scores[1] = CellScore{Cell: Cell{Assignment: "a9", Student: "s2"}, Points: points("1")}
	if _, err = s.try(batch); !errors.Is(err, ErrNotFound) {
		t.Fatalf("got %v", err)
	}
	batch.Scores[1] = CellScore{Cell: Cell{Assignment: "a2", Student: "s2"}, Status: "wonderful"}
	_, err = s.try(batch)
	if bad, ok := errors.AsType[*InvalidError](err); !ok || bad.Field != "scores[1].status" || bad.Value != "wonderful" {
		t.Fatalf("got %v", err)
	}
	if s.hash() != before {
		t.Fatal("a refused batch left something behind")
	}
}

func TestManyScoresCellByCell(t *testing.T) {
	t.Parallel()
	s := small(t)
	s.must(SetScore{Course: "c1", Assignment: "a2", Student: "s2", Points: points("30")})
	res := s.must(SetScores{Course: "c1", Each: true, Scores: []CellScore{
		{Cell: Cell{Assignment: "a1", Student: "s1"}, Points: points("7"), Base: at(0)},
		{Cell: Cell{Assignment: "a2", Student: "s2"}, Points: points("31"), Base: at(0)},
		{Cell: Cell{Assignment: "a7", Student: "s2"}, Points: points("31")},
		{Cell: Cell{Assignment: "a1", Student: "s2"}, Status: Excused, Points: points("1")},
		{Cell: Cell{Assignment: "a1", Student: "s2"}, Status: Excused},
	}})
	if c := res.Cells; len(c) != 5 || c[0].Version != 1 || c[0].Error != "" || c[1].Current.Points.String() != "30" || c[1].Error == "" ||
		c[2].Error == "" || c[3].Error == "" || c[4].Version != 1 || c[4].Error != "" {
		t.Fatalf("got %+v", res.Cells)
	}
	events := s.Events("c1", res.First, res.Last)
	if len(events) != 3 || events[0].Kind != "setScores" || events[1].Kind != KindRefused || events[2].After.Status != Excused {
		t.Errorf("the history tells %+v", events)
	}
}

func TestEntriesThatMakeNoSense(t *testing.T) {
	t.Parallel()
	s := small(t)
	for name, c := range map[string]SetScore{
		"graded without points": {Status: Graded},
		"excused with points":   {Status: Excused, Points: points("3")},
		"unknown status":        {Status: "lost"},
		"too many points":       {Points: ptr(MaxPoints + 1)},
		"control character":     {Points: points("3"), Comment: ptr("bell \a")},
		"not UTF-8":             {Points: points("3"), Comment: ptr("\xff")},
	} {
		c.Course, c.Assignment, c.Student = "c1", "a1", "s1"
		if _, err := s.try(c); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
