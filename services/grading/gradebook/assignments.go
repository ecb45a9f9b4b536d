package gradebook

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// AddAssignment adds a column to a course. Without a category it goes into the
// first one; a course that has none gets one called Assignments.
type AddAssignment struct {
	Course    string     `json:"course"`
	Title     string     `json:"title"`
	Category  string     `json:"category,omitempty"`
	Possible  Points     `json:"possible"`
	Due       *time.Time `json:"due,omitempty"`
	Published bool       `json:"published,omitempty"`
	Omitted   bool       `json:"omitted,omitempty"`
	External  string     `json:"external,omitempty"`
}

// UpdateAssignment changes what is not nil. ClearDue takes the due time away.
type UpdateAssignment struct {
	Course     string     `json:"course"`
	Assignment string     `json:"assignment"`
	Title      *string    `json:"title,omitempty"`
	Category   *string    `json:"category,omitempty"`
	Possible   *Points    `json:"possible,omitempty"`
	Due        *time.Time `json:"due,omitempty"`
	ClearDue   bool       `json:"clearDue,omitempty"`
	Published  *bool      `json:"published,omitempty"`
	Omitted    *bool      `json:"omitted,omitempty"`
}

func (AddAssignment) Kind() string    { return "addAssignment" }
func (UpdateAssignment) Kind() string { return "updateAssignment" }

func (c AddAssignment) apply(d *draft) (Result, error) {
	course, err := d.editCourse(c.Course)
	if err != nil {
		return Result{}, err
	}
	a, err := d.addAssignment(course, c)
	return Result{ID: a, Version: course.Version}, err
}

func (d *draft) addAssignment(c *course, want AddAssignment) (string, error) {
	if err := room("assignments", len(c.Assignments), MaxAssignments); err != nil {
		return "", err
	}
	if want.Category == "" {
		if len(c.Categories) == 0 {
			if _, err := d.addCategory(c, "Assignments", Whole(100)); err != nil {
				return "", err
			}
		}
		want.Category = c.Categories[0].ID
	}
	a := Assignment{Published: want.Published, Omitted: want.Omitted}
	set := UpdateAssignment{Title: &want.Title, Category: &want.Category, Possible: &want.Possible, Due: want.Due}
	if _, err := set.change(c, &a); err != nil {
		return "", err
	}
	var err error
	if a.External, err = line("external", want.External, false); err != nil {
		return "", err
	}
	if a.External != "" && slices.ContainsFunc(c.Assignments, func(o Assignment) bool { return o.External == a.External }) {
		return "", &InvalidError{Field: "external", Value: a.External, Remedy: "choose another; an assignment has this one"}
	}
	d.counted.Assignments++
	a.ID = id('a', d.counted.Assignments)
	c.Assignments = append(c.Assignments, a)
	d.record(c, Event{Assignment: a.ID, Detail: a.Title + ", possible " + a.Possible.String()})
	return a.ID, nil
}

func (c UpdateAssignment) apply(d *draft) (Result, error) {
	course, err := d.editCourse(c.Course)
	if err != nil {
		return Result{}, err
	}
	i, err := course.assignment(c.Assignment)
	if err != nil {
		return Result{}, err
	}
	course.Assignments = own(course.Assignments, d.oldCourse(course).Assignments)
	a := &course.Assignments[i]
	said, err := c.change(course, a)
	if err != nil {
		return Result{}, err
	}
	d.record(course, Event{Assignment: a.ID, Detail: strings.Join(said, ", ")})
	return Result{ID: a.ID, Version: course.Version}, nil
}

// change checks and sets the fields that are given, and says which.
func (c UpdateAssignment) change(in *course, a *Assignment) (said []string, err error) {
	if c.Title != nil {
		if a.Title, err = line("title", *c.Title, true); err != nil {
			return nil, err
		}
		said = append(said, "title "+a.Title)
	}
	if c.Category != nil {
		if !slices.ContainsFunc(in.Categories, func(g Category) bool { return g.ID == *c.Category }) {
			return nil, &NotFoundError{What: "category", ID: *c.Category}
		}
		a.Category = *c.Category
		said = append(said, "category "+a.Category)
	}
	if c.Possible != nil {
		if err := c.Possible.check("possible"); err != nil {
			return nil, err
		}
		if *c.Possible < 0 {
			return nil, &InvalidError{Field: "possible", Value: c.Possible.String(), Remedy: "use 0 or more points"}
		}
		a.Possible = *c.Possible
		said = append(said, "possible "+a.Possible.String())
	}
	if c.Due != nil {
		due, err := instant("due", *c.Due)
		if err != nil {
			return nil, err
		}
		a.Due = &due
		said = append(said, "due "+due.Format(time.RFC3339))
	} else if c.ClearDue {
		a.Due = nil
		said = append(said, "no due time")
	}
	if c.Published != nil {
		a.Published = *c.Published
		said = append(said, fmt.Sprintf("published %v", a.Published))
	}
	if c.Omitted != nil {
		a.Omitted = *c.Omitted
		said = append(said, fmt.Sprintf("omitted %v", a.Omitted))
	}
	return said, nil
}

// assignment returns the place of an assignment in the course.
func (c *course) assignment(id string) (int, error) {
	i := slices.IndexFunc(c.Assignments, func(a Assignment) bool { return a.ID == id })
	if i < 0 {
		return 0, &NotFoundError{What: "assignment", ID: id}
	}
	return i, nil
}
