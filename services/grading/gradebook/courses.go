package gradebook

import (
	"fmt"
	"slices"
	"strings"
)

// CreateCourse makes an empty course.
type CreateCourse struct {
	Title    string   `json:"title"`
	Code     string   `json:"code,omitempty"`
	Term     string   `json:"term,omitempty"`
	Weighted bool     `json:"weighted,omitempty"`
	Scheme   Scheme   `json:"scheme,omitzero"`
	Teachers []string `json:"teachers,omitempty"` // account ids
}

// UpdateCourse changes what is not nil.
type UpdateCourse struct {
	Course   string    `json:"course"`
	Title    *string   `json:"title,omitempty"`
	Code     *string   `json:"code,omitempty"`
	Term     *string   `json:"term,omitempty"`
	Weighted *bool     `json:"weighted,omitempty"`
	Scheme   *Scheme   `json:"scheme,omitempty"`
	Teachers *[]string `json:"teachers,omitempty"`
}

// AddSection adds a class group to a course.
type AddSection struct {
	Course string `json:"course"`
	Name   string `json:"name"`
}

// AddCategory adds a group of assignments to a course.
type AddCategory struct {
	Course string `json:"course"`
	Name   string `json:"name"`
	Weight Points `json:"weight"` // percent, 0 to 1000
}

// UpdateCategory changes what is not nil.
type UpdateCategory struct {
	Course   string  `json:"course"`
	Category string  `json:"category"`
	Name     *string `json:"name,omitempty"`
	Weight   *Points `json:"weight,omitempty"`
}

func (CreateCourse) Kind() string   { return "createCourse" }
func (UpdateCourse) Kind() string   { return "updateCourse" }
func (AddSection) Kind() string     { return "addSection" }
func (AddCategory) Kind() string    { return "addCategory" }
func (UpdateCategory) Kind() string { return "updateCategory" }

func (c CreateCourse) apply(d *draft) (Result, error) {
	if err := room("courses", len(d.courses), MaxCourses); err != nil {
		return Result{}, err
	}
	made := &course{sums: new(summaryCache), Course: Course{
		ID: id('c', uint64(len(d.courses)+1)), Weighted: c.Weighted, Scheme: defaultScheme, Teachers: []string{},
		Sections: []Section{}, Categories: []Category{}, Assignments: []Assignment{}, Enrollments: []Enrollment{},
	}}
	set := UpdateCourse{Title: &c.Title, Code: &c.Code, Term: &c.Term}
	if len(c.Scheme.Steps) > 0 {
		set.Scheme = &c.Scheme
	}
	if len(c.Teachers) > 0 {
		set.Teachers = &c.Teachers
	}
	if _, err := set.change(d, made); err != nil {
		return Result{}, err
	}
	d.courses = append(d.courses, made)
	d.record(made, Event{Detail: made.Title})
	return Result{ID: made.ID, Version: made.Version}, nil
}

func (c UpdateCourse) apply(d *draft) (Result, error) {
	course, err := d.editCourse(c.Course)
	if err != nil {
		return Result{}, err
	}
	said, err := c.change(d, course)
	if err != nil {
		return Result{}, err
	}
	d.record(course, Event{Detail: strings.Join(said, ", ")})
	return Result{ID: course.ID, Version: course.Version}, nil
}

// change checks and sets the fields that are given, and says which.
func (c UpdateCourse) change(d *draft, to *course) (said []string, err error) {
	if c.Title != nil {
		if to.Title, err = line("title", *c.Title, true); err != nil {
			return nil, err
		}
		said = append(said, "title "+to.Title)
	}
	if c.Code != nil {
		if to.Code, err = line("code", *c.Code, false); err != nil {
			return nil, err
		}
		said = append(said, "code "+to.Code)
	}
	if c.Term != nil {
		if to.Term, err = line("term", *c.Term, false); err != nil {
			return nil, err
		}
		said = append(said, "term "+to.Term)
	}
	if c.Weighted != nil {
		to.Weighted = *c.Weighted
		said = append(said, fmt.Sprintf("weighted %v", to.Weighted))
	}
	if c.Scheme != nil {
		if to.Scheme, err = c.Scheme.check(); err != nil {
			return nil, err
		}
		if len(to.Scheme.Steps) == 0 {
			to.Scheme = defaultScheme
		}
		said = append(said, "scheme "+to.Scheme.Name)
	}
	if c.Teachers != nil {
		if err := d.checkTeachers(*c.Teachers); err != nil {
			return nil, err
		}
		to.Teachers = append([]string{}, *c.Teachers...)
		said = append(said, "teachers "+strings.Join(to.Teachers, " "))
	}
	return said, nil
}

func (d *draft) checkTeachers(ids []string) error {
	if len(ids) > MaxTeachers {
		return &InvalidError{Field: "teachers", Value: fmt.Sprint(len(ids)), Remedy: fmt.Sprintf("use at most %d", MaxTeachers)}
	}
	for i, id := range ids {
		a, err := d.Account(id)
		if err != nil {
			return within(err, "teachers", i)
		}
		if a.Role != RoleTeacher && a.Role != RoleAdmin {
			return &InvalidError{Field: "teachers", Value: id, Remedy: "name accounts of role teacher or admin"}
		}
		if slices.Contains(ids[:i], id) {
			return &InvalidError{Field: "teachers", Value: id, Remedy: "name each teacher once"}
		}
	}
	return nil
}

func (c AddSection) apply(d *draft) (Result, error) {
	course, err := d.editCourse(c.Course)
	if err != nil {
		return Result{}, err
	}
	section, err := d.addSection(course, c.Name)
	return Result{ID: section, Version: course.Version}, err
}

func (d *draft) addSection(c *course, name string) (string, error) {
	name, err := line("name", name, true)
	if err != nil {
		return "", err
	}
	if err := room("sections", len(c.Sections), MaxSections); err != nil {
		return "", err
	}
	if slices.ContainsFunc(c.Sections, func(s Section) bool { return s.Name == name }) {
		return "", &InvalidError{Field: "name", Value: name, Remedy: "choose another; a section has this one"}
	}
	d.counted.Sections++
	s := Section{ID: id('x', d.counted.Sections), Name: name}
	c.Sections = append(c.Sections, s)
	d.record(c, Event{Detail: s.ID + " " + name})
	return s.ID, nil
}

func (c AddCategory) apply(d *draft) (Result, error) {
	course, err := d.editCourse(c.Course)
	if err != nil {
		return Result{}, err
	}
	category, err := d.addCategory(course, c.Name, c.Weight)
	return Result{ID: category, Version: course.Version}, err
}

func (d *draft) addCategory(c *course, name string, weight Points) (string, error) {
	if err := room("categories", len(c.Categories), MaxCategories); err != nil {
		return "", err
	}
	g := Category{Weight: weight}
	var err error
	if g.Name, err = categoryName(c, name); err != nil {
		return "", err
	}
	if err := checkWeight(weight); err != nil {
		return "", err
	}
	d.counted.Categories++
	g.ID = id('g', d.counted.Categories)
	c.Categories = append(c.Categories, g)
	d.record(c, Event{Detail: g.ID + " " + g.Name + ", weight " + weight.String()})
	return g.ID, nil
}

func (c UpdateCategory) apply(d *draft) (Result, error) {
	course, err := d.editCourse(c.Course)
	if err != nil {
		return Result{}, err
	}
	i := slices.IndexFunc(course.Categories, func(g Category) bool { return g.ID == c.Category })
	if i < 0 {
		return Result{}, &NotFoundError{What: "category", ID: c.Category}
	}
	course.Categories = own(course.Categories, d.oldCourse(course).Categories)
	g := &course.Categories[i]
	said := []string{g.ID}
	if c.Name != nil && strings.TrimSpace(*c.Name) != g.Name {
		if g.Name, err = categoryName(course, *c.Name); err != nil {
			return Result{}, err
		}
		said = append(said, "name "+g.Name)
	}
	if c.Weight != nil {
		if err := checkWeight(*c.Weight); err != nil {
			return Result{}, err
		}
		g.Weight = *c.Weight
		said = append(said, "weight "+g.Weight.String())
	}
	d.record(course, Event{Detail: strings.Join(said, ", ")})
	return Result{ID: g.ID, Version: course.Version}, nil
}

func categoryName(c *course, name string) (string, error) {
	name, err := line("name", name, true)
	if err != nil {
		return "", err
	}
	if slices.ContainsFunc(c.Categories, func(g Category) bool { return g.Name == name }) {
		return "", &InvalidError{Field: "name", Value: name, Remedy: "choose another; a category has this one"}
	}
	return name, nil
}

func checkWeight(w Points) error {
	if w < 0 || w > Whole(1000) {
		return &InvalidError{Field: "weight", Value: w.String(), Remedy: "use a percentage from 0 to 1000"}
	}
	return nil
}
