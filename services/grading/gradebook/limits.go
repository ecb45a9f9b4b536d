package gradebook

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Limits keep one careless or hostile caller from filling every node's memory:
// the state is replicated, so what gets in is in everywhere. They are far
// above what a school needs.
const (
	MaxName        = 200       // characters of a name, title, code or login
	MaxText        = 4_000     // characters of a comment or reason
	MaxAccounts    = 200_000   // in the book
	MaxStudents    = 200_000   // in the book
	MaxCourses     = 20_000    // in the book
	MaxTokens      = 10_000    // not yet expired
	MaxRevocations = 1_000_000 // not yet expired; each is a sign-out
	MaxEnrollments = 5_000     // students of one course, withdrawn ones too
	MaxAssignments = 1_000     // of one course
	MaxSections    = 200       // of one course
	MaxCategories  = 100       // of one course
	MaxTeachers    = 50        // of one course
	MaxGuarded     = 50        // students of one guardian
	MaxCells       = 100_000   // scores in one SetScores or ApplyImport
)

// line checks one line of text: trimmed, valid, without control characters and
// not too long. It returns what is stored.
func line(field, value string, required bool) (string, error) {
	value = strings.TrimSpace(value)
	if required && value == "" {
		return "", &InvalidError{Field: field, Remedy: "must not be empty"}
	}
	return value, plain(field, value, MaxName, "")
}

// text is line for several lines of free text.
func text(field, value string) (string, error) {
	value = strings.TrimSpace(value)
	return value, plain(field, value, MaxText, "\n\r\t")
}

func plain(field, value string, most int, allowed string) error {
	if !utf8.ValidString(value) {
		return &InvalidError{Field: field, Value: value, Remedy: "send valid UTF-8"}
	}
	if utf8.RuneCountInString(value) > most {
		return &InvalidError{Field: field, Value: value, Remedy: fmt.Sprintf("use at most %d characters", most)}
	}
	for _, r := range value {
		if unicode.IsControl(r) && !strings.ContainsRune(allowed, r) {
			return &InvalidError{Field: field, Value: value, Remedy: "leave control characters out"}
		}
	}
	return nil
}

// login checks a sign-in name. It is ASCII so that "the same name" is one
// question with one answer on every node: the rules for folding other letters
// change with the Unicode version a binary was built with.
func login(field, value string) (string, error) {
	value, err := line(field, value, true)
	if err != nil {
		return "", err
	}
	for i := range len(value) {
		c := value[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && !strings.ContainsRune("._-@+", rune(c)) {
			return "", &InvalidError{Field: field, Value: value, Remedy: "use letters a–z, digits and . _ - @ + only"}
		}
	}
	return value, nil
}

// sameLogin compares two sign-in names, ignoring the case of A–Z.
func sameLogin(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// instant puts a time into the one form it has on every node, without zone or
// monotonic reading, and refuses years that RFC 3339, and so a snapshot, can't
// hold.
func instant(field string, t time.Time) (time.Time, error) {
	t = t.UTC().Round(0)
	if y := t.Year(); y < 1 || y > 9999 {
		return t, &InvalidError{Field: field, Value: fmt.Sprint("year ", y), Remedy: "use a year from 1 to 9999"}
	}
	return t, nil
}

// room refuses one more of something there is enough of.
func room(what string, have, most int) error {
	if have >= most {
		return &InvalidError{Field: what, Value: fmt.Sprint(have), Remedy: fmt.Sprintf("there can be at most %d", most)}
	}
	return nil
}
