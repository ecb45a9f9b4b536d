package logs

import (
	"cmp"
	"slices"
)

// Span is the batches From to To of one epoch, both ends included. Counters
// start at 1.
type Span struct {
	From uint64 `json:"from"`
	To   uint64 `json:"to"`
}

// spans is a set of batch counters: sorted spans that neither overlap nor
// touch. Its methods return new sets and leave the old ones alone.
type spans []Span

// makeSpans brings any spans into the form of a set.
func makeSpans(in ...Span) spans {
	in = slices.DeleteFunc(slices.Clone(in), func(s Span) bool { return s.From > s.To })
	slices.SortFunc(in, func(a, b Span) int { return cmp.Compare(a.From, b.From) })
	var out spans
	for _, s := range in {
		if n := len(out); n > 0 && (s.From == 0 || s.From-1 <= out[n-1].To) {
			out[n-1].To = max(out[n-1].To, s.To)
		} else {
			out = append(out, s)
		}
	}
	return out
}

// union is what is in s or in t.
func (s spans) union(t spans) spans { return makeSpans(append(slices.Clone(s), t...)...) }

// without is what is in s and not in t.
func (s spans) without(t spans) spans {
	var out spans
	j := 0
	for _, a := range s {
		for j < len(t) && t[j].To < a.From {
			j++
		}
		from, open := a.From, true
		for k := j; k < len(t) && t[k].From <= a.To; k++ {
			if t[k].From > from {
				out = append(out, Span{from, t[k].From - 1})
			}
			if t[k].To >= a.To {
				open = false
				break
			}
			from = max(from, t[k].To+1)
		}
		if open {
			out = append(out, Span{from, a.To})
		}
	}
	return out
}

// both is what is in s and in t.
func (s spans) both(t spans) spans { return s.without(s.without(t)) }

// has reports whether seq is in s.
func (s spans) has(seq uint64) bool {
	i, ok := slices.BinarySearchFunc(s, seq, func(a Span, q uint64) int { return cmp.Compare(a.From, q) })
	return ok || i > 0 && s[i-1].To >= seq
}

// count is how many counters are in s.
func (s spans) count() (n uint64) {
	for _, a := range s {
		n += a.To - a.From + 1
	}
	return n
}
