package exchange

import (
	"fmt"
	"slices"
	"strings"

	"github.com/distributedgo/rollcall/services/grading/gradebook"
)

// columns finds the assignment each column is about, or proposes a new one.
func (c *comparison) columns() []target {
	targets := make([]target, len(c.sheet.Columns))
	taken := map[string]string{} // assignment → header that has it
	for i, col := range c.sheet.Columns {
		a, why := c.assignment(col)
		if why == "" && a.id == "" {
			a, why = c.newAssignment(col)
		}
		if other, twice := taken[a.id]; why == "" && twice {
			why = fmt.Sprintf("column %q is about the same assignment; this one is left out", clip(other))
		}
		if why != "" {
			c.fault(0, col.Name, "", why)
			continue
		}
		taken[a.id], targets[i] = col.Name, a
	}
	return targets
}

// assignment finds the assignment of a column. The surest sign wins: the number
// in the other system with the title, our own number with the title (our own
// files), that other number alone, and last the title, if only one has it.
func (c *comparison) assignment(col Column) (t target, why string) {
	const (
		none = iota
		byTitle
		byNumber
		byOwnNumber
		byBoth
	)
	best, found, count := none, gradebook.Assignment{}, 0
	for _, a := range c.table.Assignments {
		title, number := a.Title == col.Title, a.External != "" && a.External == col.External
		sign := none
		switch {
		case title && number:
			sign = byBoth
		case title && a.External == "" && a.ID == "a"+col.External:
			sign = byOwnNumber
		case number:
			sign = byNumber
		case title && (a.External == "" || col.External == ""), a.Title == col.Name:
			sign = byTitle
		}
		if sign > best {
			best, found, count = sign, a, 0
		}
		if sign == best {
			count++
		}
	}
	switch {
	case best == none:
		return target{}, ""
	case count > 1:
		return target{}, "several assignments have this title; put the number of the one meant in brackets behind it"
	}
	return target{found.ID, found.Title}, ""
}

// newAssignment proposes an assignment for a column nobody knows, unless an
// earlier column proposed the same.
func (c *comparison) newAssignment(col Column) (t target, why string) {
	for _, a := range c.NewAssignments {
		if a.External == col.External && (a.External != "" || a.Title == col.Title) {
			return target{a.Key, a.Title}, ""
		}
	}
	if col.Possible == nil {
		return target{}, "this assignment is new, and its points possible are missing: put them in the second line"
	}
	if have := len(c.table.Assignments) + len(c.NewAssignments); have >= gradebook.MaxAssignments {
		return target{}, fmt.Sprintf("a course has at most %d assignments", gradebook.MaxAssignments)
	}
	a := gradebook.ImportAssignment{
		Key: fmt.Sprintf("+a%d", col.Place), Title: col.Title, External: col.External,
		Possible: *col.Possible, Category: c.category(col.Title),
	}
	c.NewAssignments = append(c.NewAssignments, a)
	return target{a.Key, a.Title}, ""
}

// category guesses where a new assignment belongs. The file names the
// categories, in the headers of their totals, but not which assignment is in
// which; titles mostly tell: "Quiz 3" is one of the "Quizzes". The longest
// word wins; a title that says nothing goes into the first category there is.
func (c *comparison) category(title string) string {
	type candidate struct{ name, ref string }
	var all []candidate
	for _, g := range c.table.Categories {
		all = append(all, candidate{g.Name, g.ID})
	}
	for _, g := range c.NewCategories {
		all = append(all, candidate{g.Name, g.Key})
	}
	for _, name := range c.sheet.Groups {
		if !slices.ContainsFunc(all, func(known candidate) bool { return known.name == name }) {
			all = append(all, candidate{name: name})
		}
	}
	best, length := candidate{}, 0
	for _, each := range all {
		if word := singular(each.name); len(word) > length && hasWord(title, word) {
			best, length = each, len(word)
		}
	}
	switch {
	case best.ref != "":
		return best.ref
	case best.name != "":
		return c.newCategory(best.name, 0)
	case len(c.table.Categories) > 0:
		return c.table.Categories[0].ID
	}
	for _, g := range c.NewCategories {
		if g.Name == otherCategory {
			return g.Key
		}
	}
	return c.newCategory(otherCategory, gradebook.Whole(100))
}

// otherCategory is where assignments go that name no category, in a course
// that has none.
const otherCategory = "Assignments"

func (c *comparison) newCategory(name string, weight gradebook.Points) string {
	g := gradebook.ImportCategory{Key: fmt.Sprintf("+g%d", len(c.NewCategories)+1), Name: name, Weight: weight}
	if len(c.table.Categories)+len(c.NewCategories) > 0 {
		g.Weight = 0
	}
	if c.table.Weighted && g.Weight == 0 {
		c.note(0, name, "", "this category is new and counts nothing until it is given a weight")
	}
	c.NewCategories = append(c.NewCategories, g)
	return g.Key
}

// singular makes the word an assignment's title would use of a category's name.
func singular(name string) string {
	name = strings.ToLower(name)
	for _, ending := range []struct{ many, one string }{{"zzes", "z"}, {"ies", "y"}, {"sses", "ss"}, {"ss", "ss"}, {"s", ""}} {
		if stem, ok := strings.CutSuffix(name, ending.many); ok {
			return stem + ending.one
		}
	}
	return name
}

// hasWord reports whether a title has a word, as it is or in the plural.
func hasWord(title, word string) bool {
	title = strings.ToLower(title)
	for at := 0; ; {
		i := strings.Index(title[at:], word)
		if i < 0 || word == "" {
			return false
		}
		start, end := at+i, at+i+len(word)
		if (start == 0 || !letter(title[start-1])) && (end == len(title) || !letter(title[end]) || title[end] == 's') {
			return true
		}
		at = end
	}
}

// letter reports whether a byte is part of a word: a letter of ASCII or any
// part of one beyond it.
func letter(b byte) bool { return b >= 'a' && b <= 'z' || b >= 0x80 }
