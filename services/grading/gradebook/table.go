package gradebook

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Row is one student's line of the table.
type Row struct {
	Student    Student          `json:"student"`
	Section    string           `json:"section"`
	Enrollment string           `json:"enrollment"` // active or withdrawn
	Scores     map[string]Score `json:"scores"`     // by assignment id; a cell nobody wrote is not there
	Totals
}

// Gradebook is a course as a table.
type Gradebook struct {
	Course
	Index uint64 `json:"index"` // log index this was read at
	Rows  []Row  `json:"rows"`  // by last name, first name, id
}

// Summary is a course in a list of courses.
type Summary struct {
	ID          string    `json:"id"`
	Title       string    `json:"title"`
	Code        string    `json:"code"`
	Term        string    `json:"term"`
	Students    int       `json:"students"` // active ones
	Assignments int       `json:"assignments"`
	Average     *string   `json:"average"` // mean of the current totals of active students, percent
	ToGrade     int       `json:"toGrade"` // ungraded cells of active students, published and due or without a due time
	LastChange  time.Time `json:"lastChange"`
	Teachers    []string  `json:"teachers"` // account ids
	Version     uint64    `json:"version"`
}

// StudentRecord is a student with what they have in each of their courses.
type StudentRecord struct {
	Student
	Courses []StudentCourse `json:"courses"`
}

// StudentCourse is one student's part of a course: the course without its
// other students, and their row.
type StudentCourse struct {
	Course Course `json:"course"`
	Row    Row    `json:"row"`
}

// Table returns a course as a table with all totals.
func (s *state) Table(course string) (Gradebook, error) {
	c, err := s.course(course)
	if err != nil {
		return Gradebook{}, err
	}
	k := newCalculator(&c.Course)
	g := Gradebook{Course: c.Course, Index: s.index, Rows: make([]Row, 0, len(c.rows))}
	for _, i := range s.byName(c) {
		g.Rows = append(g.Rows, s.row(c, k, i))
	}
	return g, nil
}

// byName returns the places of a course's rows in the order people expect.
func (s *state) byName(c *course) []int {
	type key struct {
		last, first string
		student     int
	}
	keys, order := make([]key, len(c.rows)), make([]int, len(c.rows))
	for i, e := range c.Enrollments {
		order[i] = i
		if n := ordinal(e.Student, 's'); n > 0 && n <= len(s.students) {
			keys[i] = key{collate(s.students[n-1].Last), collate(s.students[n-1].First), n}
		}
	}
	slices.SortFunc(order, func(i, j int) int {
		a, b := keys[i], keys[j]
		return cmp.Or(cmp.Compare(a.last, b.last), cmp.Compare(a.first, b.first), cmp.Compare(a.student, b.student))
	})
	return order
}

// collate makes a name comparable: Ç sorts with c and É with e, as in a class
// list, not behind z, where their bytes would put them. It orders what is
// shown and never what is stored.
func collate(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1 // the accent, once it is apart from its letter
		}
		return unicode.ToLower(r)
	}, norm.NFD.String(name))
}

func (s *state) row(c *course, k *calculator, i int) Row {
	e := c.Enrollments[i]
	r := Row{Section: e.Section, Enrollment: e.Status, Scores: make(map[string]Score, len(c.rows[i])), Totals: k.row(c.rows[i])}
	if n := ordinal(e.Student, 's'); n > 0 && n <= len(s.students) {
		r.Student = *s.students[n-1]
	}
	for a, score := range c.rows[i] {
		if score != nil {
			r.Scores[c.Assignments[a].ID] = *score
		}
	}
	return r
}

// Student returns a student and their row in each of their courses.
func (s *state) Student(id string) (StudentRecord, error) {
	n, err := place("student", id, 's', len(s.students))
	if err != nil {
		return StudentRecord{}, err
	}
	r := StudentRecord{Student: *s.students[n], Courses: []StudentCourse{}}
	for _, c := range s.courses {
		i, err := c.student(id)
		if err != nil {
			continue
		}
		part := StudentCourse{Course: c.Course, Row: s.row(c, newCalculator(&c.Course), i)}
		part.Course.Enrollments = []Enrollment{c.Enrollments[i]}
		r.Courses = append(r.Courses, part)
	}
	return r, nil
}

// Published returns the record as the student and their guardians see it:
// without assignments that are not published. Totals are the same, since
// those count in none.
func (r StudentRecord) Published() StudentRecord {
	seen := r
	seen.Courses = make([]StudentCourse, len(r.Courses))
	for i, sc := range r.Courses {
		all, scores := sc.Course.Assignments, sc.Row.Scores
		sc.Course.Assignments = []Assignment{}
		sc.Row.Scores = make(map[string]Score, len(scores))
		for _, a := range all {
			if !a.Published {
				continue
			}
			sc.Course.Assignments = append(sc.Course.Assignments, a)
			if score, ok := scores[a.ID]; ok {
				sc.Row.Scores[a.ID] = score
			}
		}
		seen.Courses[i] = sc
	}
	return seen
}

// Summaries returns all courses in short. at is the reader's clock; it decides
// only which cells are due.
func (s *state) Summaries(at time.Time) []Summary {
	list := make([]Summary, len(s.courses))
	for i, c := range s.courses {
		list[i] = s.summary(c, at)
	}
	return list
}

func (s *state) summary(c *course, at time.Time) Summary {
	m := Summary{
		ID: c.ID, Title: c.Title, Code: c.Code, Term: c.Term, Assignments: len(c.Assignments),
		Teachers: c.Teachers, Version: c.Version, Average: c.sums.average(&c.Course, c.rows),
	}
	if n := len(c.events); n > 0 {
		m.LastChange = c.events[n-1].At
	}
	due := make([]bool, len(c.Assignments))
	for a := range c.Assignments {
		col := &c.Assignments[a]
		due[a] = col.Published && (col.Due == nil || !col.Due.After(at))
	}
	for i, e := range c.Enrollments {
		if e.Status != Active {
			continue
		}
		m.Students++
		for a, is := range due {
			if score := c.rows[i].at(a); is && (score == nil || score.Ungraded()) {
				m.ToGrade++
			}
		}
	}
	return m
}

// summaryCache keeps what is slow to work out of one version of a course. A
// version never changes, so once is enough; the next version has its own.
type summaryCache struct {
	once sync.Once
	mean *string
}

func (m *summaryCache) average(c *Course, rows []cells) *string {
	m.once.Do(func() { m.mean = average(c, rows) })
	return m.mean
}
