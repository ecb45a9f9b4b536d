package logs

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"slices"
)

// A search is a holder's share of a query: the batches it is asked to read,
// and no others. It says which it read, so the asker knows what is left.

// maxHits bounds the lines of one answer, in bytes.
const maxHits = 16 << 20

type searchRequest struct {
	Query Query  `json:"query"`
	Want  []want `json:"want"`
}

type want struct {
	stream
	Spans spans `json:"spans"`
}

type searchReply struct {
	Read []want `json:"read"`
	Hits []hit  `json:"hits"`
	// Until is set when not all hits are in the answer: those up to this place
	// are.
	Until *place `json:"until,omitempty"`
}

type hit struct {
	place
	Line json.RawMessage `json:"l"`
}

// compare orders places by time, then by name.
func (p place) compare(o place) int {
	return cmp.Or(cmp.Compare(p.Time, o.Time), cmp.Compare(p.Producer, o.Producer),
		cmp.Compare(p.Epoch, o.Epoch), cmp.Compare(p.Seq, o.Seq), cmp.Compare(p.Row, o.Row))
}

// before reports whether p comes before o in an answer of this order.
func (o Order) before(p, q place) bool {
	if o == Ascending {
		return p.compare(q) < 0
	}
	return p.compare(q) > 0
}

func (o Order) compare(p, q place) int {
	if o == Ascending {
		return p.compare(q)
	}
	return q.compare(p)
}

// search reads the wanted batches that are here, those with the first records
// of the order first, and stops as soon as no further one can have a record
// among the first Limit.
func (s *store) search(ctx context.Context, req searchRequest) (searchReply, error) {
	q := req.Query
	after, err := parseCursor(q.Cursor)
	if err != nil {
		return searchReply{}, err
	}
	m := newMatcher(q)
	if after != nil && q.Order == Ascending {
		m.from = max(m.from, after.Time)
	} else if after != nil && after.Time < m.to {
		m.to = after.Time + 1
	}
	limit := cmp.Or(q.Limit, DefaultLimit)

	read := map[stream]spans{}
	todo := s.pick(req.Want, m, read)
	slices.SortFunc(todo, func(a, b picked) int {
		if q.Order == Ascending {
			return cmp.Compare(a.min, b.min)
		}
		return cmp.Compare(b.max, a.max)
	})
	top := topHits{order: q.Order, limit: limit}
	var frame, text []byte
	for _, p := range todo {
		if err := ctx.Err(); err != nil {
			return searchReply{}, err
		}
		if top.enough(p) {
			continue // read or not, it can't change the answer
		}
		if text, frame, err = p.read(text, frame); err != nil {
			s.own.report("stored batch cannot be read", "batch", p.id.String(), "error", err)
			read[p.id.stream()] = read[p.id.stream()].without(spans{{p.id.Seq, p.id.Seq}})
			continue
		}
		if !m.maybe(text) {
			continue
		}
		row := 0
		for l := range bytes.Lines(text) {
			l = bytes.TrimSuffix(l, []byte{'\n'})
			if at, ok := m.match(l, p.id.Producer); ok {
				pl := place{at, p.id.Producer, p.id.Epoch, p.id.Seq, row}
				if after == nil || q.Order.before(*after, pl) {
					top.add(hit{pl, l})
				}
			}
			row++
		}
		top.keep()
	}
	reply := top.reply()
	for st, sp := range read {
		reply.Read = append(reply.Read, want{st, sp})
	}
	return reply, nil
}

// picked is a batch that a search must read.
type picked struct {
	ref
	id BatchID
}

func (p picked) read(text, frame []byte) (outText, outFrame []byte, err error) {
	raw, err := p.file.ReadAt(p.off, frame)
	if err != nil {
		return text, frame, err
	}
	b, err := decodeBatch(raw)
	if err != nil {
		return text, raw, err
	}
	out, err := b.lines(text)
	return out, raw, err
}

// pick lists the wanted batches that are here and may have records of the
// time that m wants, and notes in read all that are here.
func (s *store) pick(wants []want, m matcher, read map[stream]spans) []picked {
	var todo []picked
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, w := range wants {
		k := s.streams[w.stream]
		if k == nil {
			continue
		}
		mine := makeSpans(w.Spans...).both(k.inventory.set())
		read[w.stream] = read[w.stream].union(mine)
		for _, sp := range mine.without(k.inventory.outside(m.from, m.to)) {
			for seq := sp.From; seq <= sp.To; seq++ {
				r := k.batches[seq]
				if r.max >= m.from && r.min < m.to {
					todo = append(todo, picked{r, BatchID{w.Producer, w.Epoch, seq}})
				}
			}
		}
	}
	return todo
}

// topHits keeps the first hits of an order.
type topHits struct {
	order Order
	limit int
	hits  []hit
	bytes int
	until *place // what comes behind was let go for want of room
}

// enough reports whether a batch can't have a hit among the first. The hits
// are sorted when there are limit of them.
func (t *topHits) enough(p picked) bool {
	if len(t.hits) < t.limit && t.until == nil {
		return false
	}
	last := t.hits[len(t.hits)-1].Time
	if t.order == Ascending {
		return p.min > last
	}
	return p.max < last
}

// add takes a hit whose line may lie in a buffer that is used again.
func (t *topHits) add(h hit) {
	if t.until != nil && t.order.before(*t.until, h.place) {
		return // its neighbours may be gone already
	}
	h.Line = bytes.Clone(h.Line)
	t.hits = append(t.hits, h)
	if t.bytes += len(h.Line); len(t.hits) >= 2*(t.limit+batchLines) || t.bytes > 2*maxHits {
		t.keep()
	}
}

// keep sorts and lets go of what is behind the limits.
func (t *topHits) keep() {
	slices.SortFunc(t.hits, func(a, b hit) int { return t.order.compare(a.place, b.place) })
	t.hits = t.hits[:min(len(t.hits), t.limit)]
	t.bytes = 0
	for i, h := range t.hits {
		if t.bytes+len(h.Line) > maxHits && i > 0 {
			t.hits = t.hits[:i]
			last := t.hits[i-1].place
			t.until = &last
			break
		}
		t.bytes += len(h.Line)
	}
}

func (t *topHits) reply() searchReply {
	return searchReply{Hits: t.hits, Until: t.until}
}
