package logs

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strconv"
	"time"
)

const (
	maxFields = 1000 // of one record
	maxDepth  = 32   // of nested objects; what is deeper stays one value

	maxSeconds = 9_000_000_000 // since 1970, so that nanoseconds fit in an int64: the year 2255
)

// flatten reads a JSON object into fields with dotted names, in their order.
// cut is how many were left out over maxFields.
func flatten(text []byte) (fields []Field, cut int, err error) {
	if len(text) == 0 || text[0] != '{' {
		return nil, 0, errors.New("it does not begin with {")
	}
	if !json.Valid(text) {
		var v any
		if err = json.Unmarshal(text, &v); err == nil {
			err = errLine
		}
		return nil, 0, err // which says where
	}
	fl := flat{}
	if err := fl.object("", text, 0); err != nil {
		return nil, 0, err
	}
	return fl.fields, fl.cut, nil
}

type flat struct {
	fields []Field
	cut    int
}

func (f *flat) object(path string, text []byte, depth int) error {
	return walk(text, func(key, val []byte) bool {
		name := path + string(textOf(quoted(key)))
		switch {
		case val[0] == '{' && depth < maxDepth:
			// valid JSON was checked, so the walk below can't fail
			return f.object(name+".", val, depth+1) == nil
		case len(f.fields) >= maxFields:
			f.cut++
		default:
			f.fields = append(f.fields, Field{name, canonical(val)})
		}
		return true
	})
}

// canonical writes a value as this package would have: no needless escapes or
// blanks, so that searching can look at the bytes.
func canonical(val []byte) json.RawMessage {
	switch val[0] {
	case '"':
		return appendString(nil, string(textOf(val)))
	case '{':
		var b bytes.Buffer
		if json.Compact(&b, val) != nil {
			return json.RawMessage("null")
		}
		return appendString(nil, b.String())
	case '[':
		var b bytes.Buffer
		if json.Compact(&b, val) != nil {
			return json.RawMessage("null")
		}
		return bytes.ToValidUTF8(b.Bytes(), []byte("\ufffd"))
	}
	return slices.Clone(val)
}

var errTime = errors.New("it is no time: use RFC 3339, such as 2026-09-01T12:00:00Z, or seconds, milliseconds, microseconds or nanoseconds since 1970")

// parseTime reads RFC 3339, or a number since 1970 whose unit its size tells.
func parseTime(f Field) (time.Time, error) {
	s := f.Text()
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02T15:04:05.999999999Z0700"} {
		if t, err := time.Parse(layout, s); err == nil {
			if t.Year() < 1678 || t.Year() > 2261 {
				return t, errors.New("the year must be 1678 to 2261")
			}
			return t.UTC(), nil
		}
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && n > math.MinInt64 {
		switch abs := max(n, -n); {
		case abs < 1e11: // until the year 5138
			if abs > maxSeconds {
				return time.Time{}, errTime
			}
			return time.Unix(n, 0).UTC(), nil
		case abs < 1e14:
			return time.UnixMilli(n).UTC(), nil
		case abs < 1e17:
			return time.UnixMicro(n).UTC(), nil
		}
		return time.Unix(0, n).UTC(), nil
	}
	if x, err := strconv.ParseFloat(s, 64); err == nil && math.Abs(x) < maxSeconds { // seconds with a fraction
		sec, frac := math.Modf(x)
		return time.Unix(int64(sec), int64(math.Round(frac*1e6))*1e3).UTC(), nil
	}
	return time.Time{}, errTime
}
