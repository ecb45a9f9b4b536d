package logs

import (
	"cmp"
	"slices"
)

// held is batches of one stream that a log node has, with the earliest and
// latest time of the records in them. It never reaches over a bucket, so the
// times stay narrow enough to tell that a query need not care.
type held struct {
	Span
	Min int64  `json:"min"` // ns since 1970
	Max int64  `json:"max"`
	Gen uint64 `json:"-"` // when it last changed, in the holder's generations
}

// inventory is what a log node has of one stream, sorted; no two entries of a
// bucket touch.
type inventory []held

// add puts h in. What is there already may be put in again.
func (v inventory) add(h held) inventory {
	if n := len(v); n > 0 && v[n-1].joins(h) { // nearly always: the next batch
		v[n-1].join(h)
		return v
	}
	i, _ := slices.BinarySearchFunc(v, h.From, func(a held, from uint64) int { return cmp.Compare(a.From, from) })
	if i > 0 && v[i-1].joins(h) {
		i--
		v[i].join(h)
	} else {
		v = slices.Insert(v, i, h)
	}
	for i+1 < len(v) && v[i].joins(v[i+1]) {
		v[i].join(v[i+1])
		v = slices.Delete(v, i+1, i+2)
	}
	return v
}

// joins reports whether b, which does not start before a, touches it in its
// bucket.
func (a held) joins(b held) bool {
	return b.From >= a.From && b.From <= a.To+1 && bucket(a.From) == bucket(b.To)
}

func (a *held) join(b held) {
	a.To = max(a.To, b.To)
	a.Min, a.Max, a.Gen = min(a.Min, b.Min), max(a.Max, b.Max), max(a.Gen, b.Gen)
}

// set is the counters in v.
func (v inventory) set() spans {
	out := make([]Span, len(v))
	for i, h := range v {
		out[i] = h.Span
	}
	return makeSpans(out...)
}

// outside is the counters whose records all lie outside [from, to).
func (v inventory) outside(from, to int64) spans {
	var out []Span
	for _, h := range v {
		if h.Max < from || h.Min >= to {
			out = append(out, h.Span)
		}
	}
	return makeSpans(out...)
}
