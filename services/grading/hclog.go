package grading

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

// bridge lets raft, which speaks hclog, write to our slog.Logger. Raft calls
// each lost heartbeat and each refused vote an error; in a cluster that is
// made to lose nodes those are facts of the day, so raft's levels are taken
// down by one: its errors are our warnings, its chatter our debug. What it
// repeats ten times a second about a node that is gone is said once in a while.
type bridge struct {
	log  *slog.Logger
	said *said // shared by all that come from one
	name string
	with []any
}

func newBridge(log *slog.Logger) *bridge { return &bridge{log: log, said: &said{}} }

// repeatEvery is how long the same complaint about the same node is quiet.
const repeatEvery = 30 * time.Second

// said remembers complaints. There are few: one per message and node.
type said struct {
	mu   sync.Mutex
	when map[string]time.Time
}

// again reports whether a complaint was made a short while ago.
func (s *said) again(msg string, args []any) bool {
	key := msg
	for i := 0; i+1 < len(args); i += 2 {
		switch args[i] {
		case "peer", "target", "server-id", "id":
			key += fmt.Sprint(" ", args[i+1])
		}
	}
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if last, ok := s.when[key]; ok && now.Sub(last) < repeatEvery {
		return true
	}
	if s.when == nil {
		s.when = map[string]time.Time{}
	}
	s.when[key] = now
	return false
}

var _ hclog.Logger = (*bridge)(nil)

func level(l hclog.Level) slog.Level {
	switch l {
	case hclog.Error:
		return slog.LevelWarn
	case hclog.Warn:
		return slog.LevelInfo
	}
	return slog.LevelDebug
}

// Log writes one record.
func (b *bridge) Log(l hclog.Level, msg string, args ...any) {
	at := level(l)
	if at > slog.LevelDebug && b.said.again(msg, args) {
		at = slog.LevelDebug
	}
	b.log.Log(context.Background(), at, "raft: "+msg, plain(args)...)
}

// plain turns what slog can't show well into text: raft hands over values
// whose types it keeps to itself.
func plain(args []any) []any {
	out := make([]any, len(args))
	for i, a := range args {
		switch v := a.(type) {
		case fmt.Stringer:
			a = v.String()
		case hclog.Format:
			if f, ok := v[0].(string); ok {
				a = fmt.Sprintf(f, v[1:]...)
			}
		}
		out[i] = a
	}
	return out
}

func (b *bridge) Trace(msg string, args ...any) { b.Log(hclog.Trace, msg, args...) }
func (b *bridge) Debug(msg string, args ...any) { b.Log(hclog.Debug, msg, args...) }
func (b *bridge) Info(msg string, args ...any)  { b.Log(hclog.Info, msg, args...) }
func (b *bridge) Warn(msg string, args ...any)  { b.Log(hclog.Warn, msg, args...) }
func (b *bridge) Error(msg string, args ...any) { b.Log(hclog.Error, msg, args...) }

func (b *bridge) enabled(l hclog.Level) bool {
	return b.log.Enabled(context.Background(), level(l))
}
func (b *bridge) IsTrace() bool { return b.enabled(hclog.Trace) }
func (b *bridge) IsDebug() bool { return b.enabled(hclog.Debug) }
func (b *bridge) IsInfo() bool  { return b.enabled(hclog.Info) }
func (b *bridge) IsWarn() bool  { return b.enabled(hclog.Warn) }
func (b *bridge) IsError() bool { return b.enabled(hclog.Error) }

func (b *bridge) ImpliedArgs() []any { return b.with }
func (b *bridge) Name() string       { return b.name }

// With returns a logger that adds args to each record.
func (b *bridge) With(args ...any) hclog.Logger {
	return &bridge{log: b.log.With(plain(args)...), said: b.said, name: b.name, with: append(append([]any(nil), b.with...), args...)}
}

// Named and ResetNamed keep the name; the part of the node is said already.
func (b *bridge) Named(name string) hclog.Logger {
	return &bridge{log: b.log, said: b.said, name: name, with: b.with}
}
func (b *bridge) ResetNamed(name string) hclog.Logger { return b.Named(name) }

// SetLevel does nothing: the slog.Handler decides.
func (b *bridge) SetLevel(hclog.Level)  {}
func (b *bridge) GetLevel() hclog.Level { return hclog.Debug }

func (b *bridge) StandardLogger(*hclog.StandardLoggerOptions) *log.Logger {
	return slog.NewLogLogger(b.log.Handler(), slog.LevelDebug)
}
func (b *bridge) StandardWriter(o *hclog.StandardLoggerOptions) io.Writer {
	return b.StandardLogger(o).Writer()
}
