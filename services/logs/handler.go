package logs

import (
	"context"
	"encoding"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"
)

// Handler returns a slog.Handler that gives records of this service to the
// spool. It never waits: a line is made, copied behind others, and synced with
// them a little later. When there is no room the record is counted and let go
// (Counters), so put a handler for stderr beside it with slog.NewMultiHandler.
// Groups become dotted names: slog.Group("http", "status", 500) is the field
// http.status.
func (a *Agent) Handler(service string) slog.Handler {
	return &handler{agent: a, service: service}
}

type handler struct {
	agent   *Agent
	service string
	group   string // of WithGroup, with a dot at its end
	fields  []byte // of WithAttrs, as JSON members, each after a comma
}

var _ slog.Handler = (*handler)(nil)

// lines are the buffers that records are written into.
var lines = sync.Pool{New: func() any { b := make([]byte, 0, 1024); return &b }}

// Enabled implements slog.Handler.
func (h *handler) Enabled(_ context.Context, l slog.Level) bool {
	return l >= h.agent.cfg.Level.Level()
}

// Handle implements slog.Handler. It returns ErrFull when the record was not
// kept.
func (h *handler) Handle(_ context.Context, r slog.Record) error {
	t := r.Time
	if t.IsZero() {
		t = time.Now()
	}
	buf := lines.Get().(*[]byte)
	b := appendHead((*buf)[:0], t, levelName(r.Level), h.service, h.agent.cfg.Node, r.Message)
	b = append(b, h.fields...)
	r.Attrs(func(a slog.Attr) bool {
		b = appendAttr(b, h.group, a)
		return true
	})
	b = append(b, '}')
	text := b
	if len(text) > maxLine {
		text = shorten(text)
	}
	ok := h.agent.spool.offer(text, t.UnixNano(), r.Level)
	if cap(b) <= 64<<10 { // one huge line must not stay for ever
		*buf = b
		lines.Put(buf)
	}
	if !ok {
		return ErrFull
	}
	return nil
}

// WithAttrs implements slog.Handler: the attributes are written once, here.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	c.fields = append([]byte(nil), h.fields...)
	for _, a := range attrs {
		c.fields = appendAttr(c.fields, h.group, a)
	}
	return &c
}

// WithGroup implements slog.Handler.
func (h *handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	c := *h
	c.group += name + "."
	return &c
}

// appendAttr appends an attribute as JSON members. group ends with a dot.
func appendAttr(b []byte, group string, a slog.Attr) []byte {
	v := a.Value
	if v.Kind() == slog.KindLogValuer {
		v = v.Resolve()
	}
	if v.Kind() == slog.KindGroup {
		if a.Key != "" { // a group without a name belongs to the one around it
			group += a.Key + "."
		}
		for _, in := range v.Group() {
			b = appendAttr(b, group, in)
		}
		return b
	}
	if a.Key == "" && v.Kind() == slog.KindAny && v.Any() == nil {
		return b // the empty Attr is to be ignored
	}
	b = append(b, ',')
	switch {
	case group != "":
		b = appendKey(b, group, a.Key)
	case builtin(a.Key):
		b = appendKey(b, ownPath, a.Key)
	default:
		b = appendString(b, a.Key)
	}
	b = append(b, ':')
	return appendValue(b, v)
}

func appendKey(b []byte, group, key string) []byte {
	b = appendString(b, group)
	b = b[:len(b)-1] // the closing quote
	at := len(b)
	b = appendString(b, key)
	return append(b[:at], b[at+1:]...) // the opening quote
}

func appendValue(b []byte, v slog.Value) []byte {
	switch v.Kind() {
	case slog.KindString:
		return appendString(b, v.String())
	case slog.KindInt64:
		return strconv.AppendInt(b, v.Int64(), 10)
	case slog.KindUint64:
		return strconv.AppendUint(b, v.Uint64(), 10)
	case slog.KindFloat64:
		f := v.Float64()
		if math.IsInf(f, 0) || math.IsNaN(f) { // JSON has no such numbers
			return appendString(b, strconv.FormatFloat(f, 'g', -1, 64))
		}
		return strconv.AppendFloat(b, f, 'g', -1, 64)
	case slog.KindBool:
		return strconv.AppendBool(b, v.Bool())
	case slog.KindDuration:
		return appendString(b, v.Duration().String()) // "1.5s": for people, and its unit is in it
	case slog.KindTime:
		b = append(b, '"')
		b = v.Time().UTC().AppendFormat(b, time.RFC3339Nano)
		return append(b, '"')
	}
	return appendAny(b, v.Any())
}

// appendAny writes what slog knows no kind for: errors and texts as text, all
// else as JSON, and what has none as fmt writes it. A method that panics is
// named instead, as in slog: logging must not bring a program down.
func appendAny(b []byte, v any) (out []byte) {
	at := len(b)
	defer func() {
		if p := recover(); p != nil {
			out = appendString(b[:at], fmt.Sprintf("!PANIC: %v", p))
		}
	}()
	switch v := v.(type) {
	case nil:
		return append(b, "null"...)
	case error:
		return appendString(b, v.Error())
	case json.Marshaler:
	case encoding.TextMarshaler:
		text, err := v.MarshalText()
		if err != nil {
			return appendString(b, "!ERROR: "+err.Error())
		}
		return appendString(b, string(text))
	case fmt.Stringer:
		return appendString(b, v.String())
	}
	text, err := json.Marshal(v)
	if err != nil {
		return appendString(b, fmt.Sprintf("%+v", v))
	}
	if len(text) > 0 && text[0] == '{' { // a struct or map is a group, too deep for here: keep it as text
		return appendString(b, string(text))
	}
	return append(b, text...)
}

// shorten cuts the longest texts of a line until it has maxLine bytes at most,
// and marks it with how many bytes it had.
func shorten(text []byte) []byte {
	r, err := parseLine(text)
	if err != nil {
		return text[:0] // not a line of ours
	}
	had := len(text)
	for budget := maxLine / 2; ; budget /= 2 {
		r.Msg = clip(r.Msg, budget)
		for i, f := range r.Fields {
			if len(f.Value) > budget {
				r.Fields[i].Value = appendString(nil, clip(f.Text(), budget))
			}
		}
		b := append(appendHead(nil, r.Time, r.Level, r.Service, r.Node, r.Msg), `,"cut.bytes":`...)
		b = strconv.AppendInt(b, int64(had), 10)
		if b = append(appendFields(b, r.Fields), '}'); len(b) <= maxLine {
			return b
		}
		if budget == 0 { // names alone are too long
			r.Fields = r.Fields[:len(r.Fields)/2]
		}
	}
}

// clip cuts s to n bytes, not within a character.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
