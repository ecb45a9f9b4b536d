package gradebook

import (
	"slices"
	"strings"
)

// AddStudent puts a student into a course: one the school has, by id or by
// number and last name, or a new one. A known student keeps what the school
// has of them.
type AddStudent struct {
	Course  string `json:"course"`
	Student string `json:"student,omitempty"` // id of a known student
	First   string `json:"first,omitempty"`
	Last    string `json:"last,omitempty"`
	Number  string `json:"number,omitempty"`
	Login   string `json:"login,omitempty"`
	Section string `json:"section,omitempty"` // section id; default: the course's first, made if there is none
}

// UpdateStudent changes what is not nil.
type UpdateStudent struct {
	Student string  `json:"student"`
	First   *string `json:"first,omitempty"`
	Last    *string `json:"last,omitempty"`
	Number  *string `json:"number,omitempty"`
	Login   *string `json:"login,omitempty"`
}

// SetEnrollment moves a student to another section, withdraws them or takes
// them back. It changes what is not nil.
type SetEnrollment struct {
	Course  string  `json:"course"`
	Student string  `json:"student"`
	Section *string `json:"section,omitempty"`
	Status  *string `json:"status,omitempty"`
}

func (AddStudent) Kind() string    { return "addStudent" }
func (UpdateStudent) Kind() string { return "updateStudent" }
func (SetEnrollment) Kind() string { return "setEnrollment" }

func (c AddStudent) apply(d *draft) (Result, error) {
	course, err := d.editCourse(c.Course)
	if err != nil {
		return Result{}, err
	}
	student, err := d.addStudent(course, c, nil)
	return Result{ID: student, Version: course.Version}, err
}

// addStudent enrolls one student. byNumber, if not nil, is an index of all
// students' numbers, kept up to date here; a big import brings one, so that it
// does not look through the whole school for each row.
func (d *draft) addStudent(c *course, want AddStudent, byNumber map[string]string) (string, error) {
	if err := room("students", len(c.Enrollments), MaxEnrollments); err != nil {
		return "", err
	}
	number, err := line("number", want.Number, false)
	if err != nil {
		return "", err
	}
	student := want.Student
	if student == "" && number != "" {
		if byNumber != nil {
			student = byNumber[number]
		} else {
			student = d.studentByNumber(number)
		}
	}
	if student == "" {
		if student, err = d.newStudent(want); err != nil {
			return "", err
		}
		if byNumber != nil && number != "" {
			byNumber[number] = student
		}
	} else if at, err := place("student", student, 's', len(d.students)); err != nil {
		return "", err
	} else if known := d.students[at]; want.Student == "" && known.Last != strings.TrimSpace(want.Last) {
		// A mistyped number must not put a stranger's grades on somebody.
		return "", &InvalidError{Field: "number", Value: number, Remedy: "correct it, or name student " + known.ID + ", who has it under another name"}
	}
	if _, err := c.student(student); err == nil {
		return "", &InvalidError{Field: "student", Value: student, Remedy: "is in this course already; use the enrollment to take a withdrawn one back"}
	}
	section, err := d.sectionFor(c, want.Section)
	if err != nil {
		return "", err
	}
	c.Enrollments = append(c.Enrollments, Enrollment{Student: student, Section: section, Status: Active})
	c.rows = append(c.rows, nil)
	d.record(c, Event{Student: student, Detail: "section " + section})
	return student, nil
}

func (d *draft) newStudent(want AddStudent) (string, error) {
	if err := room("students", len(d.students), MaxStudents); err != nil {
		return "", err
	}
	s := &Student{}
	set := UpdateStudent{First: &want.First, Last: &want.Last, Login: &want.Login}
	if err := set.change(d, s); err != nil {
		return "", err
	}
	// Unique by now: a student with this number would have been enrolled instead.
	s.Number = strings.TrimSpace(want.Number)
	s.ID = id('s', uint64(len(d.students)+1))
	d.students = append(d.students, s)
	return s.ID, nil
}

func (c UpdateStudent) apply(d *draft) (Result, error) {
	s, err := d.editStudent(c.Student)
	if err != nil {
		return Result{}, err
	}
	if err := c.change(d, s); err != nil {
		return Result{}, err
	}
	d.record(nil, Event{Student: s.ID, Account: s.Account})
	return Result{ID: s.ID}, nil
}

func (c UpdateStudent) change(d *draft, s *Student) (err error) {
	if c.First != nil {
		if s.First, err = line("first", *c.First, false); err != nil {
			return err
		}
	}
	if c.Last != nil {
		if s.Last, err = line("last", *c.Last, true); err != nil {
			return err
		}
	}
	if c.Login != nil {
		if s.Login, err = line("login", *c.Login, false); err != nil {
			return err
		}
	}
	if c.Number != nil {
		number, err := line("number", *c.Number, false)
		if err != nil {
			return err
		}
		if other := d.studentByNumber(number); number != "" && other != "" && other != s.ID {
			return &InvalidError{Field: "number", Value: number, Remedy: "choose another; student " + other + " has this one"}
		}
		s.Number = number
	}
	return nil
}

func (c SetEnrollment) apply(d *draft) (Result, error) {
	course, err := d.editCourse(c.Course)
	if err != nil {
		return Result{}, err
	}
	i, err := course.student(c.Student)
	if err != nil {
		return Result{}, err
	}
	course.Enrollments = own(course.Enrollments, d.oldCourse(course).Enrollments)
	e := &course.Enrollments[i]
	var said []string
	if c.Section != nil {
		if e.Section, err = d.sectionFor(course, *c.Section); err != nil {
			return Result{}, err
		}
		said = append(said, "section "+e.Section)
	}
	if c.Status != nil {
		if *c.Status != Active && *c.Status != Withdrawn {
			return Result{}, &InvalidError{Field: "status", Value: *c.Status, Remedy: "use active or withdrawn"}
		}
		e.Status = *c.Status
		said = append(said, e.Status)
	}
	d.record(course, Event{Student: e.Student, Detail: strings.Join(said, ", ")})
	return Result{ID: e.Student, Version: course.Version}, nil
}

// sectionFor checks a section id, or picks the first section when none is
// named, making one with the course's title in a course that has none.
func (d *draft) sectionFor(c *course, id string) (string, error) {
	if id != "" {
		if !slices.ContainsFunc(c.Sections, func(s Section) bool { return s.ID == id }) {
			return "", &NotFoundError{What: "section", ID: id}
		}
		return id, nil
	}
	if len(c.Sections) == 0 {
		return d.addSection(c, c.Title)
	}
	return c.Sections[0].ID, nil
}

// student returns the place of a student's row in the course.
func (c *course) student(id string) (int, error) {
	i := slices.IndexFunc(c.Enrollments, func(e Enrollment) bool { return e.Student == id })
	if i < 0 {
		return 0, &NotFoundError{What: "student in this course", ID: id}
	}
	return i, nil
}

func (s *state) studentByNumber(number string) string {
	for _, st := range s.students {
		if st.Number == number {
			return st.ID
		}
	}
	return ""
}
