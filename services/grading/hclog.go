package grading

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"

	"github.com/hashicorp/go-hclog"
)

// bridge lets raft, which speaks hclog, write to our slog.Logger. Raft calls
// each lost heartbeat and each refused vote an error; in a cluster that is
// made to lose nodes those are facts of the day, so raft's levels are taken
// down by one: its errors are our warnings, its chatter our debug.
type bridge struct {
	log  *slog.Logger
	name string
	with []any
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
	b.log.Log(context.Background(), level(l), "raft: "+msg, plain(args)...)
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
	return &bridge{log: b.log.With(plain(args)...), name: b.name, with: append(append([]any(nil), b.with...), args...)}
}

// Named and ResetNamed keep the name; the part of the node is said already.
func (b *bridge) Named(name string) hclog.Logger {
	return &bridge{log: b.log, name: name, with: b.with}
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
