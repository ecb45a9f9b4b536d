package logs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/distributedgo/rollcall/services/logs/segment"
)

// plainSet is a set of counters without cleverness, to compare spans with.
type plainSet map[uint64]bool

func randomSpans(r *rand.Rand) (spans, plainSet) {
	var in []Span
	set := plainSet{}
	for range r.IntN(6) {
		s := Span{From: 1 + r.Uint64N(30)}
		s.To = s.From + r.Uint64N(8)
		in = append(in, s)
		for q := s.From; q <= s.To; q++ {
			set[q] = true
		}
	}
	return makeSpans(in...), set
}

func (p plainSet) is(s spans) error {
	var n uint64
	for q := uint64(0); q < 50; q++ {
		if s.has(q) != p[q] {
			return fmt.Errorf("%v: has %d is %t", s, q, s.has(q))
		}
		if p[q] {
			n++
		}
	}
	for i := 1; i < len(s); i++ {
		if s[i].From <= s[i-1].To+1 {
			return fmt.Errorf("%v is not in its form", s)
		}
	}
	if s.count() != n {
		return fmt.Errorf("%v counts %d, want %d", s, s.count(), n)
	}
	return nil
}

func TestSpansAreSets(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		a, pa := randomSpans(r)
		b, pb := randomSpans(r)
		union, without, both := plainSet{}, plainSet{}, plainSet{}
		for q := uint64(0); q < 50; q++ {
			if pa[q] || pb[q] {
				union[q] = true
			}
			if pa[q] && !pb[q] {
				without[q] = true
			}
			if pa[q] && pb[q] {
				both[q] = true
			}
		}
		for _, err := range []error{pa.is(a), union.is(a.union(b)), without.is(a.without(b)), both.is(a.both(b))} {
			if err != nil {
				t.Fatalf("%v and %v: %v", a, b, err)
			}
		}
	}
}

// TestInventoryOrderDoesNotMatter adds the same batches in two orders, some of
// them twice.
func TestInventoryOrderDoesNotMatter(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		var in []held
		for seq := uint64(bucketSize - 20); seq < bucketSize+20; seq++ {
			if r.IntN(4) > 0 {
				in = append(in, held{Span: Span{seq, seq}, Min: int64(seq), Max: int64(seq) + 5})
			}
		}
		var a, b inventory
		for _, h := range in {
			a = a.add(h)
		}
		in = append(in, in[:len(in)/2]...)
		r.Shuffle(len(in), func(i, j int) { in[i], in[j] = in[j], in[i] })
		for _, h := range in {
			b = b.add(h)
		}
		if !reflect.DeepEqual(a, b) {
			t.Fatalf("\n%v\n%v", a, b)
		}
		for _, h := range a {
			if bucket(h.From) != bucket(h.To) || h.Min != int64(h.From) || h.Max != int64(h.To)+5 {
				t.Fatalf("%+v", h)
			}
		}
	}
}

// TestManifestsMerge checks the three laws that let manifests travel in any
// order, any number of times, over any way.
func TestManifestsMerge(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 6))
	one := func() manifest {
		m := manifest{Producer: "p"}
		for e := uint64(1); e <= 4; e++ {
			if r.IntN(3) == 0 {
				continue
			}
			st := &epochState{Epoch: e, Cut: r.Uint64N(40), Closed: r.IntN(2) == 0}
			st.Stored = r.Uint64N(st.Cut + 1)
			st.Released = r.Uint64N(st.Stored + 1)
			st.Lost, _ = randomSpans(r)
			m.Epochs = append(m.Epochs, st)
		}
		return m
	}
	text := func(m manifest) string {
		b, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	for range 2000 {
		a, b, c := one(), one(), one()
		ab := text(a.merge(b))
		if ab != text(b.merge(a)) || ab != text(a.merge(b).merge(b)) || text(a.merge(b).merge(c)) != text(a.merge(b.merge(c))) {
			t.Fatalf("%s %s %s", text(a), text(b), text(c))
		}
	}
}

// TestRankMovesOnlyWhatItMust takes a node away: batches of others stay.
func TestRankMovesOnlyWhatItMust(t *testing.T) {
	t.Parallel()
	nodes := []string{"a", "b", "c", "d", "e"}
	first := map[string]int{}
	for i := range uint64(2000) {
		id := BatchID{Producer: fmt.Sprint("p", i%7), Epoch: i % 3, Seq: i * bucketSize}
		before := rank(nodes, id)
		first[before[0]]++
		after := rank([]string{"e", "c", "b", "a"}, id)
		if !slices.Equal(after, slices.DeleteFunc(before, func(n string) bool { return n == "d" })) {
			t.Fatalf("%v: %v", id, after)
		}
	}
	for n, count := range first {
		if count < 300 || count > 500 {
			t.Errorf("%s is first for %d of 2000, want about 400", n, count)
		}
	}
}

func sampleBatch(seq uint64, lines ...string) batch {
	d := draft{lines: []byte(strings.Join(lines, "\n") + "\n"), count: len(lines), min: 1, max: 2}
	return cut(BatchID{"p", 1, seq}, time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC), d)
}

func FuzzDecodeBatch(f *testing.F) {
	f.Add(sampleBatch(1, `{"msg":"x"}`).encode())
	f.Add([]byte{1, 1, 'p'})
	f.Fuzz(func(t *testing.T, p []byte) {
		b, err := decodeBatch(p)
		if err != nil {
			return
		}
		if again, err := decodeBatch(b.encode()); err != nil || !reflect.DeepEqual(again, b) {
			t.Fatalf("%+v comes back as %+v, %v", b, again, err)
		}
		if text, err := b.lines(nil); err == nil && len(text) != b.Raw {
			t.Fatalf("%d bytes, want %d", len(text), b.Raw)
		}
	})
}

// FuzzShipment feeds the body of a call between nodes.
func FuzzShipment(f *testing.F) {
	body, err := segment.AppendFrame(nil, []byte(`{"producer":"p","epochs":[{"epoch":1,"cut":2}]}`))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	if body, err = segment.AppendFrame(body, sampleBatch(2, "a").encode()); err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Fuzz(func(t *testing.T, b []byte) {
		m, batches, frames, err := decodeShipment(b)
		if err == nil && (len(batches) != len(frames) || m.check() != nil) {
			t.Fatalf("%d batches, %d frames, %v", len(batches), len(frames), m.check())
		}
	})
}

// FuzzIngestLine feeds lines of strangers. What is taken must be a line that
// this package, and everybody else, can read.
func FuzzIngestLine(f *testing.F) {
	for _, s := range []string{
		`{"msg":"a","time":"2026-09-01T12:00:00Z","level":30,"a":{"b":[1,{"c":"\u0041"}],"d":{}}}`,
		`{"time":1756728000.5,"message":"\ud800","level":"WARNING","service":"x","node":"y"}`,
		`{"a":{"msg":1},"":"","a.msg":null,"x":"\u2028\u0000"}`, `{`, `[]`, `{"a":1}}`, "{\"\xff\":\"\xff\"}",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if bytes.IndexByte(b, '\n') >= 0 {
			return
		}
		fl := flattener{node: "n", now: time.Unix(1e9, 0)}
		l, fault := fl.read(bytes.TrimSpace(b))
		if fault != nil {
			return
		}
		if !json.Valid(l.text) || bytes.IndexByte(l.text, '\n') >= 0 {
			t.Fatalf("%q became %q", b, l.text)
		}
		r, err := parseLine(l.text)
		if err != nil {
			t.Fatalf("%q became %q: %v", b, l.text, err)
		}
		if r.Time.UnixNano() != l.time || timeOf(l.text) != l.time {
			t.Fatalf("time %v, want %v", r.Time.UnixNano(), l.time)
		}
		again, err := r.MarshalJSON()
		if err != nil || !bytes.Equal(again, l.text) {
			t.Fatalf("%q comes back as %q, %v", l.text, again, err)
		}
	})
}

// FuzzWalk feeds bytes that are no JSON.
func FuzzWalk(f *testing.F) {
	f.Add([]byte(`{"a":"b","c":[{"d":1}],"e":null}`))
	f.Fuzz(func(_ *testing.T, b []byte) {
		m := newMatcher(Query{Contains: "b", Level: "info", Fields: []Equal{{"a", "b"}}})
		m.match(b, "p")
		_, _ = parseLine(b)
	})
}
