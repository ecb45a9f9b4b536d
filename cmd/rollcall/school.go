package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// The sample school: two years of two sections with 30 pupils each, three
// courses a year, 30 assignments a course. That makes 120 students and some
// 10 000 scores, enough for pages to scroll and for an import to be real.
const (
	sectionSize    = 30
	sampleTerm     = "Autumn 2026"
	sampleExempt   = 0.01  // share of graded cells that are excused instead
	sampleMissed   = 0.015 // share of graded cells left blank
	sampleUngraded = 2     // the last assignments, of which about half is graded
)

// courseFile says what a course is, beside the scores: the part that a CSV of
// scores cannot carry. `rollcall grades create --from` reads it.
type courseFile struct {
	Title      string         `json:"title"`
	Code       string         `json:"code"`
	Term       string         `json:"term"`
	Weighted   bool           `json:"weighted"`
	Categories []categoryFile `json:"categories"`
}

type categoryFile struct {
	Name        string           `json:"name"`
	Weight      string           `json:"weight"` // percent of the total
	Assignments []assignmentFile `json:"assignments"`
}

type assignmentFile struct {
	Title    string    `json:"title"`
	Possible string    `json:"possible"`
	Due      time.Time `json:"due"`
	external int       // the number that Canvas writes after the title
}

// sampleCourse is a course of the sample school with its class list.
type sampleCourse struct {
	courseFile
	Students []sampleStudent
	rng      *rand.Rand
}

type sampleStudent struct {
	First, Last, Login, Section string
	Number                      int     // the school's number, unique in the school
	ability                     float64 // share of the points this one usually gets
}

// sampleSchool invents a school. The same seed gives the same school, on any
// machine: PCG's sequence is fixed by its definition.
func sampleSchool(seed uint64) []sampleCourse {
	rng := rand.New(rand.NewPCG(seed, 0x726f6c6c63616c6c))
	var out []sampleCourse
	names := newNames(rng)
	for _, year := range sampleYears {
		var pupils []sampleStudent
		for _, section := range year.sections {
			for range sectionSize {
				first, last := names.next()
				pupils = append(pupils, sampleStudent{
					First: first, Last: last, Section: section, Login: login(first, last),
					Number:  70000 + 1000*len(out) + 7*len(pupils),
					ability: clamp(0.8+0.11*rng.NormFloat64(), 0.35, 0.99),
				})
			}
		}
		for _, subject := range year.subjects {
			c := sampleCourse{courseFile: subject.file(len(out)), Students: pupils}
			c.rng = rand.New(rand.NewPCG(seed, uint64(len(out)+1)))
			out = append(out, c)
		}
	}
	return out
}

// WriteCanvas writes the class list and its scores as Canvas exports them: one
// column an assignment, the points possible in the second row, then the totals
// that an import passes over.
func (c *sampleCourse) WriteCanvas(w io.Writer) error {
	out := csv.NewWriter(w)
	head := []string{"Student", "ID", "SIS User ID", "SIS Login ID", "Section"}
	possible := []string{"    Points Possible", "", "", "", ""}
	var items []assignmentFile
	for _, g := range c.Categories {
		for _, a := range g.Assignments {
			items = append(items, a)
			head = append(head, fmt.Sprintf("%s (%d)", a.Title, a.external))
			possible = append(possible, a.Possible)
		}
	}
	var totals []string
	for _, g := range c.Categories {
		totals = append(totals, g.Name+" Current Score", g.Name+" Final Score")
	}
	totals = append(totals, "Current Score", "Final Score", "Current Grade", "Final Grade")
	for _, t := range totals {
		head, possible = append(head, t), append(possible, "(read only)")
	}
	rows := [][]string{head, possible}
	for _, s := range c.Students {
		row := []string{s.Last + ", " + s.First, strconv.Itoa(s.Number - 65000), "S" + strconv.Itoa(s.Number), s.Login, s.Section}
		for _, a := range items {
			row = append(row, c.cell(s, a, len(items)))
		}
		rows = append(rows, append(row, make([]string, len(totals))...))
	}
	if err := out.WriteAll(rows); err != nil {
		return fmt.Errorf("write %s: %w", c.Code, err)
	}
	return nil
}

// cell invents one score: in half points, about the student's usual share.
func (c *sampleCourse) cell(s sampleStudent, a assignmentFile, of int) string {
	luck, share := c.rng.Float64(), c.rng.NormFloat64()
	blank := sampleMissed
	if a.external%100 > of-sampleUngraded {
		blank = 0.5
	}
	switch {
	case luck < blank:
		return ""
	case luck < blank+sampleExempt:
		return "EX"
	}
	possible, _ := strconv.ParseFloat(a.Possible, 64) // written by file, below
	halves := int(2*possible*clamp(s.ability+0.1*share, 0, 1) + 0.5)
	return strconv.FormatFloat(float64(halves)/2, 'f', -1, 64)
}

func clamp(x, low, high float64) float64 { return min(max(x, low), high) }

// login makes a sign-in name of plain letters, as in zoe.nunez.
func login(first, last string) string {
	return strings.ToLower(letters.Replace(first + "." + last))
}
