package logs

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGolden opens a spool and a store that version 1 wrote. What they hold
// must stay readable, whatever the formats become.
func TestGolden(t *testing.T) {
	t.Parallel()
	golden := filepath.Join("testdata", "v1")
	if *update {
		writeGolden(t, golden)
	}
	dir := snapshot(t, golden)

	sp := bareSpool(t, filepath.Join(dir, "spool"))
	m := sp.manifest(false)
	if len(m.Epochs) != 3 || m.Epochs[0].Cut != 3 || m.Epochs[0].Released != 1 || m.Epochs[0].Stored != 2 || len(sp.open) != 3 {
		t.Fatalf("%d epochs, first %+v, %d batches", len(m.Epochs), *m.Epochs[0], len(sp.open))
	}

	s, rec := bareStore(t, filepath.Join(dir, "logs"))
	if rec.Frames != 2 || rec.Torn+rec.Damaged != 0 || s.floors[stream{"gone", 4}] != 17 {
		t.Fatalf("%+v, floors %v", rec, s.floors)
	}
	reply, err := s.search(t.Context(), searchRequest{Query{Order: Ascending}, []want{{stream{"p", 1}, spans{{1, 9}}}}})
	if err != nil || len(reply.Hits) != 2 || string(reply.Hits[1].Line) != goldenLine(2) {
		t.Fatalf("%+v, %v", reply.Hits, err)
	}

	svc := &Service{cfg: Config{Dir: dir}, own: newTroubles(io.Discard, ""), know: newKnowledge(&generations{})}
	if err := svc.loadManifests(); err != nil {
		t.Fatal(err)
	}
	if ms, _ := svc.know.producers(); len(ms) != 1 || ms[0].Producer != "p" || len(ms[0].Epochs) != 2 {
		t.Fatalf("%+v", ms)
	}
}

func goldenLine(i int) string {
	return fmt.Sprintf(`{"time":"2026-09-01T12:00:0%dZ","level":"info","service":"grading","node":"n1","msg":"grüße %d","i":%d}`, i, i, i)
}

func writeGolden(t *testing.T, dir string) {
	t.Helper()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	sp := bareSpool(t, filepath.Join(dir, "spool"))
	for i := range 3 {
		sp.cutOne(t, goldenLine(i))
	}
	sp.acked("a", sp.open[:2])
	sp.acked("b", append([]*entry(nil), sp.open[:1]...))
	errs := []error{sp.close()}
	sp = bareSpool(t, filepath.Join(dir, "spool")) // a second epoch
	sp.cutOne(t, goldenLine(3))
	book := sp.manifest(false)
	errs = append(errs, sp.close())

	s, _ := bareStore(t, filepath.Join(dir, "logs"))
	for i := 1; i <= 2; i++ {
		b := sampleBatch(uint64(i), goldenLine(i))
		b.Min = time.Date(2026, 9, 1, 12, 0, i, 0, time.UTC).UnixNano()
		b.Max = b.Min
		s.putOne(t, b)
	}
	s.putOne(t, func() batch {
		b := cut(BatchID{"gone", 4, 17}, time.Unix(0, 0), draft{lines: []byte("x\n"), count: 1})
		return b
	}())
	errs = append(errs, s.drop(19700101), s.close())
	svc := &Service{cfg: Config{Dir: dir}, know: newKnowledge(&generations{})}
	svc.know.hear(book, 0)
	if err := errors.Join(append(errs, svc.saveManifests())...); err != nil {
		t.Fatal(err)
	}
}
