package main

import (
	"testing"

	"github.com/distributedgo/rollcall/services/grading/gradebook"
)

// wrote is one event of the history: a writer's cell got a value of this name.
func wrote(student, name string) gradebook.Event {
	return gradebook.Event{Student: student, After: &gradebook.Score{Comment: name}}
}

func TestTallyFindsEveryCrime(t *testing.T) {
	t.Parallel()
	good := []gradebook.Event{wrote("s1", "a1"), wrote("s2", "b1"), wrote("s1", "a2"), wrote("s1", "a3")}
	cells := map[string]string{"s1": "a3", "s2": "b1", "s3": ""}
	for name, tc := range map[string]struct {
		acks   []string
		events []gradebook.Event
		cells  map[string]string
		want   Tally
	}{
		"all is well":                 {[]string{"a1", "b1", "a2", "a3"}, good, cells, Tally{Acknowledged: 4}},
		"applied but never answered":  {[]string{"a1", "b1", "a2"}, good, cells, Tally{Acknowledged: 3}},
		"acknowledged and lost":       {[]string{"a1", "b1", "a2", "a3", "b2"}, good, cells, Tally{Acknowledged: 5, Lost: 1}},
		"applied twice":               {[]string{"a1"}, append(good[:4:4], wrote("s1", "a3")), cells, Tally{Acknowledged: 1, Doubled: 1}},
		"doubled without an answer":   {nil, []gradebook.Event{wrote("s1", "a1"), wrote("s1", "a1")}, map[string]string{"s1": "a1"}, Tally{Doubled: 1}},
		"an old one after a new one":  {[]string{"a2", "a1"}, []gradebook.Event{wrote("s1", "a2"), wrote("s1", "a1")}, map[string]string{"s1": "a1"}, Tally{Acknowledged: 2, Reordered: 1}},
		"cell and history disagree":   {[]string{"a1"}, []gradebook.Event{wrote("s1", "a1")}, map[string]string{"s1": "a0"}, Tally{Acknowledged: 1, Stale: 1}},
		"nothing was there at all":    {[]string{"a1"}, nil, nil, Tally{Acknowledged: 1, Lost: 1}},
		"another student's same name": {nil, []gradebook.Event{wrote("s1", "x2"), wrote("s2", "x1")}, map[string]string{"s1": "x2", "s2": "x1"}, Tally{}},
	} {
		if got := tally(tc.acks, tc.events, tc.cells); got != tc.want {
			t.Errorf("%s: got %+v, want %+v", name, got, tc.want)
		}
	}
}

func TestVerdict(t *testing.T) {
	t.Parallel()
	for _, bad := range []Tally{{}, {Acknowledged: 1, Lost: 1}, {Acknowledged: 1, Doubled: 1}, {Acknowledged: 1, Reordered: 1}, {Acknowledged: 1, Stale: 1}} {
		if (&Report{Tally: bad}).verdict() == nil {
			t.Errorf("%+v passes", bad)
		}
	}
	if err := (&Report{Tally: Tally{Acknowledged: 1}}).verdict(); err != nil {
		t.Error(err)
	}
}
