package main

import (
	"strings"
	"testing"

	"github.com/distributedgo/rollcall/services/grading"
	"github.com/distributedgo/rollcall/services/grading/gradebook"
)

func TestPick(t *testing.T) {
	t.Parallel()
	students := []gradebook.Student{
		{ID: "s1", First: "Ada", Last: "Silva", Number: "S1"},
		{ID: "s2", First: "Ben", Last: "Orlov", Number: "S2", Login: "ben.orlov"},
		{ID: "s3", First: "Ben", Last: "Orlov", Number: "S3", Login: "s1"},
	}
	for name, want := range map[string]string{"s1": "s1", "S2": "S2", "ada silva": "s1", "Silva, Ada": "s1", "BEN.ORLOV": "s2"} {
		got, err := pick("STUDENT", name, students, "", studentNames)
		if err != nil || (got.ID != want && got.Number != want) {
			t.Errorf("%q is %+v, %v, want %s", name, got, err, want)
		}
	}
	for name, want := range map[string]string{"Ben Orlov": "s2, s3", "": "there is none", "zoe": "look here"} {
		if _, err := pick("STUDENT", name, students, "look here", studentNames); err == nil || !isUsage(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", name, err, want)
		}
	}
}

func TestEntry(t *testing.T) {
	t.Parallel()
	half := gradebook.Points(85_5000)
	for _, tc := range []struct {
		points, status string
		want           grading.ScoreEntry
	}{
		{"85.5", "", grading.ScoreEntry{Points: &half}},
		{"85.5", "late", grading.ScoreEntry{Points: &half, Status: gradebook.Late}},
		{"ex", "", grading.ScoreEntry{Status: gradebook.Excused}},
		{"-", "", grading.ScoreEntry{}},
		{"", "missing", grading.ScoreEntry{Status: gradebook.Missing}},
	} {
		got, err := (&setCommand{Points: tc.points, Status: tc.status}).entry()
		same := (got.Points == nil) == (tc.want.Points == nil) && (got.Points == nil || *got.Points == *tc.want.Points)
		if err != nil || !same || got.Status != tc.want.Status {
			t.Errorf("%q %q: got %+v, %v", tc.points, tc.status, got, err)
		}
	}
}

func TestScoreText(t *testing.T) {
	t.Parallel()
	p := gradebook.Points(7_5000)
	for want, s := range map[string]*gradebook.Score{
		"":           {},
		"EX":         {Status: gradebook.Excused},
		"missing":    {Status: gradebook.Missing},
		"7.5":        {Points: &p, Status: gradebook.Graded},
		"7.5 (late)": {Points: &p, Status: gradebook.Late},
	} {
		if got := scoreText(s); got != want {
			t.Errorf("%+v shows as %q, want %q", s, got, want)
		}
	}
	if got := scoreText(nil); got != "" {
		t.Errorf("no score shows as %q", got)
	}
}
