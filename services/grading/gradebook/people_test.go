package gradebook_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	. "github.com/distributedgo/rollcall/services/grading/gradebook"
)

func TestAccounts(t *testing.T) {
	t.Parallel()
	s := small(t)
	a, ok := s.AccountByName("TOM")
	if !ok || a.ID != "u2" || a.Display != "Tom Teacher" || a.Epoch != 1 || a.Hash == "" {
		t.Fatalf("got %+v, %v", a, ok)
	}
	if _, err := s.try(CreateAccount{Name: "Tom", Role: RoleAdmin, Hash: "$x"}); !errors.Is(err, ErrInvalid) {
		t.Errorf("a second Tom: %v", err)
	}
	s.must(SetPassword{Account: "u2", Hash: "$argon2id$new"})
	s.must(SignOut{Account: "u2"})
	s.must(UpdateAccount{Account: "u2", Disabled: ptr(true)})
	if a, _ := s.Account("u2"); a.Epoch != 4 || !a.Disabled || a.Hash != "$argon2id$new" {
		t.Errorf("a new password, signing out and disabling each end all sessions; got %+v", a)
	}
	_, err := s.try(CreateAccount{Name: "eve", Role: RoleAdmin, Hash: "secret password"})
	if bad, ok := errors.AsType[*InvalidError](err); !ok || bad.Value != "" {
		t.Errorf("the error must not repeat what may be a password: %v", err)
	}
}

func TestTheLastAdminStays(t *testing.T) {
	t.Parallel()
	s := small(t)
	for _, c := range []UpdateAccount{{Account: "u1", Disabled: ptr(true)}, {Account: "u1", Role: ptr(RoleTeacher)}} {
		if _, err := s.try(c); !errors.Is(err, ErrInvalid) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	s.must(UpdateAccount{Account: "u2", Role: ptr(RoleAdmin)})
	s.must(UpdateAccount{Account: "u1", Disabled: ptr(true)})
}

func TestWhoMayReadAStudent(t *testing.T) {
	t.Parallel()
	s := small(t)
	s.must(CreateAccount{Name: "anna", Role: RoleStudent, Hash: "$x", Student: "s1"})
	s.must(CreateAccount{Name: "berta", Role: RoleGuardian, Hash: "$x", Students: []string{"s1", "s2"}})
	if got := s.StudentAccount("s1"); got != "u3" {
		t.Errorf("own account %q", got)
	}
	if got := s.Guardians("s2"); !slices.Equal(got, []string{"u4"}) {
		t.Errorf("guardians %v", got)
	}
	if got := s.TeachersOf("s1"); !slices.Equal(got, []string{"u2"}) {
		t.Errorf("teachers %v", got)
	}
	for name, c := range map[string]Change{
		"a record has one account":        CreateAccount{Name: "anna2", Role: RoleStudent, Hash: "$x", Student: "s1"},
		"a teacher has no record":         CreateAccount{Name: "x", Role: RoleTeacher, Hash: "$x", Student: "s2"},
		"a student guards nobody":         UpdateAccount{Account: "u3", Students: ptr([]string{"s2"})},
		"each student once":               UpdateAccount{Account: "u4", Students: ptr([]string{"s2", "s2"})},
		"only known roles":                CreateAccount{Name: "x", Role: "janitor", Hash: "$x"},
		"teachers teach":                  UpdateCourse{Course: "c1", Teachers: ptr([]string{"u3"})},
		"login names are plain":           CreateAccount{Name: "änne", Role: RoleAdmin, Hash: "$x"},
		"a token has its account's role":  RecordToken{ID: "t", Name: "x", Role: RoleAdmin, Account: "u2", Expires: epoch.AddDate(1, 0, 0)},
		"a teacher's token names them":    RecordToken{ID: "t", Name: "x", Role: RoleTeacher, Expires: epoch.AddDate(1, 0, 0)},
		"a token does not begin as ended": RecordToken{ID: "t", Name: "x", Role: RoleReader, Expires: epoch},
	} {
		if _, err := s.try(c); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	s.must(UpdateAccount{Account: "u3", Student: ptr("s2")})
	if s.StudentAccount("s1") != "" || s.StudentAccount("s2") != "u3" {
		t.Error("the record did not move")
	}
	s.must(UpdateAccount{Account: "u3", Role: ptr(RoleTeacher)})
	if s.StudentAccount("s2") != "" {
		t.Error("a teacher kept a student's record")
	}
}

func TestRevocationsAreForgottenWhenTheyMeanNothing(t *testing.T) {
	t.Parallel()
	s := small(t)
	hour := epoch.Add(time.Hour)
	s.must(RecordToken{ID: "t1", Name: "report", Role: RoleReader, Expires: hour})
	s.must(RevokeID{ID: "t1"})
	s.must(RevokeID{ID: "session1", Expires: hour.Add(time.Hour)})
	s.must(RevokeID{ID: "session1", Expires: hour.Add(time.Hour)})
	if r := s.Revoked(); len(r) != 2 || !s.Tokens()[0].Revoked {
		t.Fatalf("got %v, %v", r, s.Tokens())
	}
	s.n = 3700 // an hour and a bit later
	s.must(RevokeID{ID: "session2", Expires: hour.Add(time.Hour)})
	if r := s.Revoked(); len(r) != 2 || r[0].ID != "session1" || len(s.Tokens()) != 0 {
		t.Errorf("got %v, %v", r, s.Tokens())
	}
	if _, err := s.try(RevokeID{ID: "nobody knows"}); !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

func TestAStudentIsOnePersonInAllCourses(t *testing.T) {
	t.Parallel()
	s := small(t)
	s.must(CreateCourse{Title: "Chemistry"})
	s.must(AddSection{Course: "c2", Name: "Blue"})
	if res := s.must(AddStudent{Course: "c2", First: "A.", Last: "Berg", Number: "1001"}); res.ID != "s1" {
		t.Fatalf("number 1001 is %s", res.ID)
	}
	if _, err := s.try(AddStudent{Course: "c2", First: "Ben", Last: "Abel", Number: "1001"}); !errors.Is(err, ErrInvalid) {
		t.Errorf("Anna's number with Ben's name: %v", err)
	}
	s.must(AddStudent{Course: "c2", Student: "s2"})
	if _, err := s.try(AddStudent{Course: "c2", Student: "s2"}); !errors.Is(err, ErrInvalid) {
		t.Errorf("twice in one course: %v", err)
	}
	s.must(SetScore{Course: "c1", Assignment: "a1", Student: "s1", Points: points("9")})
	s.must(UpdateAssignment{Course: "c1", Assignment: "a2", Published: ptr(false)})
	s.must(SetScore{Course: "c1", Assignment: "a2", Student: "s1", Points: points("1")})
	r, err := s.Student("s1")
	if err != nil || len(r.Courses) != 2 || r.First != "Anna" || len(r.Courses[0].Course.Enrollments) != 1 {
		t.Fatalf("got %+v, %v", r, err)
	}
	seen := r.Published().Courses[0]
	if len(seen.Row.Scores) != 1 || len(seen.Course.Assignments) != 1 || *seen.Row.Current.Percent != "90.00" {
		t.Errorf("the student sees %+v", seen)
	}
	if len(r.Courses[0].Row.Scores) != 2 {
		t.Error("Published changed the record it was asked of")
	}
	if _, err := s.try(UpdateStudent{Student: "s2", Number: ptr("1001")}); !errors.Is(err, ErrInvalid) {
		t.Errorf("a number of two people: %v", err)
	}
	s.must(SetEnrollment{Course: "c2", Student: "s2", Status: ptr(Withdrawn)})
	if sum := s.Summaries(epoch)[1]; sum.Students != 1 {
		t.Errorf("got %+v", sum)
	}
}
