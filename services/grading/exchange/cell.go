package exchange

import (
	"errors"
	"strings"

	"github.com/distributedgo/rollcall/services/grading/gradebook"
)

// parseEntry reads one score cell: a number, EX for excused, N/A or nothing
// for no entry. The reason is empty when it could be read.
func parseEntry(text string, delimiter rune) (e Entry, reason string) {
	switch {
	case text == "", strings.EqualFold(text, "N/A"):
		return Entry{}, ""
	case strings.EqualFold(text, "EX"):
		return Entry{Excused: true}, ""
	}
	points, reason := parseNumber(text, delimiter)
	if reason != "" {
		return Entry{}, reason
	}
	return Entry{Points: &points}, ""
}

// parseNumber reads a decimal with a point or a comma. What could be meant in
// two ways is refused: in a comma-separated file "1,000" may be one or a
// thousand, and guessing would be a wrong grade that looks right.
func parseNumber(text string, delimiter rune) (p gradebook.Points, reason string) {
	if whole, fraction, comma := strings.Cut(text, ","); comma {
		switch {
		case strings.ContainsAny(fraction, ",.") || strings.Contains(whole, "."):
			return 0, "write the number without thousands separators"
		case len(fraction) == 3 && delimiter == ',' && strings.Trim(whole, "-0") != "":
			return 0, "this could be a thousand or a fraction: write 1000 or 1.0"
		}
		text = whole + "." + fraction
	}
	// Spreadsheets pad with zeros; only places that say something count.
	if whole, fraction, ok := strings.Cut(text, "."); ok && fraction != "" && len(fraction) > 4 {
		text = whole + "." + fraction[:4] + strings.TrimRight(fraction[4:], "0")
	}
	p, err := gradebook.ParsePoints(text)
	if bad, ok := errors.AsType[*gradebook.InvalidError](err); ok {
		return 0, bad.Remedy
	}
	return p, ""
}

// A cell that begins with one of these is a formula to a spreadsheet, and a
// formula can send the whole table away. The defence everybody knows is a
// leading apostrophe, which spreadsheets do not show.
const formulaStarts = "=+-@\t\r"

// defuse makes text safe to open in a spreadsheet. Text that looks defused
// already gets one more apostrophe, so that restore gives back exactly what
// was there.
func defuse(s string) string {
	if rest := strings.TrimLeft(s, "'"); rest != "" && strings.IndexByte(formulaStarts, rest[0]) >= 0 {
		return "'" + s
	}
	return s
}

// restore undoes defuse.
func restore(s string) string {
	if rest := strings.TrimLeft(s, "'"); len(rest) < len(s) && rest != "" && strings.IndexByte(formulaStarts, rest[0]) >= 0 {
		return s[1:]
	}
	return s
}
