package nodetest_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/distributedgo/rollcall/node/identity"
	"github.com/distributedgo/rollcall/node/nodetest"
	"github.com/distributedgo/rollcall/services/grading"
	"github.com/distributedgo/rollcall/services/grading/gradebook"
)

// mayCall says who besides an admin may call an operation with the ids of
// others: of a course they do not teach or attend, a student they are not, an
// account that is not theirs. What is not listed, an admin alone may do. "any"
// is everybody with an account; "nobody" is an anonymous program on this
// machine, which may look at the cluster and at logs, and ship logs.
var mayCall = map[string][]string{
	"sign-in":        {"any", "service", "reader", "nobody"}, // it is how one becomes somebody
	"sign-out":       {"any", "service", "reader"},           // one's own session, if any
	"who-am-i":       {"any", "service", "reader"},
	"list-courses":   {"any", "service", "reader"}, // one's own: checked below
	"create-course":  {"teacher"},
	"get-cluster":    {"any", "service", "reader", "nobody"},
	"follow-cluster": {"any", "service", "reader", "nobody"},
	"grading-status": {"any", "service", "reader", "nobody"},
	"query-logs":     {"reader", "nobody"},
	"ingest-logs":    {"service", "nobody"},
}

// internal are the calls between nodes: not even an admin may make them from
// outside.
var internal = []string{"node", "stand", "internal-index", "internal-propose", "internal-knowledge"}

// TestNobodyReachesWhatIsNotTheirs calls every operation as every kind of
// caller, with the ids of others and a good body.
func TestNobodyReachesWhatIsNotTheirs(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 1)
	s := c.School(1, 2)
	ctx := context.Background()
	g := c.Grades("n1")
	account := func(name, role, student string, students ...string) gradebook.Account {
		t.Helper()
		a, err := g.CreateAccount(ctx, grading.NewAccount{Name: name, Role: role, Password: "correct horse " + name, Student: student, Students: students})
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	// Whose things these are.
	owner := account("owner", "teacher", "")
	if _, err := g.UpdateCourse(ctx, s.Course, grading.CoursePatch{Teachers: &[]string{owner.ID}}); err != nil {
		t.Fatal(err)
	}
	account("owned", "student", s.Students[0])
	issued, err := g.CreateToken(ctx, grading.NewToken{Name: "of the admin", Role: "reader"})
	if err != nil {
		t.Fatal(err)
	}
	own := map[string]string{
		"course": s.Course, "assignment": s.Assignments[0], "student": s.Students[0], "category": "g1", "account": owner.ID, "token": issued.ID,
	}
	// Who comes along. The other student goes to another course.
	elsewhere := c.School(1, 1)
	callers := map[string]string{
		"nobody":   "",
		"teacher":  c.Token(identity.Teacher, account("stranger", "teacher", "").ID),
		"student":  c.Token(identity.Student, account("pupil", "student", elsewhere.Students[0]).ID),
		"guardian": c.Token(identity.Guardian, account("parent", "guardian", "", elsewhere.Students[0]).ID),
		"service":  c.Token(identity.Service, ""),
		"reader":   c.Token(identity.Reader, ""),
		"demoted":  c.Token(identity.Admin, account("pretender", "teacher", "").ID), // the gradebook's word counts, not the token's
	}
	c.Eventually(nodetest.Patience, func() error { // accounts travel to the public ports in some seconds
		if a := call(t, c.As(callers["demoted"]), http.MethodPost, c.URL("n1")+"/v1/lab/heal", "", nil); a.status != http.StatusForbidden {
			return fmt.Errorf("a token that claims more than its account may: status %d", a.status)
		}
		return nil
	})
	d, ops := operations(t, c, "n1")
	for _, op := range ops {
		path := op.Path
		for name, id := range own {
			path = strings.ReplaceAll(path, "{"+name+"}", id)
		}
		body := ""
		if kind, typed := op.body(); typed {
			body = encoded(d.sample(kind, op.Method == http.MethodPatch))
		} else if op.ID == "ingest-logs" {
			body = `{"msg":"x"}`
		}
		for who, token := range callers {
			rt := http.DefaultTransport
			if token != "" {
				rt = c.As(token)
			}
			a := call(t, rt, op.Method, c.URL("n1")+path, body, nil)
			refused := a.status == http.StatusUnauthorized || a.status == http.StatusForbidden
			switch {
			case !may(op.ID, who) && !refused:
				t.Errorf("%s may call %s %s: status %d, %.200s", who, op.Method, path, a.status, a.body)
			case may(op.ID, who) && refused && op.ID != "sign-in": // a wrong password is 401 as well
				t.Errorf("%s may not call %s %s: %.200s", who, op.Method, path, a.body)
			case refused && (a.status == http.StatusUnauthorized) != (who == "nobody") && op.ID != "sign-in":
				t.Errorf("%s calls %s %s and gets status %d", who, op.Method, path, a.status)
			case op.ID == "list-courses" && strings.Contains(string(a.body), `"`+s.Course+`"`):
				t.Errorf("%s sees the course of others in their list: %s", who, a.body)
			}
		}
		if slices.Contains(internal, op.ID) {
			if a := call(t, c.Admin(), op.Method, c.URL("n1")+path, body, nil); a.status != http.StatusForbidden {
				t.Errorf("an admin calls %s from outside and gets status %d", path, a.status)
			}
		}
	}
	if err := c.Write("n1", s, 3, nodetest.Patience); err != nil {
		t.Errorf("after all that: %v", err)
	}
}

// may reports whether a caller may call an operation.
func may(op, who string) bool {
	list := mayCall[op]
	switch who {
	case "service", "reader", "nobody":
		return slices.Contains(list, who)
	case "demoted":
		who = "teacher"
	}
	return slices.Contains(list, who) || slices.Contains(list, "any")
}
