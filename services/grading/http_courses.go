package grading

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/distributedgo/rollcall/node/httpapi"
	"github.com/distributedgo/rollcall/node/identity"
	"github.com/distributedgo/rollcall/services/grading/gradebook"
)

// mountCourses adds courses and what they are made of.
func (s *Service) mountCourses(api *httpapi.API) {
	handle(api, http.MethodGet, "/courses", "list-courses", "The caller's courses", s.getCourses)
	handle(api, http.MethodPost, "/courses", "create-course", "Add a course", s.postCourse)
	handle(api, http.MethodGet, "/courses/{course}", "get-course", "A course without its scores", s.getCourse)
	handle(api, http.MethodPatch, "/courses/{course}", "update-course", "Change a course", s.patchCourse)
	handle(api, http.MethodGet, "/courses/{course}/sections", "list-sections", "A course's sections", s.getSections)
	handle(api, http.MethodPost, "/courses/{course}/sections", "add-section", "Add a section", s.postSection)
	handle(api, http.MethodGet, "/courses/{course}/categories", "list-categories", "A course's categories", s.getCategories)
	handle(api, http.MethodPost, "/courses/{course}/categories", "add-category", "Add a category", s.postCategory)
	handle(api, http.MethodPatch, "/courses/{course}/categories/{category}", "update-category", "Change a category", s.patchCategory)
	handle(api, http.MethodGet, "/courses/{course}/assignments", "list-assignments", "A course's assignments", s.getAssignments)
	handle(api, http.MethodPost, "/courses/{course}/assignments", "add-assignment", "Add an assignment", s.postAssignment)
	handle(api, http.MethodPatch, "/courses/{course}/assignments/{assignment}", "update-assignment", "Change an assignment", s.patchAssignment)
	handle(api, http.MethodGet, "/courses/{course}/students", "list-course-students", "A course's students", s.getStudents)
	handle(api, http.MethodPost, "/courses/{course}/students", "add-student", "Put a student into a course", s.postStudent)
	handle(api, http.MethodPatch, "/courses/{course}/students/{student}", "update-enrollment", "Move, withdraw or take back a student", s.patchStudent)
}

// InCourse is the input of a read of one course.
type InCourse struct {
	Consistent
	Course string `path:"course"`
}

// WriteTo is the input of a write to one course.
type WriteTo struct {
	Keyed
	Course string `path:"course"`
}

// course returns one course for who may see all of it.
func (s *Service) course(ctx context.Context, in InCourse) (*reading, gradebook.Course, string, error) {
	v, p, stale, err := s.look(ctx, in.Consistent)
	if err != nil {
		return nil, gradebook.Course{}, "", err
	}
	c, err := v.Course(in.Course)
	if err == nil {
		err = p.Allow(identity.ReadCourse, identity.Resource{Teachers: c.Teachers})
	}
	return v, c, stale, err
}

// list answers with one of a course's lists.
func list[T any](ctx context.Context, s *Service, in InCourse, of func(*reading, gradebook.Course) []T) (*answer[items[T]], error) {
	v, c, stale, err := s.course(ctx, in)
	if err != nil {
		return nil, err
	}
	out := ok(items[T]{of(v, c)})
	out.Stale = stale
	return out, nil
}

// part changes a course and answers with the part of it that find picks.
func part[T any](ctx context.Context, s *Service, in WriteTo, c gradebook.Change, body any, find func(v *reading, of gradebook.Course, id string) T, more ...string) (T, error) {
	var none T
	out, err := s.change(ctx, c, in.Key, in.Course, more, body)
	if err != nil {
		return none, err
	}
	v, err := s.after(ctx, out)
	if err != nil {
		return none, err
	}
	course, err := v.Course(in.Course)
	if err != nil {
		return none, err
	}
	return find(v, course, out.Result.ID), nil
}

// withID returns a find for part: the element of a list by its id.
func withID[T any](list []T, id string, of func(T) string) T {
	var none T
	if i := slices.IndexFunc(list, func(e T) bool { return of(e) == id }); i >= 0 {
		return list[i]
	}
	return none
}

func (s *Service) getCourses(ctx context.Context, in *Consistent) (*answer[courseList], error) {
	v, p, stale, err := s.look(ctx, *in)
	if err != nil {
		return nil, err
	}
	if err := p.Allow(identity.ReadCluster, identity.Resource{}); err != nil {
		return nil, err
	}
	mine := studentsOf(v, p)
	out := ok(courseList{Courses: []CourseSummary{}})
	out.Stale = stale
	for _, m := range v.Summaries(time.Now()) {
		sum := CourseSummary{
			ID: m.ID, Title: m.Title, Code: m.Code, Term: m.Term, Students: m.Students, Assignments: m.Assignments,
			ToGrade: m.ToGrade, Average: m.Average, Teachers: []Person{},
		}
		if !m.LastChange.IsZero() {
			sum.LastChange = &m.LastChange
		}
		for _, id := range m.Teachers {
			if a, err := v.Account(id); err == nil {
				sum.Teachers = append(sum.Teachers, Person{ID: id, Display: a.Display})
			}
		}
		switch {
		case p.Allow(identity.ReadCourse, identity.Resource{Teachers: m.Teachers}) == nil:
		case attends(v, m.ID, mine):
			sum.Average, sum.ToGrade, sum.Students = nil, 0, 0 // of others
		default:
			continue
		}
		out.Body.Courses = append(out.Body.Courses, sum)
	}
	return out, nil
}

// studentsOf returns the students whose records are the caller's to read: their
// own, or those they are guardian of.
func studentsOf(v *reading, p identity.Principal) []string {
	a, err := v.Account(p.Account)
	if err != nil {
		return nil
	}
	if a.Student != "" {
		return []string{a.Student}
	}
	return a.Students
}

// attends reports whether one of the students is or was in the course.
func attends(v *reading, course string, students []string) bool {
	if len(students) == 0 {
		return false
	}
	c, err := v.Course(course)
	return err == nil && slices.ContainsFunc(c.Enrollments, func(e gradebook.Enrollment) bool { return slices.Contains(students, e.Student) })
}

func (s *Service) postCourse(ctx context.Context, in *struct {
	Keyed
	Body NewCourse
}) (*answer[gradebook.Course], error) {
	b, p := in.Body, identity.From(ctx)
	c := gradebook.CreateCourse{Title: b.Title, Code: b.Code, Term: b.Term, Weighted: b.Weighted, Teachers: b.Teachers}
	if p.Role == identity.Teacher && !slices.Contains(c.Teachers, p.Account) {
		c.Teachers = append([]string{p.Account}, c.Teachers...)
	}
	out, err := s.change(ctx, c, in.Key, b)
	if err != nil {
		return nil, err
	}
	made, err := s.courseAfter(ctx, out)
	if err != nil {
		return nil, err
	}
	return created(made), nil
}

func (s *Service) courseAfter(ctx context.Context, out outcome) (gradebook.Course, error) {
	v, err := s.after(ctx, out)
	if err != nil {
		return gradebook.Course{}, err
	}
	return v.Course(out.Result.ID)
}

func (s *Service) getCourse(ctx context.Context, in *InCourse) (*answer[gradebook.Course], error) {
	_, c, stale, err := s.course(ctx, *in)
	if err != nil {
		return nil, err
	}
	out := ok(c)
	out.Stale = stale
	return out, nil
}

func (s *Service) patchCourse(ctx context.Context, in *struct {
	WriteTo
	Body CoursePatch
}) (*answer[gradebook.Course], error) {
	b := in.Body
	out, err := s.change(ctx, gradebook.UpdateCourse{
		Course: in.Course, Title: b.Title, Code: b.Code, Term: b.Term, Weighted: b.Weighted, Scheme: b.Scheme, Teachers: b.Teachers,
	}, in.Key, in.Course, b)
	if err != nil {
		return nil, err
	}
	c, err := s.courseAfter(ctx, out)
	if err != nil {
		return nil, err
	}
	return ok(c), nil
}
