package membership

import (
	"bytes"
	"context"
	"log"
	"log/slog"
	"strings"
	"sync"
	"time"
)

const (
	// logEvery is how often one kind of library message is passed on.
	logEvery = 10 * time.Second
	// logMost bounds one message: some of the libraries' dump raw tags.
	logMost = 300
)

// bridge carries the libraries' log lines, such as "[WARN] serf: Something: 1",
// into slog. The libraries shout: a failed push/pull is an error to them and an
// ordinary Tuesday to us, so each level goes down one step. One kind of message
// passes every ten seconds, with a count of those held back: a stranger who
// sends undecryptable packets must not fill the disk.
type bridge struct {
	log *slog.Logger

	mu   sync.Mutex
	seen map[string]*seenLog // guarded by mu: kind of message → when, how many
}

type seenLog struct {
	at   time.Time
	held int
}

func newBridge(l *slog.Logger) *log.Logger {
	return log.New(&bridge{log: l.With("part", "gossip"), seen: map[string]*seenLog{}}, "", 0)
}

// Write takes one line of log.Logger.
func (b *bridge) Write(p []byte) (int, error) {
	level, text := classify(string(bytes.TrimSpace(p)))
	ctx := context.Background()
	if !b.log.Enabled(ctx, level) {
		return len(p), nil
	}
	held, pass := b.admit(level, text)
	if !pass {
		return len(p), nil
	}
	attrs := []slog.Attr{slog.String("message", text[:min(len(text), logMost)])}
	if held > 0 {
		attrs = append(attrs, slog.Int("heldBack", held))
	}
	b.log.LogAttrs(ctx, level, "gossip library", attrs...)
	return len(p), nil
}

// admit lets the first message of a kind pass, and then one every ten seconds.
// Debug lines always pass: who asks for them wants all.
func (b *bridge) admit(level slog.Level, text string) (held int, pass bool) {
	if level <= slog.LevelDebug {
		return 0, true
	}
	kind, _, _ := strings.Cut(text, ":")
	now := time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.seen[kind]
	if s == nil {
		if len(b.seen) > timelineLen {
			clear(b.seen)
		}
		b.seen[kind] = &seenLog{at: now}
		return 0, true
	}
	if now.Sub(s.at) < logEvery {
		s.held++
		return 0, false
	}
	held, s.at, s.held = s.held, now, 0
	return held, true
}

// classify strips the prefix from a line and gives it a level of ours.
func classify(line string) (slog.Level, string) {
	level := slog.LevelDebug
	if tag, rest, ok := strings.Cut(line, "] "); ok && strings.HasPrefix(tag, "[") {
		line = rest
		switch tag[1:] {
		case "ERR", "ERROR":
			level = slog.LevelWarn
		case "WARN":
			level = slog.LevelInfo
		}
	}
	line = strings.TrimPrefix(strings.TrimPrefix(line, "memberlist: "), "serf: ")
	for _, known := range quiet {
		if strings.HasPrefix(line, known) {
			return slog.LevelDebug, line
		}
	}
	return level, line
}

// quiet are messages that say in another way what this package says itself,
// or that belong to an ordinary start and stop.
var quiet = []string{
	"ignoring alive message",    // guard.go logs the refusal, once
	"Failed push/pull merge",    // the same, seen from the other side
	"Refuting an alive message", // each restart under the same id
	"Shutdown without a Leave",
	"Push/Pull with", // the member just died; failure detection says so
	"Failed fallback TCP ping",
	"Failed to send gossip",
	"Failed to send UDP ping",
	"Failed to send indirect UDP ping",
	"failed to receive and remove the stream label header",
}
