package grading

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/distributedgo/rollcall/services/grading/gradebook"
)

// Courses returns the courses that the caller may see.
func (c *Client) Courses(ctx context.Context) ([]CourseSummary, error) {
	a, err := ask[courseList](ctx, c, request{method: http.MethodGet, path: at("courses")})
	return a.Courses, err
}

// courseList is the answer of GET /v1/courses.
type courseList struct {
	Courses []CourseSummary `json:"courses"`
}

// CreateCourse adds a course.
func (c *Client) CreateCourse(ctx context.Context, n NewCourse) (gradebook.Course, error) {
	return ask[gradebook.Course](ctx, c, request{method: http.MethodPost, path: at("courses"), json: n})
}

// Course returns one course without its scores.
func (c *Client) Course(ctx context.Context, id string) (gradebook.Course, error) {
	return ask[gradebook.Course](ctx, c, request{method: http.MethodGet, path: at("courses", id)})
}

// UpdateCourse changes a course.
func (c *Client) UpdateCourse(ctx context.Context, id string, p CoursePatch) (gradebook.Course, error) {
	return ask[gradebook.Course](ctx, c, request{method: http.MethodPatch, path: at("courses", id), json: p})
}

// AddSection adds a section to a course.
func (c *Client) AddSection(ctx context.Context, course string, n NewSection) (gradebook.Section, error) {
	return ask[gradebook.Section](ctx, c, request{method: http.MethodPost, path: at("courses", course, "sections"), json: n})
}

// Categories returns a course's categories.
func (c *Client) Categories(ctx context.Context, course string) ([]gradebook.Category, error) {
	a, err := ask[items[gradebook.Category]](ctx, c, request{method: http.MethodGet, path: at("courses", course, "categories")})
	return a.Items, err
}

// AddCategory adds a category to a course.
func (c *Client) AddCategory(ctx context.Context, course string, n NewCategory) (gradebook.Category, error) {
	return ask[gradebook.Category](ctx, c, request{method: http.MethodPost, path: at("courses", course, "categories"), json: n})
}

// UpdateCategory changes a category.
func (c *Client) UpdateCategory(ctx context.Context, course, category string, p CategoryPatch) (gradebook.Category, error) {
	return ask[gradebook.Category](ctx, c, request{method: http.MethodPatch, path: at("courses", course, "categories", category), json: p})
}

// Assignments returns a course's assignments.
func (c *Client) Assignments(ctx context.Context, course string) ([]gradebook.Assignment, error) {
	a, err := ask[items[gradebook.Assignment]](ctx, c, request{method: http.MethodGet, path: at("courses", course, "assignments")})
	return a.Items, err
}

// AddAssignment adds an assignment to a course.
func (c *Client) AddAssignment(ctx context.Context, course string, n NewAssignment) (gradebook.Assignment, error) {
	return ask[gradebook.Assignment](ctx, c, request{method: http.MethodPost, path: at("courses", course, "assignments"), json: n})
}

// UpdateAssignment changes an assignment.
func (c *Client) UpdateAssignment(ctx context.Context, course, assignment string, p AssignmentPatch) (gradebook.Assignment, error) {
	return ask[gradebook.Assignment](ctx, c, request{method: http.MethodPatch, path: at("courses", course, "assignments", assignment), json: p})
}

// Students returns a course's students.
func (c *Client) Students(ctx context.Context, course string) ([]CourseStudent, error) {
	a, err := ask[items[CourseStudent]](ctx, c, request{method: http.MethodGet, path: at("courses", course, "students")})
	return a.Items, err
}

// AddStudent puts a student into a course.
func (c *Client) AddStudent(ctx context.Context, course string, n NewStudent) (CourseStudent, error) {
	return ask[CourseStudent](ctx, c, request{method: http.MethodPost, path: at("courses", course, "students"), json: n})
}

// UpdateEnrollment moves a student to another section, withdraws them, or
// takes them back.
func (c *Client) UpdateEnrollment(ctx context.Context, course, student string, p EnrollmentPatch) (CourseStudent, error) {
	return ask[CourseStudent](ctx, c, request{method: http.MethodPatch, path: at("courses", course, "students", student), json: p})
}

// Gradebook returns a course's table; section narrows it to one, empty is all.
func (c *Client) Gradebook(ctx context.Context, course, section string) (gradebook.Gradebook, error) {
	r := request{method: http.MethodGet, path: at("courses", course, "gradebook")}
	if section != "" {
		r.query = url.Values{"section": {section}}
	}
	return ask[gradebook.Gradebook](ctx, c, r)
}

// Score returns one cell.
func (c *Client) Score(ctx context.Context, course, assignment, student string) (gradebook.Score, error) {
	return ask[gradebook.Score](ctx, c, request{method: http.MethodGet, path: at("courses", course, "assignments", assignment, "scores", student)})
}

// SetScore writes one cell. With base it is refused, with 412 and the current
// score, unless the cell is at that version.
func (c *Client) SetScore(ctx context.Context, course, assignment, student string, e ScoreEntry, base *uint64) (gradebook.Score, error) {
	r := request{method: http.MethodPut, path: at("courses", course, "assignments", assignment, "scores", student), json: e}
	if base != nil {
		r.header = http.Header{"If-Match": {etag(*base)}}
	}
	return ask[gradebook.Score](ctx, c, r)
}

// etag is a version as HTTP wants it.
func etag(version uint64) string { return strconv.Quote(strconv.FormatUint(version, 10)) }

// SetScores writes many cells in one command.
func (c *Client) SetScores(ctx context.Context, course string, w ScoreWrites) (ScoreResults, error) {
	return ask[ScoreResults](ctx, c, request{method: http.MethodPost, path: at("courses", course, "scores"), json: w})
}

// History returns a page of a course's history, newest first.
func (c *Client) History(ctx context.Context, course string, f HistoryFilter) (History, error) {
	q := url.Values{}
	for name, v := range map[string]string{"student": f.Student, "assignment": f.Assignment, "by": f.By, "before": f.Before} {
		if v != "" {
			q.Set(name, v)
		}
	}
	for name, t := range map[string]time.Time{"from": f.From, "to": f.To} {
		if !t.IsZero() {
			q.Set(name, t.UTC().Format(time.RFC3339Nano))
		}
	}
	if f.Limit != 0 {
		q.Set("limit", strconv.Itoa(f.Limit))
	}
	return ask[History](ctx, c, request{method: http.MethodGet, path: at("courses", course, "history"), query: q})
}

// Student returns a student's record: for themselves, their guardians, their
// teachers (the teachers' courses only), and admins.
func (c *Client) Student(ctx context.Context, id string) (gradebook.StudentRecord, error) {
	return ask[gradebook.StudentRecord](ctx, c, request{method: http.MethodGet, path: at("students", id)})
}

// CourseStudent is a student and their place in a course.
type CourseStudent struct {
	gradebook.Student
	Section string `json:"section"`
	Status  string `json:"status"`
}

// Found asks the node that answers to found a gradebook and returns its id.
func (c *Client) Found(ctx context.Context) (string, error) {
	a, err := ask[struct {
		Gradebook string `json:"gradebook"`
	}](ctx, c, request{method: http.MethodPost, path: at("found"), json: struct{}{}})
	return a.Gradebook, err
}

// Retire takes a node out of the gradebook for good.
func (c *Client) Retire(ctx context.Context, id string) error {
	return c.tell(ctx, request{method: http.MethodPost, path: at("grading", "retire"), json: map[string]string{"id": id}})
}

// Status returns what the node that answers says of its part.
func (c *Client) Status(ctx context.Context) (Status, error) {
	return ask[Status](ctx, c, request{method: http.MethodGet, path: at("grading", "status")})
}
