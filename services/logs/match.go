package logs

import (
	"bytes"
	"log/slog"
	"math"
	"time"
)

// matcher is a Query ready to be asked of many lines.
type matcher struct {
	from, to int64 // ns since 1970; to is excluded
	level    slog.Level
	service  string
	node     string
	fields   []Equal
	contains []byte
	must     [][]byte // each must stand in a line as it is, else the line need not be read
	anyLevel bool
}

func newMatcher(q Query) matcher {
	m := matcher{
		from: math.MinInt64, to: math.MaxInt64, level: q.level(), service: q.Service, node: q.Node,
		fields: q.Fields, contains: []byte(q.Contains), anyLevel: q.Level == "",
	}
	if !q.From.IsZero() {
		m.from = nanos(q.From)
	}
	if !q.To.IsZero() {
		m.to = nanos(q.To)
	}
	if q.Service != "" {
		m.must = append(m.must, appendString([]byte(`"service":`), q.Service))
	}
	if safe(q.Contains) {
		m.must = append(m.must, []byte(q.Contains))
	}
	for _, f := range q.Fields {
		if safe(f.Value) {
			m.must = append(m.must, []byte(f.Value))
		}
	}
	return m
}

// nanos is t as ns since 1970, held within what an int64 has: 1677 to 2262.
func nanos(t time.Time) int64 {
	switch y := t.Year(); {
	case y < 1678:
		return math.MinInt64
	case y > 2261:
		return math.MaxInt64
	}
	return t.UnixNano()
}

// safe reports whether s looks the same in JSON, however it was escaped.
func safe(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c < 0x20, c >= 0x7f, c == '"', c == '\\', c == '/', c == '<', c == '>', c == '&':
			return false
		}
	}
	return s != ""
}

// maybe reports whether any line of a text can match: most batches of a search
// for a rare word are passed over by this alone.
func (m *matcher) maybe(text []byte) bool {
	for _, b := range m.must {
		if !bytes.Contains(text, b) {
			return false
		}
	}
	return true
}

// match reports whether a line of this producer is wanted, and its time.
func (m *matcher) match(line []byte, producer string) (int64, bool) {
	if !m.maybe(line) {
		return 0, false
	}
	var at int64
	ok, level, service, node := true, m.anyLevel, m.service == "", m.node == "" || m.node == producer
	found, equal := len(m.contains) == 0, 0
	err := walk(line, func(key, val []byte) bool {
		switch string(key) {
		case keyTime:
			t, err := time.Parse(time.RFC3339Nano, string(textOf(val)))
			at = nanos(t)
			ok = err == nil && at >= m.from && at < m.to
			return ok
		case keyLevel:
			if !level {
				l, err := ParseLevel(string(textOf(val)))
				level = err == nil && l >= m.level
			}
			return level
		case keyService:
			service = service || string(textOf(val)) == m.service
			return service
		case keyNode:
			node = node || string(textOf(val)) == m.node
			return node
		}
		if len(m.fields) == 0 && found {
			return true
		}
		text := textOf(val)
		found = found || bytes.Contains(text, m.contains)
		if string(key) != keyMsg {
			name := string(textOf(quoted(key)))
			for _, f := range m.fields {
				if f.Key == name && f.Value == string(text) {
					equal++
				}
			}
		}
		return true
	})
	return at, err == nil && ok && level && service && node && found && equal >= len(m.fields)
}

// timeOf is the time of a line of ours, ns since 1970.
func timeOf(line []byte) (at int64) {
	m := matcher{from: math.MinInt64, to: math.MaxInt64, anyLevel: true}
	at, _ = m.match(line, "")
	return at
}
