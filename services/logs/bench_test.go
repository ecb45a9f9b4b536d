package logs

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/distributedgo/rollcall/services/logs/segment"
)

// school is lines like those of a running cluster, some 230 bytes each.
func school(n int) [][]byte {
	r := rand.New(rand.NewPCG(7, 8))
	out := make([][]byte, n)
	at := time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)
	for i := range out {
		at = at.Add(time.Duration(r.IntN(2e6)))
		level := []string{"debug", "info", "info", "info", "warn", "error"}[r.IntN(6)]
		b := appendHead(nil, at, level, []string{"grading", "registry", "portal", "gateway"}[r.IntN(4)], fmt.Sprint("n", r.IntN(5)), "request")
		out[i] = fmt.Appendf(b, `,"method":"GET","route":"/v1/courses/:c/gradebook","status":%d,"took":"%dµs","trace_id":"%016x%016x"}`, 200+r.IntN(4)*100, r.IntN(9000), r.Uint64(), r.Uint64())
	}
	return out
}

// shipments packs lines as a producer would: batches of 1000, frames ready.
func shipments(lines [][]byte) (bs []batch, frames [][]byte) {
	for i := 0; i < len(lines); i += 1000 {
		d := draft{}
		for _, l := range lines[i:min(len(lines), i+1000)] {
			d.lines = append(append(d.lines, l...), '\n')
			d.count++
		}
		d.min, d.max = timeOf(lines[i]), timeOf(lines[min(len(lines), i+1000)-1])
		b := cut(BatchID{"p", 1, uint64(len(bs)) + 1}, time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC), d)
		bs, frames = append(bs, b), append(frames, b.encode())
	}
	return bs, frames
}

// BenchmarkCut packs 1000 lines into a batch.
func BenchmarkCut(b *testing.B) {
	d := draft{count: 1000}
	for _, l := range school(1000) {
		d.lines = append(append(d.lines, l...), '\n')
	}
	b.SetBytes(int64(len(d.lines)))
	b.ReportAllocs()
	size := 0
	for b.Loop() {
		size = len(cut(BatchID{"p", 1, 1}, time.Now(), d).Payload)
	}
	b.ReportMetric(float64(size)/1000, "B/line")
}

// BenchmarkStorePut stores batches of 1000 lines, 16 in one sync.
func BenchmarkStorePut(b *testing.B) {
	bs, frames := shipments(school(16000))
	s, _ := bareStore(b, b.TempDir())
	b.ReportAllocs()
	seq := uint64(0)
	for b.Loop() {
		for i := range bs {
			seq++
			bs[i].Seq = seq
			frames[i] = bs[i].encode()
		}
		if _, err := s.put(bs, frames); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(16000*b.N)/b.Elapsed().Seconds(), "lines/s")
}

// BenchmarkSearch asks a store of 200 000 lines.
func BenchmarkSearch(b *testing.B) {
	lines := school(200_000)
	rare := bytes.Replace(lines[77_777], []byte(`"request"`), []byte(`"zugzwang"`), 1)
	lines[77_777] = rare
	bs, frames := shipments(lines)
	s, _ := bareStore(b, b.TempDir())
	if _, err := s.put(bs, frames); err != nil {
		b.Fatal(err)
	}
	all := []want{{stream{"p", 1}, spans{{1, uint64(len(bs))}}}}
	for _, c := range []struct {
		name string
		q    Query
		hits int
	}{
		{"last100", Query{}, 100},
		{"lastErrors", Query{Level: "error", Service: "grading"}, 100},
		{"rareWord", Query{Contains: "zugzwang"}, 1},
		{"minute", Query{From: time.Unix(0, bs[100].Min), To: time.Unix(0, bs[101].Min), Limit: 5000}, 1000},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r, err := s.search(b.Context(), searchRequest{c.q, all})
				if err != nil || len(r.Hits) != c.hits {
					b.Fatalf("%d hits, want %d, %v", len(r.Hits), c.hits, err)
				}
			}
		})
	}
}

// BenchmarkOpenStore finds 200 000 lines again after a restart.
func BenchmarkOpenStore(b *testing.B) {
	bs, frames := shipments(school(200_000))
	dir := b.TempDir()
	s, _ := bareStore(b, dir)
	if _, err := s.put(bs, frames); err != nil {
		b.Fatal(err)
	}
	if err := s.close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		s, rec := bareStore(b, dir)
		if rec != (segment.Recovery{Frames: len(bs)}) {
			b.Fatalf("%+v", rec)
		}
		if err := s.close(); err != nil {
			b.Fatal(err)
		}
	}
}
