package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// All people here are invented. The names carry what real class lists carry:
// accents, apostrophes, hyphens, and letters outside Latin-1.
var (
	firstNames = strings.Fields(`Ada Aiko Amara Anton Asha Beatriz Ben Björn Camille Chidi Clara Dara Diego Dmitri Edda
		Elif Emeka Enzo Esra Fatima Felix Freya Gita Hana Henrik Ida Ines Isak Jamal Jana João Juno Kaia Kofi Lars Leila
		Linh Łucja Maël Maia Mateo Mina Nadia Nia Noor Olga Omar Otto Paulo Priya Quinn Rania Ravi Rosa Sami Sanna Soren
		Tala Theo Tomás Uma Vera Viktor Wanda Xiomara Yara Yusuf Zoë`)
	lastNames = strings.Fields(`Abara Achterberg Almeida Andersson Baranowski Bellamy Bianchi Bright Castellanos Chowdhury
		D'Amico Dvořák Eriksen Farouk Fischer Fontaine Garrick Grünwald Haddad Hartley Hoshino Ibarra Ivanov Jansen
		Jovanović Kamara Kask Keller Kowalczyk Lindqvist López-Vega Madsen Marchetti Mbeki Meyerhof Moreau Nakano Nguyen
		Núñez O'Hara Okonkwo Olsen Orlov Pellegrini Petrov Quist Rahman Reyes Rossi Sandoval Schreiber Silva Sørensen
		Takeda Tanaka Thorne Ueda Varga Vestergaard Whitlock Yilmaz Zamora Zieliński`)
	letters = strings.NewReplacer(
		"ö", "o", "Ł", "l", "ł", "l", "ã", "a", "ë", "e", "á", "a", "ó", "o", "ř", "r", "ü", "u", "ć", "c", "ú", "u",
		"ñ", "n", "ø", "o", "ń", "n", "'", "", "-", "", "Ž", "z", "ž", "z")
)

// names deals first and last names so that no two students share both.
type names struct {
	rng  *rand.Rand
	used map[string]bool
}

func newNames(rng *rand.Rand) *names { return &names{rng, map[string]bool{}} }

func (n *names) next() (first, last string) {
	for {
		first, last = firstNames[n.rng.IntN(len(firstNames))], lastNames[n.rng.IntN(len(lastNames))]
		if who := first + " " + last; !n.used[who] {
			n.used[who] = true
			return first, last
		}
	}
}

// subject is a course's plan, from which file makes its assignments.
type subject struct {
	title, code string
	weighted    bool
	groups      []group
}

// group is a category: how many assignments, of how many points each.
type group struct {
	name     string
	weight   int // percent
	of       string
	count    int
	possible int
}

var sampleYears = []struct {
	sections []string
	subjects []subject
}{
	{[]string{"7A", "7B"}, []subject{
		{"Mathematics 7", "MATH-7", true, []group{{"Homework", 30, "Homework", 18, 10}, {"Quizzes", 30, "Quiz", 8, 20}, {"Tests", 40, "Test", 4, 100}}},
		{"English 7", "ENGL-7", true, []group{{"Reading", 35, "Reading log", 16, 5}, {"Essays", 45, "Essay", 6, 50}, {"Speaking", 20, "Speaking", 8, 20}}},
		{"Science 7", "SCI-7", false, []group{{"Labs", 0, "Lab report", 12, 20}, {"Worksheets", 0, "Worksheet", 14, 10}, {"Tests", 0, "Test", 4, 60}}},
	}},
	{[]string{"8A", "8B"}, []subject{
		{"History 8", "HIST-8", true, []group{{"Sources", 40, "Source study", 15, 12}, {"Essays", 40, "Essay", 5, 40}, {"Quizzes", 20, "Quiz", 10, 15}}},
		{"Physics 8", "PHYS-8", true, []group{{"Labs", 50, "Lab report", 14, 25}, {"Problems", 20, "Problem set", 12, 10}, {"Exams", 30, "Exam", 4, 80}}},
		{"French 8", "FREN-8", false, []group{{"Vocabulary", 0, "Vocabulary", 18, 10}, {"Listening", 0, "Listening", 8, 20}, {"Tests", 0, "Test", 4, 50}}},
	}},
}

// file writes the plan out: numbered titles, due on school days from the first
// Monday of the term, and the numbers that Canvas would give them.
func (s subject) file(number int) courseFile {
	c := courseFile{Title: s.title, Code: s.code, Term: sampleTerm, Weighted: s.weighted}
	start := time.Date(2026, time.September, 7, 15, 0, 0, 0, time.UTC)
	external := 100 * (number + 11)
	for _, g := range s.groups {
		cat := categoryFile{Name: g.name, Weight: fmt.Sprint(g.weight)}
		for i := range g.count {
			external++
			day := (i + 1) * 84 / (g.count + 1) // spread over twelve weeks
			due := start.AddDate(0, 0, day)
			if wd := due.Weekday(); wd == time.Saturday || wd == time.Sunday {
				due = due.AddDate(0, 0, 2)
			}
			cat.Assignments = append(cat.Assignments, assignmentFile{
				Title: fmt.Sprintf("%s %d", g.of, i+1), Possible: fmt.Sprint(g.possible), Due: due, external: external,
			})
		}
		c.Categories = append(c.Categories, cat)
	}
	return c
}
