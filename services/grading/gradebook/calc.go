package gradebook

import "math/big"

// Total is a percentage and its letter. Without anything that counts there is
// no percentage: nil, and no letter.
type Total struct {
	Percent *string `json:"percent"` // two decimals, "58.33"
	Letter  string  `json:"letter"`
}

// CategoryTotal is what a row has in one category.
type CategoryTotal struct {
	Category string  `json:"category"`
	Current  *string `json:"current"` // percent; ungraded cells left out
	Final    *string `json:"final"`   // percent; ungraded cells count as zero
}

// Totals are the totals of one row.
type Totals struct {
	Current    Total           `json:"current"` // ungraded cells left out
	Final      Total           `json:"final"`   // ungraded cells count as zero
	Categories []CategoryTotal `json:"categories"`
}

// Calculate works out the totals of one row of a course. Nothing is stored: it
// serves the table and a "what if" alike.
func Calculate(c Course, scores map[string]Score) Totals {
	k := newCalculator(&c)
	row := make(cells, len(c.Assignments))
	for a := range c.Assignments {
		if s, ok := scores[c.Assignments[a].ID]; ok {
			row[a] = &s
		}
	}
	return k.row(row)
}

// calculator holds what all rows of a course share.
//
//	cells ─► tally per category ─► percent ─► weighted or summed ─► rounded once ─► letter
//
// What counts is decided cell by cell in row; a rule that picks among the
// cells of a category (drops) or bends one cell (late, curves) has its place
// there, before the tally.
type calculator struct {
	course  *Course
	columns []column
}

type column struct {
	category int // place in Course.Categories; -1 if the column counts in no total
	possible Points
}

// tally is what was earned and what could be, of the cells that count.
type tally struct{ earned, possible Points }

func (t *tally) add(earned, possible Points) {
	t.earned += earned
	t.possible += possible
}

// percent returns earned/possible, rounded; false when nothing was possible.
func (t tally) percent() (percent, bool) {
	if t.possible <= 0 {
		return 0, false
	}
	return ofRatio(int64(t.earned), int64(t.possible)), true
}

func newCalculator(c *Course) *calculator {
	places := make(map[string]int, len(c.Categories))
	for i := range c.Categories {
		places[c.Categories[i].ID] = i
	}
	k := &calculator{course: c, columns: make([]column, len(c.Assignments))}
	for i := range c.Assignments {
		a := &c.Assignments[i]
		k.columns[i] = column{category: -1, possible: a.Possible}
		if g, ok := places[a.Category]; ok && a.Published && !a.Omitted {
			k.columns[i].category = g
		}
	}
	return k
}

// row works out one row.
func (k *calculator) row(row cells) Totals {
	current, final := k.tally(row)
	t := Totals{Current: k.total(current), Final: k.total(final), Categories: make([]CategoryTotal, len(current))}
	for g := range t.Categories {
		t.Categories[g] = CategoryTotal{
			Category: k.course.Categories[g].ID,
			Current:  percentText(current[g].percent()),
			Final:    percentText(final[g].percent()),
		}
	}
	return t
}

// tally adds up one row by category: what is graded, and what is graded with
// what is not.
func (k *calculator) tally(row cells) (current, final []tally) {
	n := len(k.course.Categories)
	both := make([]tally, 2*n)
	current, final = both[:n:n], both[n:]
	for i, col := range k.columns {
		if col.category < 0 {
			continue
		}
		switch s := row.at(i); {
		case s == nil || s.Ungraded():
			final[col.category].add(0, col.possible)
		case s.Status == Excused:
		default:
			current[col.category].add(*s.Points, col.possible)
			final[col.category].add(*s.Points, col.possible)
		}
	}
	return current, final
}

// total turns the tallies of all categories into one total.
func (k *calculator) total(tallies []tally) Total {
	p, ok := k.percent(tallies)
	if !ok {
		return Total{}
	}
	return Total{Percent: percentText(p, true), Letter: k.course.Scheme.Letter(p.points())}
}

func (k *calculator) percent(tallies []tally) (percent, bool) {
	if k.course.Weighted {
		return k.weighted(tallies)
	}
	var all tally
	for _, t := range tallies {
		all.add(t.earned, t.possible)
	}
	return all.percent()
}

// weighted is the sum of ratio × weight over the categories that have a ratio.
// When their weights sum to less than 100 it is scaled up as if they did, so
// that an empty category does not cost anything; more than 100 is extra credit
// and never scaled down; with no weight at all there is no grade.
func (k *calculator) weighted(tallies []tally) (percent, bool) {
	sum, term := new(big.Rat), new(big.Rat)
	var weights Points
	for g, t := range tallies {
		if t.possible <= 0 {
			continue
		}
		w := k.course.Categories[g].Weight
		weights += w
		sum.Add(sum, term.SetFrac64(int64(t.earned), int64(t.possible)).Mul(term, new(big.Rat).SetInt64(int64(w))))
	}
	if weights <= 0 {
		return 0, false
	}
	return ofRat(sum.Quo(sum, term.SetInt64(int64(min(weights, Whole(100)))))), true
}

// average is the mean of the current totals of active students as they are
// shown, so that anyone can check it against the table; nil without any.
func average(c *Course, rows []cells) *string {
	k := newCalculator(c)
	var sum, n int64
	for i, e := range c.Enrollments {
		if e.Status != Active {
			continue
		}
		current, _ := k.tally(rows[i])
		if p, ok := k.percent(current); ok {
			sum += int64(max(-mostPercent, min(p, mostPercent)))
			n++
		}
	}
	if n == 0 {
		return nil
	}
	return percentText(percent(halfAway(sum, n)), true)
}
