package logs

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/distributedgo/rollcall/node/health"
	"github.com/distributedgo/rollcall/services/logs/segment"
)

// bareSpool is a spool of producer p whose cuts the test makes itself.
func bareSpool(t testing.TB, dir string) *spool {
	t.Helper()
	s, err := openSpool(spoolConfig{dir: dir, producer: "p", maxBytes: 1 << 30, replicas: 2, own: newTroubles(io.Discard, "test"), health: new(health.Set)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.close() })
	return s
}

func (s *spool) cutOne(t testing.TB, text string) {
	t.Helper()
	s.mu.Lock()
	w := s.add([]byte(text), 1)
	s.mu.Unlock()
	s.cut()
	if w.err != nil {
		t.Fatal(w.err)
	}
}

// newest is the spool's file that was written last.
func newest(t testing.TB, dir string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.log"))
	if err != nil || len(names) == 0 {
		t.Fatalf("%v, %v", names, err)
	}
	return names[len(names)-1]
}

// TestSpoolTornAtEveryByte cuts the spool's file at each byte of its last
// batch. What was whole goes out under its old name; what was torn was never
// accepted, and its name is not missed.
func TestSpoolTornAtEveryByte(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := bareSpool(t, dir)
	s.cutOne(t, "one")
	whole := s.file.Size()
	s.cutOne(t, "two")
	b, err := os.ReadFile(newest(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	state, err := os.ReadFile(filepath.Join(dir, stateFile))
	if err != nil {
		t.Fatal(err)
	}
	for cut := whole; cut < int64(len(b)); cut++ {
		torn := t.TempDir()
		if err := errors.Join(os.WriteFile(filepath.Join(torn, filepath.Base(newest(t, dir))), b[:cut], 0o600),
			os.WriteFile(filepath.Join(torn, stateFile), state, 0o600)); err != nil {
			t.Fatal(err)
		}
		s := bareSpool(t, torn)
		if len(s.open) != 1 || s.open[0].id != (BatchID{"p", 1, 1}) || s.count.Torn != cut-whole {
			t.Fatalf("cut at %d: %d batches, %d bytes torn", cut, len(s.open), s.count.Torn)
		}
		m := s.manifest(false)
		if e := m.Epochs[0]; e.Cut != 1 || len(e.Lost) != 0 || !e.Closed || m.Epochs[1].Epoch != 2 {
			t.Fatalf("cut at %d: %+v", cut, *e)
		}
		s.cutOne(t, "three")
		if id := s.open[1].id; id != (BatchID{"p", 2, 1}) {
			t.Fatalf("the next batch is %s", id)
		}
		s.close()
	}
}

// TestSpoolDamageIsNamed hurts a batch in the middle: it is known to be lost,
// and the ones around it go out.
func TestSpoolDamageIsNamed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := bareSpool(t, dir)
	s.cutOne(t, "one")
	at := s.file.Size()
	s.cutOne(t, "two")
	s.cutOne(t, "three")
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(newest(t, dir), os.O_RDWR, 0)
	if err == nil {
		_, err = f.WriteAt([]byte("ouch"), at+12)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	s = bareSpool(t, dir)
	if e := s.manifest(false).Epochs[0]; e.Cut != 3 || fmt.Sprint(e.Lost) != "[{2 2}]" || len(s.open) != 2 || s.count.Damaged == 0 {
		t.Fatalf("%+v, %d batches", *e, len(s.open))
	}
	s.acked("a", s.open)
	s.acked("b", s.open)
	if e := s.manifest(false).Epochs[0]; e.Released != 3 || s.bytes() != 0 {
		t.Fatalf("%+v, %d bytes", *e, s.bytes())
	}
}

// TestSpoolCursors moves both cursors out of order and restarts in between.
func TestSpoolCursors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := bareSpool(t, dir)
	for i := range 5 {
		s.cutOne(t, fmt.Sprint("batch ", i))
	}
	at := func(s *spool) string {
		e := s.manifest(false).Epochs[0]
		return fmt.Sprintf("stored %d released %d of %d", e.Stored, e.Released, e.Cut)
	}
	all := append([]*entry(nil), s.open...)
	s.acked("a", all[1:3])
	s.acked("b", all[1:2])
	if got := at(s); got != "stored 0 released 0 of 5" {
		t.Fatal(got)
	}
	s.acked("a", all[:1])
	s.acked("a", all[:1]) // the same node twice is one copy
	if got := at(s); got != "stored 3 released 0 of 5" {
		t.Fatal(got)
	}
	s.acked("b", all[:1])
	if got := at(s); got != "stored 3 released 2 of 5" {
		t.Fatal(got)
	}
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	s = bareSpool(t, dir)
	if got := at(s); got != "stored 3 released 2 of 5" || len(s.open) != 3 || s.secure != 1 {
		t.Fatalf("%s, %d batches, %d of them stored", got, len(s.open), s.secure)
	}
	s.acked("a", s.open)
	s.acked("b", append([]*entry(nil), s.open...))
	if err := s.tidy(); err != nil {
		t.Fatal(err)
	}
	if names, _ := filepath.Glob(filepath.Join(dir, "*.log")); len(names) != 0 {
		t.Fatalf("%v are still there", names)
	}
	s.close()
	s = bareSpool(t, dir)
	if e := s.manifest(false).Epochs; len(e) != 3 || e[0].Released != 5 || len(e[0].Lost) != 0 {
		t.Fatalf("%+v", *e[0])
	}
}

// TestFailedWriteBeginsAnEpoch takes the file away under the spool. The failed
// name must never be used for other bytes.
func TestFailedWriteBeginsAnEpoch(t *testing.T) {
	t.Parallel()
	_, n1, n2, _ := three(t)
	n1.ingest(t, "before", 5)
	n1.agent.spool.mu.Lock()
	file := n1.agent.spool.file
	n1.agent.spool.mu.Unlock()
	n1.shipped(t)
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	code, header, body := n1.call(t, "service", "POST", "/v1/ingest", `{"msg":"fails"}`)
	if code != 503 || header.Get("Retry-After") == "" {
		t.Fatalf("%d %s", code, body)
	}
	n1.ingest(t, "after", 5)
	n1.shipped(t)
	n2.exactly(t, Query{}, 10)
	if e := n1.agent.spool.manifest(false).Epochs; len(e) != 2 || e[1].Cut != 1 || !e[0].Closed {
		t.Fatalf("%d epochs", len(e))
	}
}

func TestSpoolRefusesWhatIsNotIts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"version":1,"producer":"other"}`: "other",
		`{"version":9,"producer":"p"}`:     "newer",
		`{`:                                "damaged",
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, stateFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := openSpool(spoolConfig{dir: dir, producer: "p", maxBytes: 1, own: newTroubles(io.Discard, "")})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func bareStore(t testing.TB, dir string) (*store, segment.Recovery) {
	t.Helper()
	s, rec, err := openStore(dir, 0, newTroubles(io.Discard, "test"), &generations{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.close() })
	return s, rec
}

func (s *store) putOne(t testing.TB, bs ...batch) []refusal {
	t.Helper()
	var frames [][]byte
	for _, b := range bs {
		frames = append(frames, b.encode())
	}
	refused, err := s.put(bs, frames)
	if err != nil {
		t.Fatal(err)
	}
	return refused
}

func TestStoringTwiceIsStoringOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, _ := bareStore(t, dir)
	a, b, other := sampleBatch(1, "a"), sampleBatch(2, "b"), sampleBatch(2, "not b")
	for range 3 {
		if r := s.putOne(t, a, b, a); len(r) != 0 {
			t.Fatalf("refused %+v", r)
		}
	}
	if r := s.putOne(t, other, sampleBatch(3, "c")); len(r) != 1 || r[0].BatchID != b.BatchID || !strings.Contains(r[0].Reason, "checksum") {
		t.Fatalf("refused %+v", r)
	}
	if st := s.streams[a.stream()]; len(st.batches) != 3 || fmt.Sprint(st.inventory.set()) != "[{1 3}]" {
		t.Fatalf("%+v", st.inventory)
	}
	s.close()
	s, rec := bareStore(t, dir)
	if st, err := s.status(); err != nil || st.Batches != 3 || rec.Torn+rec.Damaged != 0 {
		t.Fatalf("%+v, %+v, %v", st, rec, err)
	}
	if r := s.putOne(t, other); len(r) != 1 {
		t.Fatal("the conflict is forgotten after a restart")
	}
}

// TestStoreRecovers tears the tail of the store and hurts its middle.
func TestStoreRecovers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, _ := bareStore(t, dir)
	var ends []int64
	for i := range uint64(4) {
		s.putOne(t, sampleBatch(i+1, fmt.Sprintf(`{"time":"2026-09-01T12:00:00Z","level":"info","msg":"m%d"}`, i)))
		ends = append(ends, s.bytes)
	}
	s.close()
	path := filepath.Join(dir, "20260901", "wal-000001.log")
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte{0xff}, 16+ends[0]+20); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Truncate(16+ends[3]-1), f.Close()); err != nil {
		t.Fatal(err)
	}
	s, rec := bareStore(t, dir)
	if got := fmt.Sprint(s.streams[stream{"p", 1}].inventory.set()); got != "[{1 1} {3 3}]" || rec.Torn == 0 || rec.Damaged == 0 {
		t.Fatalf("holds %s, %+v", got, rec)
	}
	s.putOne(t, sampleBatch(2, "again"), sampleBatch(4, "again")) // as a shipper or a repair would
	if got := fmt.Sprint(s.streams[stream{"p", 1}].inventory.set()); got != "[{1 4}]" {
		t.Fatalf("holds %s", got)
	}
}

// TestDamageWhileRunning hurts a copy after it was stored: the holder says that
// it did not read it, and the other copy is asked.
func TestDamageWhileRunning(t *testing.T) {
	t.Parallel()
	c, n1, n2, n3 := three(t)
	n1.ingest(t, "x", 10)
	n1.shipped(t)
	hurt := 0
	for _, n := range []*node{n1, n2, n3} {
		n.exactly(t, Query{}, 10)
		names, err := filepath.Glob(filepath.Join(n.dir, "logs", "*", "*.log"))
		if err != nil {
			t.Fatal(err)
		}
		if len(names) == 0 || hurt == 1 {
			continue
		}
		hurt++
		f, err := os.OpenFile(names[0], os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		st, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		if _, err = f.WriteAt(make([]byte, st.Size()-16), 16); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range []*node{n1, n2, n3} {
		n.exactly(t, Query{}, 10)
	}
	_ = c
}

func TestProducerThatIsNoMemberAnyMore(t *testing.T) {
	t.Parallel()
	c, n1, n2, _ := three(t)
	p := c.start("p")
	p.ingest(t, "x", 10)
	p.shipped(t)
	n1.exactly(t, Query{}, 10)
	c.kill(p)
	c.mu.Lock()
	delete(c.nodes, "p") // reaped, or superseded by a new node of its name
	c.mu.Unlock()
	for _, n := range []*node{n1, n2} {
		n.service.know.mu.Lock()
		n.service.know.heard["p"] = time.Now().Add(-time.Hour)
		n.service.know.mu.Unlock()
	}
	if _, a := n1.all(t, Query{}); a.Complete {
		t.Fatal("complete, though a log node that just started can't know who is a member")
	}
	n1.service.started = time.Now().Add(-time.Minute)
	if _, a := n1.all(t, Query{}); !a.Complete || len(a.Records) != 10 {
		t.Fatalf("%d records, missing %+v", len(a.Records), a.Missing)
	}
}
