package exchange

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/distributedgo/rollcall/services/grading/gradebook"
)

// Sheet is what a file says, before anyone asked what that means here.
type Sheet struct {
	Columns  []Column
	Lines    []Line
	Groups   []string // categories the file names, in its order
	Faults   []Fault  // what could not be read
	Unlisted int      // faults beyond those listed
}

// Column is one assignment as the file names it.
type Column struct {
	Name     string            // the header, whole
	Title    string            // the header without the number in brackets
	External string            // that number; empty if there is none
	Possible *gradebook.Points // nil if the file does not say
	Place    int               // column in the file, from 1
}

// Line is one student as the file names them.
type Line struct {
	Row         int // line in the file, from 1
	First, Last string
	ID          string  // the id in the system the file is from
	Number      string  // the school's own id
	Login       string  // login in the school's systems
	Section     string  // name of the class group
	Entries     []Entry // by place in Sheet.Columns
}

// Name returns the name as the file writes it.
func (l Line) Name() string {
	if l.First == "" {
		return l.Last
	}
	return l.Last + ", " + l.First
}

// Entry is one cell. The zero Entry is blank and changes nothing.
type Entry struct {
	Points  *gradebook.Points
	Excused bool
}

// Blank reports whether the cell changes nothing.
func (e Entry) Blank() bool { return e.Points == nil && !e.Excused }

// Fault is one place in a file that could not be used.
type Fault struct {
	Row    int    `json:"row,omitempty"`    // line in the file, from 1; 0 if it is about a column
	Column string `json:"column,omitempty"` // header; empty if it is about a row
	Cell   string `json:"cell,omitempty"`   // as a spreadsheet names it: "F7"
	Value  string `json:"value,omitempty"`
	Reason string `json:"reason"`
}

func newFault(row int, column string, place int, value, reason string) Fault {
	f := Fault{Row: row, Column: clip(column), Value: clip(value), Reason: reason}
	if row > 0 && place > 0 {
		f.Cell = fmt.Sprintf("%s%d", letters(place), row)
	}
	return f
}

// letters names a column the way spreadsheets do: 1 is A, 27 is AA.
func letters(n int) string {
	var name string
	for ; n > 0; n = (n - 1) / 26 {
		name = string(rune('A'+(n-1)%26)) + name
	}
	return name
}

// unfit says why the gradebook would not take a text as a name; "" if it would.
func unfit(s string) string {
	if utf8.RuneCountInString(s) > gradebook.MaxName {
		return fmt.Sprintf("use at most %d characters", gradebook.MaxName)
	}
	if strings.ContainsFunc(s, unicode.IsControl) {
		return "leave line breaks and control characters out"
	}
	return ""
}

// clip keeps an answer short whatever the file holds.
func clip(s string) string {
	const most = 80
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most]) + "…"
}
