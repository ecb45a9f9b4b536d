package logs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"strings"
	"testing"
	"testing/slogtest"
	"time"

	"github.com/distributedgo/rollcall/membership"
)

// lonely is an agent that is not run: its records stay where they wait.
func lonely(t testing.TB, tweak ...func(*AgentConfig)) *Agent {
	t.Helper()
	cfg := AgentConfig{
		Dir: t.TempDir(), Node: "n1", NodeID: "id1", Members: func() []membership.Member { return nil },
		Peers: http.DefaultTransport, Stderr: io.Discard, Level: slog.LevelDebug,
	}
	for _, f := range tweak {
		f(&cfg)
	}
	a, err := OpenAgent(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.spool.close() })
	return a
}

// waitingLines takes the lines that the next cut would.
func waitingLines(a *Agent) []string {
	a.spool.mu.Lock()
	defer a.spool.mu.Unlock()
	var out []string
	if w := a.spool.next; w != nil {
		for _, d := range w.drafts {
			out = append(out, strings.Split(strings.TrimSpace(string(d.lines)), "\n")...)
		}
	}
	a.spool.next = nil
	return out
}

// TestHandlerIsAHandler runs the standard library's own checks of handlers.
func TestHandlerIsAHandler(t *testing.T) {
	t.Parallel()
	var a *Agent
	slogtest.Run(t, func(t *testing.T) slog.Handler {
		a = lonely(t)
		return a.Handler("svc")
	}, func(t *testing.T) map[string]any {
		m := nest(t, waitingLines(a)[0])
		if strings.Contains(t.Name(), "zero-time") {
			delete(m, "time") // records stand in order of time here, so one without gets the present
		}
		return m
	})
}

// nest undoes the flattening of one line.
func nest(t *testing.T, line string) map[string]any {
	t.Helper()
	var flat map[string]any
	if err := json.Unmarshal([]byte(line), &flat); err != nil {
		t.Fatal(err)
	}
	out := map[string]any{}
	for k, v := range flat {
		at := out
		path := strings.Split(k, ".")
		for _, p := range path[:len(path)-1] {
			next, ok := at[p].(map[string]any)
			if !ok {
				next = map[string]any{}
				at[p] = next
			}
			at = next
		}
		at[path[len(path)-1]] = v
	}
	return out
}

type panics struct{}

func (panics) Error() string { panic("no text today") }

type secretive struct{ inner string }

func (s secretive) LogValue() slog.Value {
	return slog.GroupValue(slog.String("len", fmt.Sprint(len(s.inner))))
}

func TestHandlerWritesEachKind(t *testing.T) {
	t.Parallel()
	a := lonely(t)
	at := time.Date(2026, 9, 1, 12, 0, 0, 5e6, time.FixedZone("CEST", 7200))
	r := slog.NewRecord(at, slog.LevelWarn, "said \"hi\"\n", 0)
	r.Add("int", -3, "uint", uint64(math.MaxUint64), "float", 1.5, "nan", math.NaN(), "ok", true, "took", 1500*time.Millisecond,
		"at", at, "err", errors.New("bad <thing>"), "list", []int{1, 2}, "struct", struct{ A int }{7}, "nil", nil, "panics", panics{},
		"secret", secretive{"abc"}, "level", "theirs", "utf8", "a\xffb", slog.Group("http", "status", 500, slog.Group("", "inline", 1)))
	if err := a.Handler("svc").WithGroup("g").WithAttrs([]slog.Attr{slog.Int("level", 1)}).Handle(t.Context(), r.Clone()); err != nil {
		t.Fatal(err)
	}
	if err := a.Handler("svc").Handle(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	got := waitingLines(a)
	const want = `{"time":"2026-09-01T10:00:00.005Z","level":"warn","service":"svc","node":"n1","msg":"said \"hi\"\n",` +
		`"int":-3,"uint":18446744073709551615,"float":1.5,"nan":"NaN","ok":true,"took":"1.5s","at":"2026-09-01T10:00:00.005Z",` +
		`"err":"bad <thing>","list":[1,2],"struct":"{\"A\":7}","nil":null,"panics":"!PANIC: no text today","secret.len":"3",` +
		`"attr.level":"theirs","utf8":"a�b","http.status":500,"http.inline":1}`
	if got[1] != want {
		t.Errorf("got  %s\nwant %s", got[1], want)
	}
	for _, part := range []string{`"g.level":1,`, `"g.level":"theirs"`, `"g.http.status":500`} {
		if !strings.Contains(got[0], part) {
			t.Errorf("%s lacks %s", got[0], part)
		}
	}
}

func TestHandlerCutsHugeRecords(t *testing.T) {
	t.Parallel()
	a := lonely(t)
	slog.New(a.Handler("svc")).Info("huge", "body", strings.Repeat("ü", 3<<20), "small", 1)
	var got map[string]any
	line := waitingLines(a)[0]
	if err := json.Unmarshal([]byte(line), &got); err != nil {
		t.Fatal(err)
	}
	if len(line) > maxLine || got["cut.bytes"].(float64) < 6<<20 || got["small"] != 1.0 || got["msg"] != "huge" {
		t.Fatalf("%d bytes, cut.bytes %v, small %v", len(line), got["cut.bytes"], got["small"])
	}
}

func TestHandlerIsBoundedAndCounts(t *testing.T) {
	t.Parallel()
	a := lonely(t)
	h := a.Handler("svc")
	r := slog.NewRecord(time.Now(), slog.LevelInfo, strings.Repeat("x", 100<<10), 0)
	var refused int64
	for range 200 { // 20 MB, and nobody cuts
		if err := h.Handle(t.Context(), r); errors.Is(err, ErrFull) {
			refused++
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if c := a.Counters(); refused == 0 || c.Refused != refused {
		t.Fatalf("refused %d, counted %d", refused, c.Refused)
	}
}

func TestHandlerAllocates(t *testing.T) {
	a := lonely(t, func(c *AgentConfig) { c.MaxBytes = 1 << 40 })
	log := slog.New(a.Handler("svc"))
	ctx := context.Background()
	n := testing.AllocsPerRun(1000, func() {
		log.LogAttrs(ctx, slog.LevelInfo, "score set", slog.String("course", "c1"), slog.Int("count", 3), slog.Duration("took", 1234567), slog.Bool("ok", true))
	})
	if n > 2 {
		t.Fatalf("%.1f allocations a record, want at most 2", n)
	}
}

// BenchmarkHandler is the cost of one log call: a line made and left for the
// cut, which empties the queue at the side.
func BenchmarkHandler(b *testing.B) {
	a := lonely(b, func(c *AgentConfig) { c.MaxBytes = 1 << 40 })
	log := slog.New(a.Handler("grading")).With("part", "raft", "node", "n1")
	ctx := context.Background()
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		log.LogAttrs(ctx, slog.LevelInfo, "command applied", slog.String("kind", "set-score"), slog.Int("index", i),
			slog.Duration("took", 1234567), slog.String("course", "c17"), slog.Bool("leader", true))
		if i++; i%4096 == 0 {
			a.spool.mu.Lock()
			for _, d := range a.spool.next.drafts {
				giveBuffer(d.lines)
			}
			a.spool.next, a.spool.pending = nil, 0
			a.spool.mu.Unlock()
		}
	}
	if n := a.Counters().Refused; n > 0 {
		b.Fatalf("%d records were refused", n)
	}
}
