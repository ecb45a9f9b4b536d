package logs

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"
)

// A query is answered in rounds. First the target is fixed: every batch that a
// live or a dead node is known to hold, or that a producer says it has cut,
// but for those whose records all lie outside the time asked for. Then each
// batch is given to exactly one live holder, and each holder gets one list.
// What a holder did not read goes to another one in the next round. What is
// left in the end is named. So each record is in the answer once, and no two
// records ever have to be compared.

const (
	searchTimeout = 5 * time.Second       // of one round
	queryFresh    = 50 * time.Millisecond // how old a peer's word may be at the start
	flightPauses  = 4                     // times that batches under way are waited for
	flightPause   = 75 * time.Millisecond
	maxRounds     = 8
	settleFor     = 15 * time.Second // after the start until the member list is believed to be whole
)

// Query answers q from all log nodes. Its error is about q or ctx; nodes that
// are down only make the answer incomplete.
func (s *Service) Query(ctx context.Context, q Query) (Answer, error) {
	if err := q.Validate(); err != nil {
		return Answer{}, err
	}
	q.Limit, q.Order = cmp.Or(q.Limit, DefaultLimit), cmp.Or(q.Order, Descending)
	f := finder{service: s, q: q, asked: map[string]map[stream]spans{}, left: map[stream]spans{}}
	if err := f.run(ctx); err != nil {
		return Answer{}, err
	}
	return f.answer()
}

type finder struct {
	service *Service
	q       Query
	live    []string                        // nodes that answer
	view    map[string]map[stream]inventory // what each node, live or not, is known to hold
	asked   map[string]map[stream]spans     // what a node was asked for already
	left    map[stream]spans                // what is still to be read
	read    map[stream]spans
	hits    []hit
	until   *place
}

// survey fixes what is to be read: all that is known by now, but for what was
// read before.
func (f *finder) survey(ctx context.Context, fresh time.Duration) {
	s := f.service
	f.live = s.refresh(ctx, fresh)
	f.view = s.know.inventories()
	own, dropped := s.store.held()
	f.view[s.cfg.NodeID] = own
	floors := s.know.floors(dropped)
	m := newMatcher(f.q)
	target, outside := map[stream]spans{}, map[stream]spans{}
	for _, inventories := range f.view {
		for st, inv := range inventories {
			target[st] = target[st].union(inv.set())
			outside[st] = outside[st].union(inv.outside(m.from, m.to))
		}
	}
	manifests, _ := s.know.producers()
	for _, mf := range manifests {
		for _, e := range mf.Epochs {
			if e.Cut > 0 {
				st := stream{mf.Producer, e.Epoch}
				target[st] = target[st].union(spans{{1, e.Cut}})
			}
		}
	}
	f.left = map[stream]spans{}
	for st, sp := range target {
		sp = sp.without(outside[st]).without(f.read[st])
		if n := floors[st]; n > 0 { // dropped on purpose, but perhaps not by all
			kept := sp.without(spans{{1, n}})
			for _, node := range f.live {
				kept = kept.union(sp.both(f.view[node][st].set()))
			}
			sp = kept
		}
		if len(sp) > 0 {
			f.left[st] = sp
		}
	}
}

func (f *finder) run(ctx context.Context) error {
	f.read = map[stream]spans{}
	f.survey(ctx, queryFresh)
	for pauses, round := 0, 0; len(f.left) > 0 && round < maxRounds; round++ {
		if lists := f.assign(); len(lists) > 0 {
			f.ask(ctx, lists)
		} else if pauses < flightPauses && f.flying() {
			// Cut and not stored a moment ago: most likely on its way.
			pauses++
			select {
			case <-time.After(flightPause):
			case <-ctx.Done():
			}
			f.survey(ctx, 0)
		} else {
			break
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// assign gives each batch that is left to one live holder that was not asked
// for it before, the one with the shortest list.
func (f *finder) assign() map[string][]want {
	lists, load := map[string][]want{}, map[string]uint64{}
	for _, st := range slices.SortedFunc(maps.Keys(f.left), compareStreams) {
		rest := f.left[st]
		holders := slices.Clone(f.live)
		slices.SortStableFunc(holders, func(a, b string) int { return cmp.Compare(load[a], load[b]) })
		for _, node := range holders {
			part := rest.both(f.view[node][st].set()).without(f.asked[node][st])
			if len(part) == 0 {
				continue
			}
			if f.asked[node] == nil {
				f.asked[node] = map[stream]spans{}
			}
			f.asked[node][st] = f.asked[node][st].union(part)
			lists[node] = append(lists[node], want{st, part})
			load[node] += part.count()
			if rest = rest.without(part); len(rest) == 0 {
				break
			}
		}
	}
	return lists
}

// ask sends each holder its list and gathers what they read.
func (f *finder) ask(ctx context.Context, lists map[string][]want) {
	ctx, cancel := context.WithTimeout(ctx, searchTimeout)
	defer cancel()
	var mu sync.Mutex
	var wg sync.WaitGroup
	for node, list := range lists {
		wg.Go(func() {
			reply, err := f.service.searchAt(ctx, node, searchRequest{f.q, list})
			if err != nil {
				f.service.own.report("log node did not answer a search", "node", node, "error", err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			f.take(reply, list)
		})
	}
	wg.Wait()
}

// take notes a holder's reply. Only what it was asked for counts as read.
func (f *finder) take(r searchReply, list []want) {
	for _, w := range r.Read {
		i := slices.IndexFunc(list, func(l want) bool { return l.stream == w.stream })
		if i < 0 {
			continue
		}
		done := makeSpans(w.Spans...).both(list[i].Spans)
		f.read[w.stream] = f.read[w.stream].union(done)
		if rest := f.left[w.stream].without(done); len(rest) > 0 {
			f.left[w.stream] = rest
		} else {
			delete(f.left, w.stream)
		}
	}
	f.hits = append(f.hits, r.Hits...)
	if r.Until != nil && (f.until == nil || f.q.Order.before(*r.Until, *f.until)) {
		f.until = r.Until
	}
}

// flying reports whether something that is left may be on its way: its
// producer lives, and nobody is known to hold it.
func (f *finder) flying() bool {
	manifests, heard := f.service.know.producers()
	for _, m := range manifests {
		if time.Since(heard[m.Producer]) > heardWithin {
			continue
		}
		for _, e := range m.Epochs {
			st := stream{m.Producer, e.Epoch}
			rest := f.left[st].without(e.Lost)
			for _, inventories := range f.view {
				rest = rest.without(inventories[st].set())
			}
			if len(rest) > 0 {
				return true
			}
		}
	}
	return false
}

// answer puts the hits in order and names what is missing.
func (f *finder) answer() (Answer, error) {
	a := Answer{Missing: f.gaps(), Records: []Record{}}
	a.Complete = len(a.Missing) == 0
	slices.SortFunc(f.hits, func(x, y hit) int { return f.q.Order.compare(x.place, y.place) })
	hits, more := f.hits, false
	if f.until != nil {
		more = true
		hits = slices.DeleteFunc(hits, func(h hit) bool { return f.q.Order.before(*f.until, h.place) })
	}
	if len(hits) >= f.q.Limit {
		more, hits = true, hits[:f.q.Limit]
	}
	for _, h := range hits {
		r, err := parseLine(h.Line)
		if err != nil {
			return a, fmt.Errorf("record of batch %s/%d/%d: %w", h.Producer, h.Epoch, h.Seq, err)
		}
		a.Records = append(a.Records, r)
	}
	if more && len(hits) > 0 {
		a.Next = hits[len(hits)-1].cursor()
	}
	var oldest int64
	for _, inventories := range f.view {
		for _, inv := range inventories {
			for _, h := range inv {
				if oldest == 0 || h.Min < oldest {
					oldest = h.Min
				}
			}
		}
	}
	if oldest != 0 {
		a.RetainedSince = time.Unix(0, oldest).UTC()
	}
	return a, nil
}

// searchAt asks one holder, this node without the network.
func (s *Service) searchAt(ctx context.Context, node string, req searchRequest) (searchReply, error) {
	if node == s.cfg.NodeID {
		return s.store.search(ctx, req)
	}
	var reply searchReply
	body, err := json.Marshal(req)
	if err == nil {
		err = s.peers.call(ctx, node, http.MethodPost, pathSearch, "application/json", body, &reply)
	}
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = fmt.Errorf("no answer in %s: %w", searchTimeout, err)
	}
	return reply, err
}
