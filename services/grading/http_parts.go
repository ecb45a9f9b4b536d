package grading

import (
	"context"

	"github.com/distributedgo/rollcall/services/grading/gradebook"
)

// The parts of a course: sections, categories, assignments and students. Each
// has a list, a way to add and a way to change.

func sectionID(x gradebook.Section) string       { return x.ID }
func categoryID(g gradebook.Category) string     { return g.ID }
func assignmentID(a gradebook.Assignment) string { return a.ID }

func (s *Service) getSections(ctx context.Context, in *InCourse) (*answer[items[gradebook.Section]], error) {
	return list(ctx, s, *in, func(_ *reading, c gradebook.Course) []gradebook.Section { return c.Sections })
}

func (s *Service) postSection(ctx context.Context, in *struct {
	WriteTo
	Body NewSection
}) (*answer[gradebook.Section], error) {
	made, err := part(ctx, s, in.WriteTo, gradebook.AddSection{Course: in.Course, Name: in.Body.Name}, in.Body,
		func(_ *reading, c gradebook.Course, id string) gradebook.Section {
			return withID(c.Sections, id, sectionID)
		})
	return created(made), err
}

func (s *Service) getCategories(ctx context.Context, in *InCourse) (*answer[items[gradebook.Category]], error) {
	return list(ctx, s, *in, func(_ *reading, c gradebook.Course) []gradebook.Category { return c.Categories })
}

func (s *Service) postCategory(ctx context.Context, in *struct {
	WriteTo
	Body NewCategory
}) (*answer[gradebook.Category], error) {
	made, err := part(ctx, s, in.WriteTo, gradebook.AddCategory{Course: in.Course, Name: in.Body.Name, Weight: in.Body.Weight}, in.Body, pickCategory)
	return created(made), err
}

func pickCategory(_ *reading, c gradebook.Course, id string) gradebook.Category {
	return withID(c.Categories, id, categoryID)
}

func (s *Service) patchCategory(ctx context.Context, in *struct {
	WriteTo
	Category string `path:"category"`
	Body     CategoryPatch
}) (*answer[gradebook.Category], error) {
	made, err := part(ctx, s, in.WriteTo, gradebook.UpdateCategory{
		Course: in.Course, Category: in.Category, Name: in.Body.Name, Weight: in.Body.Weight,
	}, in.Body, pickCategory, in.Category)
	return ok(made), err
}

func (s *Service) getAssignments(ctx context.Context, in *InCourse) (*answer[items[gradebook.Assignment]], error) {
	return list(ctx, s, *in, func(_ *reading, c gradebook.Course) []gradebook.Assignment { return c.Assignments })
}

func (s *Service) postAssignment(ctx context.Context, in *struct {
	WriteTo
	Body NewAssignment
}) (*answer[gradebook.Assignment], error) {
	b := in.Body
	made, err := part(ctx, s, in.WriteTo, gradebook.AddAssignment{
		Course: in.Course, Title: b.Title, Category: b.Category, Possible: b.Possible, Due: b.Due,
		Published: b.Published == nil || *b.Published, Omitted: b.Omitted,
	}, b, pickAssignment)
	return created(made), err
}

func pickAssignment(_ *reading, c gradebook.Course, id string) gradebook.Assignment {
	return withID(c.Assignments, id, assignmentID)
}

func (s *Service) patchAssignment(ctx context.Context, in *struct {
	WriteTo
	Assignment string `path:"assignment"`
	Body       AssignmentPatch
}) (*answer[gradebook.Assignment], error) {
	b := in.Body
	made, err := part(ctx, s, in.WriteTo, gradebook.UpdateAssignment{
		Course: in.Course, Assignment: in.Assignment, Title: b.Title, Category: b.Category, Possible: b.Possible,
		Due: b.Due, ClearDue: b.ClearDue, Published: b.Published, Omitted: b.Omitted,
	}, b, pickAssignment, in.Assignment)
	return ok(made), err
}

func (s *Service) getStudents(ctx context.Context, in *InCourse) (*answer[items[CourseStudent]], error) {
	return list(ctx, s, *in, func(v *reading, c gradebook.Course) []CourseStudent {
		return courseStudents(v, c.Enrollments)
	})
}

// courseStudents returns who is enrolled, in the order of enrollment.
func courseStudents(v *reading, enrolled []gradebook.Enrollment) []CourseStudent {
	known := make(map[string]gradebook.Student)
	for _, st := range v.Students() {
		known[st.ID] = st
	}
	all := make([]CourseStudent, 0, len(enrolled))
	for _, e := range enrolled {
		all = append(all, CourseStudent{Student: known[e.Student], Section: e.Section, Status: e.Status})
	}
	return all
}

func pickStudent(v *reading, c gradebook.Course, id string) CourseStudent {
	e := withID(c.Enrollments, id, func(e gradebook.Enrollment) string { return e.Student })
	return courseStudents(v, []gradebook.Enrollment{e})[0]
}

func (s *Service) postStudent(ctx context.Context, in *struct {
	WriteTo
	Body NewStudent
}) (*answer[CourseStudent], error) {
	b := in.Body
	made, err := part(ctx, s, in.WriteTo, gradebook.AddStudent{
		Course: in.Course, Student: b.Student, First: b.First, Last: b.Last, Number: b.Number, Login: b.Login, Section: b.Section,
	}, b, pickStudent)
	return created(made), err
}

func (s *Service) patchStudent(ctx context.Context, in *struct {
	WriteTo
	Student string `path:"student"`
	Body    EnrollmentPatch
}) (*answer[CourseStudent], error) {
	made, err := part(ctx, s, in.WriteTo, gradebook.SetEnrollment{
		Course: in.Course, Student: in.Student, Section: in.Body.Section, Status: in.Body.Status,
	}, in.Body, pickStudent, in.Student)
	return ok(made), err
}
