package gradebook

import (
	"fmt"
	"slices"
)

// Scheme turns a percentage into a letter. The zero Scheme is the default one.
type Scheme struct {
	Name  string `json:"name,omitempty"`
	Steps []Step `json:"steps,omitempty"` // from the highest bound down; the last is 0
}

// Step is one letter and the lowest percentage that earns it.
type Step struct {
	Letter string `json:"letter"`
	From   Points `json:"from"` // percent
}

var defaultScheme = Scheme{Name: "Letters", Steps: []Step{
	{"A", Whole(94)}, {"A−", Whole(90)},
	{"B+", Whole(87)}, {"B", Whole(84)}, {"B−", Whole(80)},
	{"C+", Whole(77)}, {"C", Whole(74)}, {"C−", Whole(70)},
	{"D+", Whole(67)}, {"D", Whole(64)}, {"D−", Whole(61)},
	{"F", 0},
}}

// DefaultScheme returns the letters A to F a course has unless it says
// otherwise.
func DefaultScheme() Scheme {
	return Scheme{Name: defaultScheme.Name, Steps: slices.Clone(defaultScheme.Steps)}
}

// Letter returns the highest letter whose bound is not above the percentage,
// which must be rounded already: 89.995 is shown as 90.00 and earns what 90.00
// earns. The lowest letter takes whatever is left, negative totals too.
func (s Scheme) Letter(percent Points) string {
	steps := s.Steps
	if len(steps) == 0 {
		steps = defaultScheme.Steps
	}
	for _, step := range steps {
		if step.From <= percent {
			return step.Letter
		}
	}
	return steps[len(steps)-1].Letter
}

func (s Scheme) check() (Scheme, error) {
	const most = 50
	var err error
	if s.Name, err = line("scheme.name", s.Name, false); err != nil {
		return s, err
	}
	if len(s.Steps) > most {
		return s, &InvalidError{Field: "scheme.steps", Value: fmt.Sprint(len(s.Steps)), Remedy: fmt.Sprintf("use at most %d letters", most)}
	}
	steps := make([]Step, 0, len(s.Steps))
	for i, step := range s.Steps {
		if step.Letter, err = line("letter", step.Letter, true); err != nil {
			return s, within(err, "scheme.steps", i)
		}
		if i > 0 && step.From >= steps[i-1].From {
			return s, within(&InvalidError{Field: "from", Value: step.From.String(), Remedy: "order the letters from the highest bound down"}, "scheme.steps", i)
		}
		if err := step.From.check("from"); err != nil {
			return s, within(err, "scheme.steps", i)
		}
		steps = append(steps, step)
	}
	if n := len(steps); n > 0 && steps[n-1].From != 0 {
		return s, &InvalidError{Field: "scheme.steps", Value: steps[n-1].From.String(), Remedy: "let the lowest letter start at 0, so that every percentage has one"}
	}
	s.Steps = steps
	return s, nil
}
