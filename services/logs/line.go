package logs

import (
	"bytes"
	"encoding/json"
	"errors"
	"unicode/utf8"
)

// A record at rest is one line of flat JSON that this file writes and reads.
// encoding/json is not on that path: a line is written for every call of a
// logger and read for every line a query passes over.

var errLine = errors.New("line is not a flat JSON object")

// walk calls f for each member of a flat object: the key without its quotes
// and the value as it stands. f returns false to stop. It never panics,
// whatever the bytes are.
func walk(line []byte, f func(key, val []byte) bool) error {
	i := skipSpace(line, 0)
	if i >= len(line) || line[i] != '{' {
		return errLine
	}
	for i++; ; i++ {
		i = skipSpace(line, i)
		if i < len(line) && line[i] == '}' {
			return nil
		}
		end := skipString(line, i)
		if end < 0 {
			return errLine
		}
		key := line[i+1 : end-1]
		if i = skipSpace(line, end); i >= len(line) || line[i] != ':' {
			return errLine
		}
		i = skipSpace(line, i+1)
		if end = skipValue(line, i); end < 0 {
			return errLine
		}
		if !f(key, line[i:end]) {
			return nil
		}
		i = skipSpace(line, end)
		if i >= len(line) || line[i] != ',' && line[i] != '}' {
			return errLine
		}
		if line[i] == '}' {
			return nil
		}
	}
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\n' || b[i] == '\r') {
		i++
	}
	return i
}

// skipString returns the place behind the string that starts at i, or -1.
func skipString(b []byte, i int) int {
	if i >= len(b) || b[i] != '"' {
		return -1
	}
	for i++; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return -1
}

// skipValue returns the place behind the value that starts at i, or -1.
func skipValue(b []byte, i int) int {
	if i >= len(b) {
		return -1
	}
	switch b[i] {
	case '"':
		return skipString(b, i)
	case '{', '[':
		depth := 0
		for i < len(b) {
			switch b[i] {
			case '"':
				if i = skipString(b, i); i < 0 {
					return -1
				}
				continue
			case '{', '[':
				depth++
			case '}', ']':
				depth--
			}
			if i++; depth == 0 {
				return i
			}
		}
		return -1
	}
	start := i
	for i < len(b) && b[i] != ',' && b[i] != '}' && b[i] != ' ' && b[i] != '"' {
		i++
	}
	if i == start {
		return -1
	}
	return i
}

// quoted gives the quotes back to a key of walk.
func quoted(key []byte) []byte {
	if bytes.IndexByte(key, '\\') < 0 {
		return key
	}
	return append(append([]byte{'"'}, key...), '"')
}

// textOf is a value as text: strings without quotes and escapes, all else as
// it stands. The result may be a part of val.
func textOf(val []byte) []byte {
	if len(val) < 2 || val[0] != '"' {
		return val
	}
	inner := val[1 : len(val)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return inner
	}
	var s string
	if json.Unmarshal(val, &s) != nil {
		return inner
	}
	return []byte(s)
}

const hexDigits = "0123456789abcdef"

// plain marks the bytes that stand for themselves in a JSON string.
var plain = func() (t [256]bool) {
	for c := 0x20; c < utf8.RuneSelf; c++ {
		t[c] = c != '"' && c != '\\' && c != 0x7f
	}
	return t
}()

// appendString appends s as a JSON string. Bytes that are no UTF-8 become
// U+FFFD, as in encoding/json.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if plain[c] {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				b = append(append(b, s[start:i]...), "\ufffd"...)
				start = i + 1
			}
			i += n
			continue
		}
		b = append(b, s[start:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\t':
			b = append(b, '\\', 't')
		case '\r':
			b = append(b, '\\', 'r')
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		start = i
	}
	return append(append(b, s[start:]...), '"')
}
