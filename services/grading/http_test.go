package grading

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/distributedgo/rollcall/node/httpapi"
	"github.com/distributedgo/rollcall/node/identity"
	"github.com/distributedgo/rollcall/services/grading/gradebook"
)

// person makes an account, signs it in, and returns its context and id.
func person(t *testing.T, c *Client, n NewAccount) (context.Context, gradebook.Account) {
	t.Helper()
	n.Password = "correct horse"
	a, err := c.CreateAccount(asAdmin(t.Context()), n)
	if err != nil {
		t.Fatal(err)
	}
	return signedIn(t, c, n.Name), a
}

func signedIn(t *testing.T, c *Client, name string) context.Context {
	t.Helper()
	s, err := c.SignIn(t.Context(), name, "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	verified, err := testKeys.VerifySession(s.Text, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return identity.With(t.Context(), verified.Principal())
}

func TestVersionsAndConflicts(t *testing.T) {
	t.Parallel()
	g := startGroup(t, 1)
	ctx, c := asAdmin(t.Context()), g.client()
	course, assignment, student := classroom(t, c)
	zero, one := uint64(0), uint64(1)
	set := func(n int64, base *uint64) (gradebook.Score, error) {
		return c.SetScore(ctx, course, assignment, student, points(n), base)
	}
	if s, err := set(80, &zero); err != nil || s.Version != 1 {
		t.Fatalf("first write: %+v, %v", s, err)
	}
	_, err := set(81, &zero)
	p := problem(t, err, 412, "at version 1, not 0")
	if b, _ := json.Marshal(p.Current); !strings.Contains(string(b), `"points":"80"`) {
		t.Fatalf("412 shows %s, want the score that stands", b)
	}
	if s, err := set(82, &one); err != nil || s.Version != 2 {
		t.Fatalf("over the current version: %+v, %v", s, err)
	}
	_, err = c.SetScores(ctx, course, ScoreWrites{Scores: []ScoreWrite{{Assignment: assignment, Student: student, BaseVersion: &one}}})
	problem(t, err, 409, "")
	res, err := c.SetScores(ctx, course, ScoreWrites{Each: true, Scores: []ScoreWrite{
		{Assignment: assignment, Student: student, BaseVersion: &one},
		{Assignment: assignment, Student: student, Points: points(3).Points},
		{Assignment: "a99", Student: student},
	}})
	if err != nil || len(res.Results) != 3 || res.Results[0].Current == nil || res.Results[1].Version != 3 || res.Results[2].Error == "" || res.Index == 0 {
		t.Fatalf("each: %+v, %v", res, err)
	}
	h, err := c.History(ctx, course, HistoryFilter{Student: student, Limit: 2})
	if err != nil || len(h.Events) != 2 || h.Next == "" {
		t.Fatalf("history: %+v, %v", h, err)
	}
	_, err = c.SetScore(ctx, course, assignment, "s99", points(1), nil)
	problem(t, err, 404, "s99")
	_, err = c.SetScore(ctx, "c99", assignment, student, points(1), nil)
	problem(t, err, 404, "c99")
}

func TestOneKeyDoesOneThing(t *testing.T) {
	t.Parallel()
	g := startGroup(t, 3)
	c := g.client()
	course, assignment, student := classroom(t, c)
	ctx := WithKey(asAdmin(t.Context()), "key-1")
	for _, m := range append(g.all(), nil) {
		if m == nil {
			g.mustLeader().kill() // the next leader remembers too
			m = g.follower()
		}
		s, err := m.client().SetScore(ctx, course, assignment, student, points(5), nil)
		if err != nil || s.Version != 1 {
			t.Fatalf("through %s: %+v, %v; want the first answer each time", m.id, s, err)
		}
	}
	_, err := g.client().SetScore(ctx, course, assignment, student, points(6), nil)
	problem(t, err, 422, "use a new key")
	// Somebody else's key of the same text is another key.
	if teacher, a := person(t, g.client(), NewAccount{Name: "eve", Role: "teacher"}); a.ID != "" {
		if _, err := g.client().CreateCourse(WithKey(teacher, "key-1"), NewCourse{Title: "Own"}); err != nil {
			t.Fatal(err)
		}
	}
	// A long answer is remembered short, and told again from the history.
	var many ScoreWrites
	for n := range shortCells + 10 {
		many.Scores = append(many.Scores, ScoreWrite{Assignment: assignment, Student: student, Points: points(int64(n)).Points})
	}
	bulk := WithKey(asAdmin(t.Context()), "key-2")
	first, err := g.client().SetScores(bulk, course, many)
	if err != nil {
		t.Fatal(err)
	}
	second, err := g.client().SetScores(bulk, course, many)
	if err != nil || fmt.Sprint(first) != fmt.Sprint(second) {
		t.Fatalf("told again: %v, %v\nwant %v", second, err, first)
	}
	_, err = g.client().SetScore(WithKey(asAdmin(t.Context()), "a b"), course, assignment, student, points(6), nil)
	problem(t, err, 422, "visible ASCII")
}

func TestWhoMayDoWhat(t *testing.T) {
	t.Parallel()
	g := startGroup(t, 1)
	admin, c := asAdmin(t.Context()), g.client()
	teacher, ta := person(t, c, NewAccount{Name: "grace", Role: "teacher"})
	other, _ := person(t, c, NewAccount{Name: "alan", Role: "teacher"})
	made, err := c.CreateCourse(teacher, NewCourse{Title: "Logic"})
	if err != nil || len(made.Teachers) != 1 || made.Teachers[0] != ta.ID {
		t.Fatalf("%+v, %v", made, err)
	}
	hidden := false
	open, _ := c.AddAssignment(teacher, made.ID, NewAssignment{Title: "Open", Possible: gradebook.Whole(10)})
	secret, _ := c.AddAssignment(teacher, made.ID, NewAssignment{Title: "Secret", Possible: gradebook.Whole(10), Published: &hidden})
	st, err := c.AddStudent(teacher, made.ID, NewStudent{First: "Kurt", Last: "Gödel", Number: "1906"})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range []string{open.ID, secret.ID} {
		if _, err := c.SetScore(teacher, made.ID, a, st.ID, points(9), nil); err != nil {
			t.Fatal(err)
		}
	}
	student, _ := person(t, c, NewAccount{Name: "kurt", Role: "student", Student: st.ID})
	guardian, _ := person(t, c, NewAccount{Name: "mum", Role: "guardian", Students: []string{st.ID}})

	for name, ctx := range map[string]context.Context{"student": student, "guardian": guardian} {
		r, err := c.Student(ctx, st.ID)
		if err != nil || len(r.Courses) != 1 || len(r.Courses[0].Row.Scores) != 1 {
			t.Errorf("%s sees %+v, %v; want the one published score", name, r, err)
		}
		if list, err := c.Courses(ctx); err != nil || len(list) != 1 || list[0].Average != nil {
			t.Errorf("%s lists %+v, %v; want the course without others' average", name, list, err)
		}
	}
	if r, err := c.Student(teacher, st.ID); err != nil || len(r.Courses[0].Row.Scores) != 2 {
		t.Errorf("the teacher sees %+v, %v", r, err)
	}
	if list, err := c.Courses(other); err != nil || len(list) != 0 {
		t.Errorf("another teacher lists %+v, %v", list, err)
	}
	stranger := t.Context()
	for _, tc := range []struct {
		who    string
		ctx    context.Context
		do     func(ctx context.Context) error
		status int
	}{
		{"stranger reads", stranger, func(ctx context.Context) error { _, err := c.Gradebook(ctx, made.ID, ""); return err }, 401},
		{"stranger writes", stranger, func(ctx context.Context) error {
			_, err := c.SetScore(ctx, made.ID, open.ID, st.ID, points(1), nil)
			return err
		}, 401},
		{"student reads the table", student, func(ctx context.Context) error { _, err := c.Gradebook(ctx, made.ID, ""); return err }, 403},
		{"student writes", student, func(ctx context.Context) error {
			_, err := c.SetScore(ctx, made.ID, open.ID, st.ID, points(10), nil)
			return err
		}, 403},
		{"other teacher writes", other, func(ctx context.Context) error {
			_, err := c.SetScore(ctx, made.ID, open.ID, st.ID, points(10), nil)
			return err
		}, 403},
		{"other teacher reads the student", other, func(ctx context.Context) error { _, err := c.Student(ctx, st.ID); return err }, 403},
		{"teacher makes an account", teacher, func(ctx context.Context) error {
			_, err := c.CreateAccount(ctx, NewAccount{Name: "x", Role: "admin", Password: "correct horse"})
			return err
		}, 403},
		{"teacher makes an admin token", teacher, func(ctx context.Context) error {
			_, err := c.CreateToken(ctx, NewToken{Name: "x", Role: "admin"})
			return err
		}, 403},
		{"teacher lists accounts", teacher, func(ctx context.Context) error { _, err := c.Accounts(ctx); return err }, 403},
		{"teacher retires a node", teacher, func(ctx context.Context) error { return c.Retire(ctx, "n1") }, 403},
		{"teacher founds", teacher, func(ctx context.Context) error { _, err := c.Found(ctx); return err }, 403},
		{"admin founds again", admin, func(ctx context.Context) error { _, err := c.Found(ctx); return err }, 409},
		{"admin retires the only voter", admin, func(ctx context.Context) error { return c.Retire(ctx, "n1") }, 409},
	} {
		if p, ok := errors.AsType[*httpapi.Problem](tc.do(tc.ctx)); !ok || p.Status != tc.status {
			t.Errorf("%s: got %v, want %d", tc.who, p, tc.status)
		}
	}
}

func TestSessionsEndWhenTheyShould(t *testing.T) {
	t.Parallel()
	g := startGroup(t, 1)
	admin, c := asAdmin(t.Context()), g.client()
	_, a := person(t, c, NewAccount{Name: "Grace", Role: "teacher"})
	gone := func(what string, ctx context.Context) {
		t.Helper()
		_, err := c.Courses(ctx)
		if p, ok := errors.AsType[*httpapi.Problem](err); !ok || p.Status != 401 {
			t.Errorf("%s: the session still works: %v", what, err)
		}
		_, err = c.CreateCourse(ctx, NewCourse{Title: "x"})
		if p, ok := errors.AsType[*httpapi.Problem](err); !ok || p.Status != 401 {
			t.Errorf("%s: the session still writes: %v", what, err)
		}
	}
	one := signedIn(t, c, "grace")
	if who, err := c.WhoAmI(one); err != nil || who.ID != a.ID || who.Role != "teacher" {
		t.Fatalf("who am I: %+v, %v", who, err)
	}
	two := signedIn(t, c, "GRACE")
	if err := c.SignOut(one); err != nil {
		t.Fatal(err)
	}
	gone("signed out", one)
	if _, err := c.Courses(two); err != nil {
		t.Errorf("another session ended too: %v", err)
	}
	if err := c.SetPassword(two, a.ID, PasswordChange{Password: "battery staple", Old: "wrong"}); err == nil {
		t.Error("a password was changed without the old one")
	}
	if err := c.SetPassword(two, a.ID, PasswordChange{Password: "correct horse", Old: "correct horse"}); err != nil {
		t.Fatal(err)
	}
	gone("password changed", two)
	three := signedIn(t, c, "grace")
	if err := c.SignOutEverywhere(three, a.ID); err != nil {
		t.Fatal(err)
	}
	gone("signed out everywhere", three)
	four, yes := signedIn(t, c, "grace"), true
	if _, err := c.UpdateAccount(admin, a.ID, AccountPatch{Disabled: &yes}); err != nil {
		t.Fatal(err)
	}
	gone("disabled", four)
	_, err := c.SignIn(t.Context(), "grace", "correct horse")
	problem(t, err, 401, "name or password is wrong")
	_, unknown := c.SignIn(t.Context(), "nobody", "correct horse")
	problem(t, unknown, 401, "name or password is wrong")
	for range freePerAccount {
		_, err = c.SignIn(t.Context(), "nobody", "guess")
	}
	if p := problem(t, err, 429, "too many"); p.GetHeaders().Get("Retry-After") == "" {
		t.Error("429 does not say when to come back")
	}

	tok, err := c.CreateToken(admin, NewToken{Name: "sync", Role: "reader"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := testKeys.VerifyToken(tok.Text, time.Now()); err != nil {
		t.Fatal(err)
	}
	var stand identity.Stand
	if err := followOnce(t.Context(), transport{g: g}, &stand, time.Second); err != nil {
		t.Fatal(err)
	}
	p := identity.Principal{Role: identity.Reader, Token: tok.ID}
	if _, err := stand.Admit(p); err != nil {
		t.Fatal(err)
	}
	if err := c.RevokeToken(admin, tok.ID); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time nothing changed
		if err := followOnce(t.Context(), transport{g: g}, &stand, time.Second); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := stand.Admit(p); !errors.Is(err, identity.ErrRevoked) {
		t.Errorf("a revoked token is admitted: %v", err)
	}
	if _, err := stand.Admit(identity.From(four)); !errors.Is(err, identity.ErrRevoked) {
		t.Errorf("a disabled account is admitted: %v", err)
	}
}

func TestImportShowsThenDoesThatOnce(t *testing.T) {
	t.Parallel()
	g := startGroup(t, 3)
	admin, c := asAdmin(t.Context()), g.follower().client()
	made, err := c.CreateCourse(admin, NewCourse{Title: "Chemistry"})
	if err != nil {
		t.Fatal(err)
	}
	file := []byte("Student,ID,SIS Login ID,Section,Acids (17)\n    Points Possible,,,,20\n\"Curie, Marie\",1,curie,Lab,19.5\n\"Bohr, Niels\",2,bohr,Lab,EX\n")
	preview, err := c.ImportCanvas(admin, made.ID, ImportRequest{File: file, DryRun: true, Source: "acids.csv"})
	if err != nil || preview.Applied || len(preview.NewStudents) != 2 || len(preview.Changes) != 2 || len(preview.NewAssignments) != 1 {
		t.Fatalf("%+v, %v", preview, err)
	}
	keyed := WithKey(admin, "import-1")
	for _, m := range g.all() { // the first applies it, the others are retries
		done, err := m.client().ImportCanvas(keyed, made.ID, ImportRequest{File: file, Basis: &preview.Basis, Source: "acids.csv"})
		if err != nil || !done.Applied || done.Index == 0 {
			t.Fatalf("through %s: %+v, %v", m.id, done, err)
		}
	}
	table, err := c.Gradebook(admin, made.ID, "")
	if err != nil || len(table.Rows) != 2 || len(table.Assignments) != 1 || table.Rows[1].Scores[table.Assignments[0].ID].Points.String() != "19.5" {
		t.Fatalf("%+v, %v", table, err)
	}
	_, err = c.ImportCanvas(admin, made.ID, ImportRequest{File: file, Basis: &preview.Basis})
	if p := problem(t, err, 409, "changed since the preview"); p.Current == nil {
		t.Error("409 brings no new preview")
	}
	_, err = c.ImportCanvas(admin, made.ID, ImportRequest{File: []byte("no csv of canvas"), DryRun: true})
	problem(t, err, 422, "")
	out, err := c.ExportCanvas(admin, made.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if b, err := io.ReadAll(out); err != nil || !bytes.Contains(b, []byte("Curie, Marie")) {
		t.Fatalf("%s, %v", b, err)
	}
}

func TestBadInputIsNamed(t *testing.T) {
	t.Parallel()
	g := startGroup(t, 1)
	course, assignment, student := classroom(t, g.client())
	cell := "/v1/courses/" + course + "/assignments/" + assignment + "/scores/" + student
	for _, tc := range []struct {
		method, path, body, says string
		status                   int
	}{
		{"PUT", cell, `{"points":85.5}`, "points", 422},
		{"PUT", cell, `{"points":"ten"}`, "points", 422},
		{"PUT", cell, `{"points":"1.23456"}`, "4 decimal places", 422},
		{"PUT", cell, `{"points":"1","status":"excused"}`, "points", 422},
		{"PUT", cell, `{"points":"1","status":"lost"}`, "status", 422},
		{"PUT", cell, `{"point":"1"}`, "point", 422},
		{"PUT", cell, `{`, "", 400},
		{"POST", "/v1/courses", `{"title":""}`, "title", 422},
		{"POST", "/v1/accounts", `{"name":"a","role":"boss","password":"12345678"}`, "role", 422},
		{"POST", "/v1/accounts", `{"name":"a","role":"admin","password":"1234567"}`, "password", 422},
		{"POST", "/v1/tokens", `{"name":"a","role":"admin","expiresIn":"soon"}`, "expiresIn", 422},
		{"POST", "/v1/courses/" + course + "/scores", `{"scores":[]}`, "scores", 422},
		{"POST", "/v1/courses/" + course + "/scores", `{"scores":[{"assignment":"` + assignment + `","student":"s9"}]}`, "s9", 404},
		{"POST", "/v1/courses/" + course + "/import?format=xls", "", "format", 422},
		{"POST", "/v1/courses/" + course + "/import?dryRun=maybe", "", "dryRun", 422},
		{"POST", "/v1/courses/" + course + "/import?basis=x", "", "basis", 422},
		{"GET", "/v1/courses/" + course + "/history?limit=0", "", "limit", 422},
		{"GET", "/v1/courses/" + course + "/history?from=monday", "", "from", 422},
		{"GET", "/v1/courses/" + course + "/gradebook?section=x9", "", "x9", 404},
		{"GET", "/v1/courses/" + course + "?consistency=maybe", "", "consistency", 422},
		{"GET", "/v1/students/s9", "", "s9", 404},
		{"POST", "/v1/grading/retire", `{"id":"n9"}`, "n9", 404},
		{"GET", "/v1/stand", "", "", 403},
		{"POST", pathPropose, `{}`, "", 403},
		{"GET", pathIndex, "", "", 403},
	} {
		r, err := http.NewRequestWithContext(t.Context(), tc.method, "http://n1.node"+tc.path, strings.NewReader(tc.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set(identity.Header, identity.From(asAdmin(t.Context())).Encode())
		resp, err := transport{g: g}.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		if resp.StatusCode != tc.status || !strings.Contains(string(body), tc.says) || resp.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %s %s: got %d %s\nwant %d that names %q", tc.method, tc.path, tc.body, resp.StatusCode, body, tc.status, tc.says)
		}
	}
}

func TestMountWithoutAServiceDocuments(t *testing.T) {
	t.Parallel()
	api := httpapi.New(httpapi.Config{Title: "rollcall", Version: "test"})
	(*Service)(nil).Mount(api)
	if _, ok := api.Huma.OpenAPI().Paths["/v1/courses/{course}/assignments/{assignment}/scores/{student}"]; !ok {
		t.Fatal("the scores route is not in the document")
	}
}
