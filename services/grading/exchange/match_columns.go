package exchange

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/distributedgo/rollcall/services/grading/gradebook"
)

// sign is how sure it is that a column is about an assignment.
type sign int

const (
	none        sign = iota
	byTitle          // the title alone
	byNumber         // the number in the other system alone
	byOwnNumber      // the title and our own number: a file of ours
	byBoth           // the title and the number in the other system
)

// columns finds the assignment each column is about, or proposes a new one.
// The surest columns choose first, so that one with a title only does not take
// what belongs to one with a number.
func (c *comparison) columns() []target {
	found, signs, order := make([]target, len(c.sheet.Columns)), make([]sign, len(c.sheet.Columns)), make([]int, len(c.sheet.Columns))
	for i, col := range c.sheet.Columns {
		found[i], signs[i] = c.assignment(col)
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(signs[j], signs[i]) })
	taken := map[string]string{} // assignment, or what a new one is called → header that has it
	for _, i := range order {
		col, t, why := c.sheet.Columns[i], found[i], ""
		identity := t.id
		switch {
		case signs[i] == none:
			identity = "+" + col.Title + "\n" + col.External
		case t.id == "":
			why = "several assignments have this title; put the number of the one meant in brackets behind it"
		}
		if other, twice := taken[identity]; why == "" && twice {
			why = fmt.Sprintf("column %q is about the same assignment; this one is left out", clip(other))
		}
		if why == "" {
			taken[identity] = col.Name
		}
		if why == "" && signs[i] == none {
			t, why = c.newAssignment(col)
		}
		if why != "" {
			c.fault(0, col.Name, "", why)
			t = target{}
		}
		found[i] = t
	}
	return found
}

// assignment finds the assignment a column is most surely about; none when it
// is new, and an empty target when several are equally likely.
func (c *comparison) assignment(col Column) (target, sign) {
	best, found, count := none, gradebook.Assignment{}, 0
	for _, a := range c.table.Assignments {
		s := match(col, a)
		if s > best {
			best, found, count = s, a, 0
		}
		if s == best {
			count++
		}
	}
	if best == none || count > 1 {
		return target{}, best
	}
	return target{found.ID, found.Title}, best
}

func match(col Column, a gradebook.Assignment) sign {
	title, number := a.Title == col.Title, a.External != "" && a.External == col.External
	switch {
	case title && number:
		return byBoth
	case title && a.External == "" && a.ID == "a"+col.External:
		return byOwnNumber
	case number:
		return byNumber
	case title && (a.External == "" || col.External == ""), a.Title == col.Name:
		return byTitle
	}
	return none
}

// newAssignment proposes an assignment for a column nobody knows.
func (c *comparison) newAssignment(col Column) (t target, why string) {
	if col.Possible == nil {
		return target{}, "this assignment is new, and its points possible are missing: put them in the second line"
	}
	if have := len(c.table.Assignments) + len(c.NewAssignments); have >= gradebook.MaxAssignments {
		return target{}, fmt.Sprintf("a course has at most %d assignments", gradebook.MaxAssignments)
	}
	if slices.ContainsFunc(c.NewAssignments, func(a gradebook.ImportAssignment) bool {
		return a.External != "" && a.External == col.External
	}) {
		return target{}, "another new assignment has this number already"
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
