package logs

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// troubles is where this package reports on itself. It writes to stderr and
// never to slog's default, which may well end in the spool: a failure to ship
// must not make more to ship. The same message comes at most once in
// quietFor; what is held back is counted.
type troubles struct {
	log   *slog.Logger
	count atomic.Int64

	mu   sync.Mutex // guards last
	last map[string]*seen
}

type seen struct {
	at   time.Time
	held int
}

const quietFor = 10 * time.Second

func newTroubles(w io.Writer, part string) *troubles {
	return &troubles{log: slog.New(slog.NewTextHandler(w, nil)).With("part", part), last: map[string]*seen{}}
}

// report notes a trouble. msg is constant; facts are attributes.
func (t *troubles) report(msg string, facts ...any) {
	t.count.Add(1)
	t.mu.Lock()
	s := t.last[msg]
	if s == nil {
		s = &seen{}
		t.last[msg] = s
	}
	if time.Since(s.at) < quietFor {
		s.held++
		t.mu.Unlock()
		return
	}
	held := s.held
	s.at, s.held = time.Now(), 0
	t.mu.Unlock()
	if held > 0 {
		facts = append(facts, "heldBack", held)
	}
	t.log.Log(context.Background(), slog.LevelError, msg, facts...)
}
