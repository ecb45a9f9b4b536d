package exchange

import (
	"fmt"
	"strings"

	"github.com/distributedgo/rollcall/services/grading/gradebook"
)

// people finds the student a line is about.
type people struct {
	byID, byNumber, byLogin map[string]*gradebook.Student
	seen                    map[string]int // student id or number → line of the file
	sections                map[string]string
}

func newPeople(table gradebook.Gradebook, roster []gradebook.Student) *people {
	p := &people{
		byID: map[string]*gradebook.Student{}, byNumber: map[string]*gradebook.Student{}, byLogin: map[string]*gradebook.Student{},
		seen: map[string]int{}, sections: map[string]string{},
	}
	add := func(s gradebook.Student) {
		if p.byID[s.ID] != nil {
			return
		}
		p.byID[s.ID] = &s
		if s.Number != "" {
			p.byNumber[s.Number] = &s
		}
		if s.Login != "" {
			if _, twice := p.byLogin[s.Login]; twice {
				p.byLogin[s.Login] = nil // of two people it says nothing
			} else {
				p.byLogin[s.Login] = &s
			}
		}
	}
	for i := range table.Rows {
		add(table.Rows[i].Student)
	}
	for _, s := range roster {
		add(s)
	}
	for _, s := range table.Sections {
		p.sections[s.Name] = s.ID
	}
	return p
}

// find returns the student a line is about; nil for one the school does not
// have. The school's own id decides; then the file's ID column, which is our
// id in our own files; then the login.
func (p *people) find(l Line) (s *gradebook.Student, why string) {
	byID := p.byID[l.ID]
	if byID != nil && (byID.Last != l.Last || byID.First != l.First) {
		// An id of ours in a file of another school is someone else's.
		byID = nil
	}
	if l.Number != "" {
		s = p.byNumber[l.Number]
		if s != nil && byID != nil && s != byID {
			return nil, fmt.Sprintf("ID says %s, SIS User ID says %s: make them agree", byID.ID, s.ID)
		}
		if s == nil && byID != nil && byID.Number == "" {
			s = byID
		}
	} else if s = byID; s == nil {
		s = p.byNumber[l.ID]
	}
	if s == nil && l.Login != "" {
		if other := p.byLogin[l.Login]; other != nil && (l.Number == "" || other.Number == "") {
			s = other
		}
	}
	return s, ""
}

// student finds the student of a line, or proposes a new one. It is false when
// the line is left out, and has then said why.
func (c *comparison) student(l Line) (ref string, row *gradebook.Row, ok bool) {
	skip := func(reason string) (string, *gradebook.Row, bool) {
		c.Skipped = append(c.Skipped, Skipped{Row: l.Row, Name: clip(l.Name()), Reason: reason})
		return "", nil, false
	}
	if l.Last == "Student" && l.First == "Test" && l.Number == "" {
		return skip("this is Canvas's test student")
	}
	s, why := c.people.find(l)
	if why != "" {
		c.fault(l.Row, "", l.Name(), why)
		return "", nil, false
	}
	number := l.Number
	if number == "" {
		number = l.ID
	}
	if s != nil {
		number = "\x00" + s.ID // can't be a number: no control characters in those
	}
	if first, twice := c.people.seen[number]; twice {
		c.fault(l.Row, "", l.Name(), fmt.Sprintf("the same student is in line %d already; this line is left out", first))
		return "", nil, false
	}
	c.people.seen[number] = l.Row
	if s != nil {
		if name := s.Last + ", " + s.First; strings.TrimSuffix(name, ", ") != l.Name() {
			c.note(l.Row, colStudent, l.Name(), "the school knows this student as "+clip(name)+"; the name is kept")
		}
		if row := c.rows[s.ID]; row != nil {
			if row.Enrollment == gradebook.Withdrawn {
				return skip("withdrawn from this course")
			}
			return s.ID, row, true
		}
	}
	if !c.opt.CreateStudents {
		return skip("not in this course")
	}
	if len(c.table.Rows)+len(c.NewStudents) >= gradebook.MaxEnrollments {
		return skip(fmt.Sprintf("a course has at most %d students", gradebook.MaxEnrollments))
	}
	section, why := c.section(l.Section)
	if why != "" {
		return skip(why)
	}
	n := gradebook.ImportStudent{Key: fmt.Sprintf("+s%d", l.Row), Section: section}
	if s != nil {
		n.Student, n.First, n.Last, n.Number, n.Login = s.ID, s.First, s.Last, s.Number, s.Login
	} else {
		n.First, n.Last, n.Number, n.Login = l.First, l.Last, number, l.Login
	}
	c.NewStudents = append(c.NewStudents, n)
	return n.Key, nil, true
}

// section finds a section by name, or proposes a new one. A line without one
// goes where the course's first students are.
func (c *comparison) section(name string) (ref, why string) {
	if name == "" {
		switch {
		case len(c.table.Sections) > 0:
			return c.table.Sections[0].ID, ""
		case len(c.NewSections) > 0:
			return c.NewSections[0].Key, ""
		}
		name = c.table.Title
	}
	if ref, ok := c.people.sections[name]; ok {
		return ref, ""
	}
	if len(c.people.sections) >= gradebook.MaxSections {
		return "", fmt.Sprintf("a course has at most %d sections", gradebook.MaxSections)
	}
	s := gradebook.ImportSection{Key: fmt.Sprintf("+x%d", len(c.NewSections)+1), Name: name}
	c.NewSections = append(c.NewSections, s)
	c.people.sections[name] = s.Key
	return s.Key, ""
}
