package logs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"
)

// The names of the parts that every record has. As JSON they stand first.
const (
	keyTime    = "time"
	keyLevel   = "level"
	keyMsg     = "msg"
	keyService = "service"
	keyNode    = "node"
)

// builtin reports whether a field of this name would hide a part of the record.
// Such fields are kept under ownPath.
func builtin(key string) bool {
	switch key {
	case keyTime, keyLevel, keyMsg, keyService, keyNode:
		return true
	}
	return false
}

// ownPath goes before the name of a field that is named like a part of the
// record: an attribute "level" is kept as "attr.level".
const ownPath = "attr."

// Record is one thing that happened. As JSON it is one flat object: time,
// level, service, node, msg, then the fields.
type Record struct {
	Time    time.Time // UTC
	Level   string    // "debug", "info", "warn", "error", or between, as "info+2"
	Service string    // the part or program that says it
	Node    string    // name of the node that took it in
	Msg     string
	Fields  []Field // in the order they were given
}

// Field is one fact of a record. Groups and nested objects are flattened:
// {"http":{"status":500}} is the field "http.status".
type Field struct {
	Key   string
	Value json.RawMessage // a string, number, boolean, null, or array
}

// Text is the value without quotes.
func (f Field) Text() string { return string(textOf(f.Value)) }

// Field returns the text of the first field named key, "" when there is none.
func (r Record) Field(key string) string {
	for _, f := range r.Fields {
		if f.Key == key {
			return f.Text()
		}
	}
	return ""
}

// MarshalJSON implements json.Marshaler.
func (r Record) MarshalJSON() ([]byte, error) {
	return append(appendFields(appendHead(nil, r.Time, r.Level, r.Service, r.Node, r.Msg), r.Fields), '}'), nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (r *Record) UnmarshalJSON(b []byte) error {
	var flat bytes.Buffer
	if err := json.Compact(&flat, b); err != nil {
		return err
	}
	rec, err := parseLine(flat.Bytes())
	if err == nil {
		*r = rec
	}
	return err
}

// appendHead begins a line: an object without its closing brace.
func appendHead(b []byte, t time.Time, level, service, node, msg string) []byte {
	b = append(b, `{"time":"`...)
	b = t.UTC().AppendFormat(b, time.RFC3339Nano)
	b = append(b, `","level":"`...)
	b = append(b, level...)
	b = append(b, `","service":`...)
	b = appendString(b, service)
	b = append(b, `,"node":`...)
	b = appendString(b, node)
	b = append(b, `,"msg":`...)
	return appendString(b, msg)
}

func appendFields(b []byte, fields []Field) []byte {
	for _, f := range fields {
		b = append(b, ',')
		b = appendString(b, f.Key)
		b = append(b, ':')
		b = append(b, f.Value...)
	}
	return b
}

// parseLine reads one flat line back. It copies what it keeps.
func parseLine(line []byte) (Record, error) {
	var r Record
	var terr error
	err := walk(line, func(key, val []byte) bool {
		switch string(key) {
		case keyTime:
			r.Time, terr = time.Parse(time.RFC3339Nano, string(textOf(val)))
		case keyLevel:
			r.Level = string(textOf(val))
		case keyService:
			r.Service = string(textOf(val))
		case keyNode:
			r.Node = string(textOf(val))
		case keyMsg:
			r.Msg = string(textOf(val))
		default:
			r.Fields = append(r.Fields, Field{Key: string(textOf(quoted(key))), Value: bytes.Clone(val)})
		}
		return terr == nil
	})
	if err == nil {
		err = terr
	}
	return r, err
}

// levelName is how a level is written in records.
func levelName(l slog.Level) string {
	switch l {
	case slog.LevelDebug:
		return "debug"
	case slog.LevelInfo:
		return "info"
	case slog.LevelWarn:
		return "warn"
	case slog.LevelError:
		return "error"
	}
	return strings.ToLower(l.String())
}

// ParseLevel reads what programs call their levels: slog's names with offsets
// ("info+2"), those of syslog and of other loggers ("warning", "fatal",
// "notice"), and the numbers of bunyan and pino (10 trace … 60 fatal).
func ParseLevel(s string) (slog.Level, error) {
	switch strings.ToLower(s) {
	case "trace", "10":
		return slog.LevelDebug - 4, nil
	case "debug", "dbg", "20":
		return slog.LevelDebug, nil
	case "info", "information", "informational", "notice", "30":
		return slog.LevelInfo, nil
	case "warn", "warning", "40":
		return slog.LevelWarn, nil
	case "error", "err", "50":
		return slog.LevelError, nil
	case "fatal", "critical", "crit", "panic", "alert", "emerg", "emergency", "60":
		return slog.LevelError + 4, nil
	}
	var l slog.Level
	if _, err := strconv.Atoi(s); err == nil || l.UnmarshalText([]byte(s)) != nil {
		return 0, fmt.Errorf("level %q is unknown; use debug, info, warn or error", s)
	}
	return l, nil
}
