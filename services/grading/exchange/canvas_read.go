package exchange

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/distributedgo/rollcall/services/grading/gradebook"
)

// MaxFileBytes is the largest file that is read: many times the largest course.
const MaxFileBytes = 16 << 20

// maxFaults is how many faults are listed; a file in a wrong form has one in
// each cell, and a person reads the first few.
const maxFaults = 1_000

// Names of the columns a Canvas file has beside its assignments.
const (
	colStudent = "Student"
	colID      = "ID"
	colNumber  = "SIS User ID"
	colLogin   = "SIS Login ID"
	colSection = "Section"
)

var (
	ignoredColumns = []string{"Root Account", "Integration ID", "Notes"}
	totalSuffixes  = []string{"Current Score", "Final Score", "Current Grade", "Final Grade", "Current Points", "Final Points"}
	numbered       = regexp.MustCompile(`^(.*\S)\s*\((\d{1,18})\)$`)
)

// ReadCanvas reads a gradebook file in Canvas's form: a header, a line of
// points possible, a line for each student. UTF-8 with or without a byte order
// mark; fields separated by comma, semicolon or tab.
//
// A file that is not such a table at all is an error, an
// *gradebook.InvalidError; single faults are in the sheet.
func ReadCanvas(r io.Reader) (*Sheet, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read file: %w", err)
	}
	if len(data) > MaxFileBytes {
		return nil, invalid("file", fmt.Sprintf("over %d bytes", MaxFileBytes), "send a file of at most 16 MiB")
	}
	data = bytes.TrimPrefix(data, []byte("\uFEFF"))
	if !utf8.Valid(data) || bytes.IndexByte(data, 0) >= 0 {
		return nil, invalid("file", "", "save it as CSV in UTF-8")
	}
	c := &canvasReader{delimiter: sniff(data), sheet: &Sheet{}}
	in := csv.NewReader(bytes.NewReader(data))
	in.Comma, in.FieldsPerRecord, in.ReuseRecord = c.delimiter, -1, true
	for {
		record, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if bad, ok := errors.AsType[*csv.ParseError](err); ok {
			return nil, invalid("file", fmt.Sprintf("line %d", bad.Line), "mend the quotes there: "+bad.Err.Error())
		} else if err != nil {
			return nil, fmt.Errorf("read file: %w", err)
		}
		for i := range record {
			record[i] = restore(strings.TrimSpace(record[i]))
		}
		row, _ := in.FieldPos(0)
		if err := c.record(row, record); err != nil {
			return nil, err
		}
	}
	if c.width == 0 {
		return nil, invalid("file", "", "send a file that is not empty")
	}
	return c.finish(), nil
}

// sniff returns the separator that is most frequent in the header, outside
// quotes.
func sniff(data []byte) rune {
	header, _, _ := bytes.Cut(data, []byte("\n"))
	count := map[rune]int{}
	quoted := false
	for _, r := range string(header) {
		if r == '"' {
			quoted = !quoted
		} else if !quoted {
			count[r]++
		}
	}
	best := ','
	for _, r := range []rune{';', '\t'} {
		if count[r] > count[best] {
			best = r
		}
	}
	return best
}

type canvasReader struct {
	sheet     *Sheet
	delimiter rune
	width     int            // columns of the header; 0 before it was read
	person    map[string]int // place of the columns that say who
	begun     bool           // a student was read
	readOnly  []bool         // by place in sheet.Columns: marked so in the points line
}

func (c *canvasReader) record(row int, fields []string) error {
	switch {
	case c.width == 0:
		return c.header(fields)
	case c.shifted(fields):
		c.fault(row, "", 0, strings.Join(fields, ", "), "this row does not have the header's number of cells; put quotes around text that contains the separator")
	case strings.EqualFold(c.who(fields, colStudent), "Points Possible") && !c.begun:
		c.possible(row, fields)
	case c.who(fields, colStudent) == "" && c.who(fields, colID) == "" && c.who(fields, colNumber) == "":
		// A blank line, or one of Canvas's own such as "Manual Posting".
	case len(c.sheet.Lines) >= gradebook.MaxEnrollments:
		return invalid("rows", fmt.Sprintf("line %d", row), fmt.Sprintf("send at most %d students in one file", gradebook.MaxEnrollments))
	default:
		c.student(row, fields)
	}
	return nil
}

// shifted reports whether a row's cells are not where the header says. Most
// often that is an unquoted "Last, First", which moves every score one column
// on. A row of another length is otherwise one whose blank end was left off or
// goes on, and its name still has the comma.
func (c *canvasReader) shifted(fields []string) bool {
	if len(fields) > c.width && strings.Join(fields[c.width:], "") != "" {
		return true
	}
	name := c.who(fields, colStudent)
	return len(fields) != c.width && name != "" && !strings.Contains(name, ",") && !strings.EqualFold(name, "Points Possible")
}

func (c *canvasReader) header(fields []string) error {
	c.width = len(fields)
	c.person = map[string]int{}
	for i, name := range fields {
		switch {
		case slices.Contains([]string{colStudent, colID, colNumber, colLogin, colSection}, name):
			if _, twice := c.person[name]; twice {
				return invalid("column", name, "have this column once")
			}
			c.person[name] = i
		case name == "" || slices.Contains(ignoredColumns, name):
		case c.total(name):
		default:
			c.column(name, i+1)
		}
	}
	_, student := c.person[colStudent]
	_, id := c.person[colID]
	_, number := c.person[colNumber]
	_, section := c.person[colSection]
	if !student || !id && !number || !section {
		return invalid("columns", clip(strings.Join(fields, ", ")), "have the columns Student, ID or SIS User ID, and Section in the first line")
	}
	if len(c.sheet.Columns) > gradebook.MaxAssignments {
		return invalid("columns", fmt.Sprint(len(c.sheet.Columns)), fmt.Sprintf("use at most %d assignments", gradebook.MaxAssignments))
	}
	return nil
}

// total reports whether a header is one of Canvas's read-only totals, and
// notes the category it names.
func (c *canvasReader) total(name string) bool {
	if numbered.MatchString(name) {
		return false
	}
	for _, suffix := range totalSuffixes {
		group, ok := strings.CutSuffix(name, suffix)
		if !ok || group != "" && !strings.HasSuffix(group, " ") {
			continue
		}
		group = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(group), "Unposted"))
		if group != "" && unfit(group) == "" && !slices.Contains(c.sheet.Groups, group) {
			c.sheet.Groups = append(c.sheet.Groups, group)
		}
		return true
	}
	return false
}

func (c *canvasReader) column(name string, place int) {
	col := Column{Name: name, Title: name, Place: place}
	if m := numbered.FindStringSubmatch(name); m != nil {
		col.Title, col.External = m[1], m[2]
	}
	if why := unfit(name); why != "" {
		c.fault(0, name, 0, name, why)
		return
	}
	c.sheet.Columns = append(c.sheet.Columns, col)
	c.readOnly = append(c.readOnly, false)
}

func (c *canvasReader) possible(row int, fields []string) {
	for i := range c.sheet.Columns {
		col := &c.sheet.Columns[i]
		text := field(fields, col.Place)
		switch {
		case strings.EqualFold(text, "(read only)"):
			c.readOnly[i] = true
		case text == "":
		default:
			p, why := parseNumber(text, c.delimiter)
			if why == "" && p < 0 {
				why = "points possible can't be negative"
			}
			if why != "" {
				c.fault(row, col.Name, col.Place, text, why)
				continue
			}
			col.Possible = &p
		}
	}
}

func (c *canvasReader) student(row int, fields []string) {
	c.begun = true
	l := Line{
		Row: row, ID: c.who(fields, colID), Number: c.who(fields, colNumber),
		Login: c.who(fields, colLogin), Section: c.who(fields, colSection),
		Entries: make([]Entry, len(c.sheet.Columns)),
	}
	last, first, _ := strings.Cut(c.who(fields, colStudent), ",")
	l.Last, l.First = strings.TrimSpace(last), strings.TrimSpace(first)
	for _, name := range []string{colStudent, colID, colNumber, colLogin, colSection} {
		if why := unfit(c.who(fields, name)); why != "" {
			c.fault(row, name, c.person[name]+1, c.who(fields, name), why)
			return
		}
	}
	switch {
	case l.Last == "":
		c.fault(row, colStudent, c.person[colStudent]+1, "", "write the name as Last, First")
		return
	case l.ID == "" && l.Number == "":
		c.fault(row, colID, c.person[colID]+1, "", "give an ID or a SIS User ID; names alone are not sure enough")
		return
	}
	for i, col := range c.sheet.Columns {
		if c.readOnly[i] {
			continue
		}
		text := field(fields, col.Place)
		e, why := parseEntry(text, c.delimiter)
		if why != "" {
			c.fault(row, col.Name, col.Place, text, why)
		}
		l.Entries[i] = e
	}
	c.sheet.Lines = append(c.sheet.Lines, l)
}

// finish drops the columns that the points line marked as read only.
func (c *canvasReader) finish() *Sheet {
	s := c.sheet
	for i := len(s.Columns) - 1; i >= 0; i-- {
		if !c.readOnly[i] {
			continue
		}
		s.Columns = slices.Delete(s.Columns, i, i+1)
		for l := range s.Lines {
			s.Lines[l].Entries = slices.Delete(s.Lines[l].Entries, i, i+1)
		}
	}
	return s
}

// who returns a field that says who a row is about; "" if there is no such
// column.
func (c *canvasReader) who(fields []string, name string) string {
	if i, ok := c.person[name]; ok {
		return field(fields, i+1)
	}
	return ""
}

func (c *canvasReader) fault(row int, column string, place int, value, reason string) {
	if len(c.sheet.Faults) >= maxFaults {
		c.sheet.Unlisted++
		return
	}
	c.sheet.Faults = append(c.sheet.Faults, newFault(row, column, place, value, reason))
}

// field returns the field at a place counted from 1; a short row ends in blanks.
func field(fields []string, place int) string {
	if place <= len(fields) {
		return fields[place-1]
	}
	return ""
}

func invalid(field, value, remedy string) error {
	return &gradebook.InvalidError{Field: field, Value: value, Remedy: remedy}
}
