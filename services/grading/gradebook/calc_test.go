package gradebook_test

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	. "github.com/distributedgo/rollcall/services/grading/gradebook"
)

// worked builds a course from lines such as "50: 9/10 -/40", a category's
// weight and its scores, and the scores of one student in it.
func worked(weighted bool, lines ...string) (Course, map[string]Score) {
	c := Course{Weighted: weighted, Scheme: DefaultScheme()}
	scores := map[string]Score{}
	for i, line := range lines {
		weight, items, _ := strings.Cut(line, ":")
		g := Category{ID: fmt.Sprint("g", i+1), Weight: *points(weight)}
		c.Categories = append(c.Categories, g)
		for item := range strings.FieldsSeq(items) {
			got, possible, _ := strings.Cut(item, "/")
			a := Assignment{ID: fmt.Sprint("a", len(c.Assignments)+1), Category: g.ID, Possible: *points(possible), Published: true}
			c.Assignments = append(c.Assignments, a)
			switch got {
			case "-":
			case "EX":
				scores[a.ID] = Score{Status: Excused}
			default:
				scores[a.ID] = Score{Points: points(got), Status: Graded}
			}
		}
	}
	return c, scores
}

func shown(t Total) string {
	if t.Percent == nil {
		return "none"
	}
	return *t.Percent
}

func TestWorkedCases(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name           string
		weighted       bool
		lines          []string
		current, final string
	}{
		{"ungraded, weighted", true, []string{"50: 9/10", "50: -/40"}, "90.00", "45.00"},
		{"ungraded, by points", false, []string{"50: 9/10", "50: -/40"}, "90.00", "18.00"},
		{"weights below 100 are scaled up", true, []string{"50: 10/10", "40: -/40"}, "100.00", "55.56"},
		{"weights above 100 are extra credit", true, []string{"50: 11/10", "60: 45/40"}, "122.50", "122.50"},
		{"half a category ungraded", true, []string{"50: -/10 1/4", "40: 40/40"}, "58.33", "48.41"},
		{"half a category ungraded, by points", false, []string{"50: -/10 1/4", "40: 40/40"}, "93.18", "75.93"},
		{"excused counts in neither", true, []string{"50: 9/10 EX/100", "50: EX/10"}, "90.00", "90.00"},
		{"nothing graded", true, []string{"100: -/10"}, "none", "0.00"},
		{"no assignments", true, []string{"100:"}, "none", "none"},
		{"no weights", true, []string{"0: 5/10"}, "none", "none"},
		{"only extra credit", false, []string{"100: 5/0"}, "none", "none"},
		{"extra credit on top", false, []string{"100: 9/10 2/0"}, "110.00", "110.00"},
		{"a category with nothing possible does not weigh", true, []string{"50: 5/0", "50: 8/10"}, "80.00", "80.00"},
		{"half a hundredth is rounded up", false, []string{"100: 1.0001/20000"}, "0.01", "0.01"},
		{"exactly half, away from zero", false, []string{"100: 0.05/1000"}, "0.01", "0.01"},
		{"exactly half, away from zero, below it", false, []string{"100: -0.05/1000"}, "-0.01", "-0.01"},
		{"thirds are not rounded before weighting", true, []string{"33.3333: 1/3", "33.3333: 1/3", "33.3334: 1/3"}, "33.33", "33.33"},
		{"huge", false, []string{"100: 1000000/0.0001"}, "1000000000000.00", "1000000000000.00"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := Calculate(worked(tt.weighted, tt.lines...))
			if shown(got.Current) != tt.current || shown(got.Final) != tt.final {
				t.Errorf("current %s, final %s; want %s, %s", shown(got.Current), shown(got.Final), tt.current, tt.final)
			}
		})
	}
}

func TestHiddenAndOmittedAssignmentsCountInNoTotal(t *testing.T) {
	t.Parallel()
	c, scores := worked(false, "100: 9/10 0/10 0/10")
	c.Assignments[1].Published = false
	c.Assignments[2].Omitted = true
	if got := Calculate(c, scores); shown(got.Current) != "90.00" || shown(got.Final) != "90.00" {
		t.Errorf("got %s, %s", shown(got.Current), shown(got.Final))
	}
}

func TestStatusesInTotals(t *testing.T) {
	t.Parallel()
	c, scores := worked(false, "100: 9/10 -/10 -/10 -/10")
	scores["a2"] = Score{Status: Missing}                    // ungraded
	scores["a3"] = Score{Status: Late, Points: points("7")}  // counts
	scores["a4"] = Score{Status: Excused, Comment: "at sea"} // counts in neither
	got := Calculate(c, scores)
	if shown(got.Current) != "80.00" || shown(got.Final) != "53.33" {
		t.Errorf("got %s, %s; want 16/20 and 16/30", shown(got.Current), shown(got.Final))
	}
}

func TestLetters(t *testing.T) {
	t.Parallel()
	s := DefaultScheme()
	for percent, want := range map[string]string{
		"150": "A", "94": "A", "93.99": "A−", "90": "A−", "89.99": "B+", "87": "B+", "84": "B", "80": "B−", "77": "C+",
		"74": "C", "70": "C−", "67": "D+", "64": "D", "61": "D−", "60.99": "F", "0": "F", "-5": "F",
	} {
		if got := s.Letter(*points(percent)); got != want {
			t.Errorf("%s%% is %s, want %s", percent, got, want)
		}
	}
	c, scores := worked(false, "100: 93.995/100")
	if got := Calculate(c, scores); shown(got.Current) != "94.00" || got.Current.Letter != "A" {
		t.Errorf("what is shown as %s must earn its letter, got %s", shown(got.Current), got.Current.Letter)
	}
	if s.Steps[0].Letter = "Z"; DefaultScheme().Steps[0].Letter != "A" {
		t.Error("the default scheme can be changed from outside")
	}
}

// TestTotalsAgreeWithAPlainReading compares the calculator with the definition
// written down once more in the simplest way, on random rows, and shows that
// the order of assignments and categories does not matter.
func TestTotalsAgreeWithAPlainReading(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(7, 7))
	for range 2000 {
		var lines []string
		for range 1 + rng.IntN(4) {
			line := fmt.Sprint(rng.IntN(60), ":")
			for range rng.IntN(5) {
				item := fmt.Sprintf(" %d.%d/%d", rng.IntN(50), rng.IntN(10000), rng.IntN(40))
				switch rng.IntN(5) {
				case 0:
					item = " -/" + fmt.Sprint(rng.IntN(40))
				case 1:
					item = " EX/" + fmt.Sprint(rng.IntN(40))
				}
				line += item
			}
			lines = append(lines, line)
		}
		c, scores := worked(rng.IntN(2) == 0, lines...)
		got := Calculate(c, scores)
		if want := plainly(c, scores, false); shown(got.Current) != want {
			t.Fatalf("%q weighted=%v: current %s, want %s", lines, c.Weighted, shown(got.Current), want)
		}
		if want := plainly(c, scores, true); shown(got.Final) != want {
			t.Fatalf("%q weighted=%v: final %s, want %s", lines, c.Weighted, shown(got.Final), want)
		}
		rng.Shuffle(len(c.Assignments), func(i, j int) { c.Assignments[i], c.Assignments[j] = c.Assignments[j], c.Assignments[i] })
		rng.Shuffle(len(c.Categories), func(i, j int) { c.Categories[i], c.Categories[j] = c.Categories[j], c.Categories[i] })
		again := Calculate(c, scores)
		if shown(again.Current) != shown(got.Current) || shown(again.Final) != shown(got.Final) {
			t.Fatalf("%q: the order of things changed the total", lines)
		}
	}
}

func plainly(c Course, scores map[string]Score, final bool) string {
	sum, weights, earned, possible := new(big.Rat), new(big.Rat), new(big.Rat), new(big.Rat)
	rat := func(p Points) *big.Rat { return big.NewRat(int64(p), 10_000) }
	for _, g := range c.Categories {
		e, p := new(big.Rat), new(big.Rat)
		for _, a := range c.Assignments {
			s, ok := scores[a.ID]
			if a.Category != g.ID || s.Status == Excused || !ok && !final {
				continue
			}
			p.Add(p, rat(a.Possible))
			if s.Points != nil {
				e.Add(e, rat(*s.Points))
			}
		}
		earned.Add(earned, e)
		possible.Add(possible, p)
		if p.Sign() > 0 {
			sum.Add(sum, new(big.Rat).Mul(new(big.Rat).Quo(e, p), rat(g.Weight)))
			weights.Add(weights, rat(g.Weight))
		}
	}
	percent := new(big.Rat)
	switch full := big.NewRat(100, 1); {
	case !c.Weighted && possible.Sign() == 0, c.Weighted && weights.Sign() == 0:
		return "none"
	case !c.Weighted:
		percent.Mul(full, percent.Quo(earned, possible))
	case weights.Cmp(full) < 0:
		percent.Mul(full, percent.Quo(sum, weights))
	default:
		percent = sum
	}
	return percent.FloatString(2)
}
