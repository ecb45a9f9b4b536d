package portal

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/distributedgo/rollcall/node/httpapi"
	"github.com/distributedgo/rollcall/node/identity"
	"github.com/distributedgo/rollcall/services/grading"
	"github.com/distributedgo/rollcall/services/grading/exchange"
	"github.com/distributedgo/rollcall/services/grading/gradebook"
	"github.com/distributedgo/rollcall/services/logs"
	"github.com/distributedgo/rollcall/services/registry"
)

// world is a portal with everything behind it made of plain values.
type world struct {
	*Service
	api  *httpapi.API
	keys identity.Keys

	// what the roles answer; err, when set, is the answer of all of them
	courses []grading.CourseSummary
	course  gradebook.Course
	book    gradebook.Gradebook
	record  gradebook.StudentRecord
	who     grading.Who
	diff    exchange.Diff
	view    registry.Cluster
	answer  logs.Answer
	err     error
	refuse  map[string]error // by method name

	// what they were asked
	asked   []string
	as      identity.Principal // of the last call
	imports []grading.ImportRequest
	created []grading.NewCourse
	query   logs.Query
}

func newWorld(t *testing.T, change func(*Config)) *world {
	t.Helper()
	w := &world{keys: identity.Keys{Session: [][]byte{[]byte("a key for tests")}}, refuse: map[string]error{}}
	cfg := Config{
		Self: "n1id", Name: "n1", Cluster: "test", Keys: w.keys,
		Peers: http.DefaultTransport, // the clients made of it are replaced below
	}
	if change != nil {
		change(&cfg)
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s.grades, s.cluster, s.records = w, w, w
	w.Service, w.api = s, httpapi.New(httpapi.Config{Title: "test", Version: "test"})
	s.Mount(w.api.Echo)
	return w
}

func (w *world) call(ctx context.Context, method string) error {
	w.asked, w.as = append(w.asked, method), identity.From(ctx)
	if err := w.refuse[method]; err != nil {
		return err
	}
	return w.err
}

func (w *world) SignIn(ctx context.Context, name, password string) (grading.Session, error) {
	if err := w.call(ctx, "SignIn"); err != nil {
		return grading.Session{}, err
	}
	if password != "right" {
		return grading.Session{}, httpapi.Problemf(http.StatusUnauthorized, "name or password is wrong")
	}
	return grading.Session{Text: w.signed(identity.Teacher, time.Now())}, nil
}
func (w *world) SignOut(ctx context.Context) error { return w.call(ctx, "SignOut") }
func (w *world) WhoAmI(ctx context.Context) (grading.Who, error) {
	return w.who, w.call(ctx, "WhoAmI")
}
func (w *world) SignOutEverywhere(ctx context.Context, account string) error {
	return w.call(ctx, "SignOutEverywhere "+account)
}
func (w *world) Courses(ctx context.Context) ([]grading.CourseSummary, error) {
	return w.courses, w.call(ctx, "Courses")
}
func (w *world) CreateCourse(ctx context.Context, n grading.NewCourse) (gradebook.Course, error) {
	w.created = append(w.created, n)
	return gradebook.Course{ID: "c9"}, w.call(ctx, "CreateCourse")
}
func (w *world) Course(ctx context.Context, _ string) (gradebook.Course, error) {
	return w.course, w.call(ctx, "Course")
}
func (w *world) Gradebook(ctx context.Context, _, _ string) (gradebook.Gradebook, error) {
	return w.book, w.call(ctx, "Gradebook")
}
func (w *world) Student(ctx context.Context, _ string) (gradebook.StudentRecord, error) {
	return w.record, w.call(ctx, "Student")
}
func (w *world) ImportCanvas(ctx context.Context, _ string, r grading.ImportRequest) (*exchange.Diff, error) {
	w.imports = append(w.imports, r)
	if !r.DryRun {
		if err := w.call(ctx, "Import"); err != nil {
			return nil, err
		}
	}
	diff := w.diff
	return &diff, w.call(ctx, "Compare")
}
func (w *world) Cluster(ctx context.Context) (registry.Cluster, error) {
	return w.view, w.call(ctx, "Cluster")
}
func (w *world) Query(ctx context.Context, q logs.Query) (logs.Answer, error) {
	w.query = q
	return w.answer, w.call(ctx, "Query")
}

// signed is a session cookie's value, last seen at the given time.
func (w *world) signed(role identity.Role, seen time.Time) string {
	return w.keys.SignSession(identity.Session{ID: "sess1", Account: "u7", Name: "ada", Role: role, Issued: seen, Seen: seen, Epoch: 3})
}

// ask sends one request as a person of the given role; no role is nobody.
func (w *world) ask(t *testing.T, method, target string, role identity.Role, body io.Reader, headers ...string) *answer {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, body)
	if body != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if role != "" {
		r.AddCookie(&http.Cookie{Name: w.cookie, Value: w.signed(role, time.Now())})
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	w.api.ServeHTTP(rec, r)
	return &answer{rec, t}
}

func (w *world) get(t *testing.T, target string, role identity.Role, headers ...string) *answer {
	t.Helper()
	return w.ask(t, http.MethodGet, target, role, nil, headers...)
}

type answer struct {
	*httptest.ResponseRecorder
	t *testing.T
}

// is checks the status, has that all texts are on the page, lacks that none is.
func (a *answer) is(status int) *answer {
	a.t.Helper()
	if a.Code != status {
		a.t.Fatalf("status %d, want %d; page:\n%s", a.Code, status, a.Body)
	}
	return a
}

func (a *answer) has(texts ...string) *answer {
	a.t.Helper()
	for _, text := range texts {
		if !strings.Contains(a.Body.String(), text) {
			a.t.Errorf("the page lacks %q:\n%s", text, a.Body)
		}
	}
	return a
}

func (a *answer) lacks(texts ...string) *answer {
	a.t.Helper()
	for _, text := range texts {
		if strings.Contains(a.Body.String(), text) {
			a.t.Errorf("the page has %q:\n%s", text, a.Body)
		}
	}
	return a
}

func (a *answer) goesTo(path string) *answer {
	a.t.Helper()
	if got := a.Header().Get("Location"); a.Code != http.StatusSeeOther || got != path {
		a.t.Errorf("status %d to %q, want 303 to %q", a.Code, got, path)
	}
	return a
}

func TestNewNamesEveryMissingField(t *testing.T) {
	t.Parallel()
	_, err := New(Config{})
	if err == nil {
		t.Fatal("an empty Config was taken")
	}
	for _, field := range []string{"Self", "Cluster", "Peers", "Keys"} {
		if !strings.Contains(err.Error(), "Config."+field) {
			t.Errorf("the error does not name %s: %v", field, err)
		}
	}
}

// TestWhoComesIn tries every page as everyone.
func TestWhoComesIn(t *testing.T) {
	t.Parallel()
	const toSignIn, ok, forbidden = 303, 200, 403
	for _, c := range []struct {
		path                   string
		nobody, teacher, admin int
	}{
		{"/courses", toSignIn, ok, ok},
		{"/courses/c1", toSignIn, ok, ok},
		{"/courses/c1/import", toSignIn, ok, ok},
		{"/students/s1", toSignIn, ok, ok},
		{"/cluster", toSignIn, ok, ok},
		{"/cluster/view", toSignIn, ok, ok},
		{"/logs", toSignIn, forbidden, ok},
		{"/signin", ok, 303, 303},
		{"/static/icon.svg", ok, ok, ok},
	} {
		w := newWorld(t, nil)
		for role, want := range map[identity.Role]int{"": c.nobody, identity.Teacher: c.teacher, identity.Admin: c.admin} {
			if got := w.get(t, c.path, role); got.Code != want {
				t.Errorf("%s as %q: status %d, want %d", c.path, role, got.Code, want)
			}
		}
	}
}

func TestSignInComesBackToThePage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.get(t, "/courses/c1?x=1&y=2", "").goesTo("/signin?next=%2Fcourses%2Fc1%3Fx%3D1%26y%3D2")
	w.get(t, "/", "").goesTo("/signin")
	w.get(t, "/", identity.Teacher).goesTo("/courses")
	if len(w.asked) != 0 {
		t.Errorf("services were asked for nobody: %v", w.asked)
	}
}

// TestLoopbackGuestsSeeTheCluster: the public port gives anonymous callers on
// loopback a role of their own; the portal takes it as it comes.
func TestLoopbackGuestsSeeTheCluster(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.view = sampleView()
	r := httptest.NewRequest(http.MethodGet, "/cluster", nil)
	r = r.WithContext(identity.With(r.Context(), identity.Principal{Role: identity.Local}))
	rec := httptest.NewRecorder()
	w.api.ServeHTTP(rec, r)
	(&answer{rec, t}).is(http.StatusOK).has(`id="signin-link"`, "Cluster").lacks(`id="signout"`)
	if w.as.Role != identity.Local {
		t.Errorf("the registry was asked as %v", w.as)
	}
}
