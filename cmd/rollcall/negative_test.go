package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

func TestANegativeNumberIsNoFlag(t *testing.T) {
	t.Parallel()
	var g grammar
	parser, err := kong.New(&g)
	if err != nil {
		t.Fatal(err)
	}
	for in, want := range map[string]string{
		"grades set C A S -5":              "grades set C A S -- -5",
		"grades set C A S -.5 --why error": "grades set C A S --why error -- -.5",
		"grades set C A S --json -5":       "grades set C A S --json -- -5",
		"grades set C A S 5":               "grades set C A S 5",
		"grades set C A S -":               "grades set C A S -",
		"grades set C A S -- -5":           "grades set C A S -- -5",
		"grades set C A S --base -5 7":     "grades set C A S --base -5 7",
		"grades set C A S --why=x -5":      "grades set C A S --why=x -- -5",
		"logs -n -5":                       "logs -n -5",
	} {
		if got := negatives(parser.Model, strings.Fields(in)); !slices.Equal(got, strings.Fields(want)) {
			t.Errorf("%s: got %q, want %s", in, got, want)
		}
	}
	if _, err := parser.Parse(negatives(parser.Model, strings.Fields("grades set C A S -5 --why error"))); err != nil || g.Grades.Set.Points != "-5" {
		t.Errorf("points %q, %v", g.Grades.Set.Points, err)
	}
}
