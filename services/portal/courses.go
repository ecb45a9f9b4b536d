package portal

import (
	"context"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"github.com/distributedgo/rollcall/node/identity"
	"github.com/distributedgo/rollcall/services/grading"
)

type coursesData struct {
	Courses   []courseLine
	Records   []ownRecord // what a student or guardian comes for
	MayCreate bool
}

// ownRecord leads to one student's own page.
type ownRecord struct{ Name, Link string }

// courseLine is a course in the list, and where its title leads: teachers come
// to the gradebook, others have no page of a whole course.
type courseLine struct {
	grading.CourseSummary
	Link string
}

// courseList is the page of all courses that the caller may see.
func (s *Service) courseList(c echo.Context) error {
	ctx, cancel := context.WithTimeout(c.Request().Context(), patience)
	defer cancel()
	courses, err := s.grades.Courses(ctx)
	if err != nil {
		return err
	}
	d := coursesData{MayCreate: caller(c).Allow(identity.CreateCourse, identity.Resource{}) == nil}
	if !teaches(caller(c)) {
		if d.Records, err = s.ownRecords(ctx); err != nil {
			return err
		}
	}
	for _, course := range courses {
		line := courseLine{CourseSummary: course}
		if teaches(caller(c)) {
			line.Link = "/courses/" + url.PathEscape(course.ID)
		}
		d.Courses = append(d.Courses, line)
	}
	return s.render(c, http.StatusOK, page{Name: "courses", Title: "Courses", Notices: s.standing(ctx), Data: d})
}

// ownRecords lists the students whose record the caller is there for: a
// student's own, or a guardian's students.
func (s *Service) ownRecords(ctx context.Context) ([]ownRecord, error) {
	who, err := s.grades.WhoAmI(ctx)
	if err != nil {
		return nil, err
	}
	var lines []ownRecord
	for _, id := range who.Students {
		record, err := s.grades.Student(ctx, id)
		if err != nil {
			return nil, err
		}
		lines = append(lines, ownRecord{Name: record.Name(), Link: "/students/" + url.PathEscape(id)})
	}
	return lines, nil
}

// teaches reports whether p is someone who has whole courses to look at.
func teaches(p identity.Principal) bool {
	return p.Role == identity.Admin || p.Role == identity.Teacher
}

// createCourse makes a course from the form on that page.
func (s *Service) createCourse(c echo.Context) error {
	ctx, cancel := context.WithTimeout(c.Request().Context(), patience)
	defer cancel()
	course, err := s.grades.CreateCourse(ctx, grading.NewCourse{
		Title: c.FormValue("title"), Code: c.FormValue("code"), Term: c.FormValue("term"), Weighted: c.FormValue("weighted") == "true",
	})
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/courses/"+url.PathEscape(course.ID))
}
