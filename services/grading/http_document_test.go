package grading

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/distributedgo/rollcall/node/httpapi"
)

// post sends a body and returns the answer's status and problem.
func post(t *testing.T, api http.Handler, method, target, body string) (int, httpapi.Problem) {
	t.Helper()
	w := httptest.NewRecorder()
	api.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body)))
	var p httpapi.Problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatalf("%s: %v", w.Body, err)
	}
	return w.Code, p
}

func TestAFaultIsToldOfItsField(t *testing.T) {
	t.Parallel()
	api := httpapi.New(httpapi.Config{Title: "grading", Version: "test"})
	(*Service)(nil).Mount(api) // what does not fit never reaches a handler
	const cell = "/v1/courses/c1/assignments/a1/scores/s1"
	for _, tc := range []struct{ method, target, body, field, value, says string }{
		{"PUT", cell, `{"points":"ten"}`, "body.points", "ten", "write it as 85.5"},
		{"PUT", cell, `{"points":"1.23456"}`, "body.points", "1.23456", "4 decimal places"},
		{"PUT", cell, `{"points":"1000000.0001"}`, "body.points", "1000000.0001", "1000000"},
		{"PUT", cell, `{"points":"85,5"}`, "body.points", "85,5", "write it as 85.5"},
		{"PUT", cell, `{"points":85.5}`, "body.points", "", `in quotes, as in "85.5"`},
		{"POST", "/v1/courses/c1/scores", `{"scores":[{"assignment":"a1","student":"s1","points":"1"},{"assignment":"a1","student":"s2","points":"x"}]}`, "body.scores[1].points", "x", "85.5"},
		{"POST", "/v1/courses/c1/assignments", `{"title":"x","possible":"many"}`, "body.possible", "many", "85.5"},
		{"POST", "/v1/courses/c1/assignments", `{"title":"x","possible":null}`, "body.possible", "", "expected"},
		{"PATCH", "/v1/courses/c1/categories/g1", `{"weight":"half"}`, "body.weight", "half", "85.5"},
		{"POST", "/v1/session", `{"name":"ada","password":12345678}`, "body.password", "", "expected string"},
		{"POST", "/v1/courses/c1/import?dry=true", "", "query.dry", "true", "unknown"},
		{"GET", "/v1/courses/c1/export?fromat=canvas", "", "query.fromat", "canvas", "unknown"},
	} {
		status, p := post(t, api, tc.method, tc.target, tc.body)
		if status != http.StatusUnprocessableEntity || len(p.Errors) != 1 || p.Errors[0].Field != tc.field || p.Errors[0].Value != tc.value || !strings.Contains(p.Errors[0].Message, tc.says) {
			t.Errorf("%s %s: got %d %+v, want 422 of field %s, value %q, that says %q", tc.method, tc.body, status, p, tc.field, tc.value, tc.says)
		}
	}
}

// What ParsePoints takes, the document takes, and nothing else.
func TestTheDocumentKnowsPoints(t *testing.T) {
	t.Parallel()
	g := startGroup(t, 1)
	ctx, c := asAdmin(t.Context()), g.client()
	course, _, _ := classroom(t, c)
	for text, ok := range map[string]bool{
		"0": true, "-0": true, "000085.5000": true, ".5": true, "-.25": true, "1000000": true, "1000000.0000": true, "999999.9999": true, "-1000000": true,
		"": false, "-": false, "1.": false, "1000000.1": false, "1000001": false, "+1": false, "1e3": false, " 1": false, "1\n": false, "٣": false,
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/v1/courses/"+course+"/categories", strings.NewReader(`{"name":"x","weight":`+mustJSON(t, text)+`}`))
		g.node("n1").api.ServeHTTP(w, r)
		refused := strings.Contains(w.Body.String(), `"body.weight"`)
		if refused == ok {
			t.Errorf("%q: got %d %s", text, w.Code, w.Body)
		}
		if strings.Contains(w.Body.String(), `"body"`) {
			t.Errorf("%q: the fault is of no field: %s", text, w.Body)
		}
	}
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestFilesAreInTheDocument(t *testing.T) {
	t.Parallel()
	api := httpapi.New(httpapi.Config{Title: "grading", Version: "test"})
	(*Service)(nil).Mount(api)
	w := httptest.NewRecorder()
	api.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/openapi.json", nil))
	var doc struct {
		Paths map[string]map[string]struct {
			OperationID string
			Security    *[]map[string][]string
		}
	}
	if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Paths["/v1/courses/{course}/import"]["post"].OperationID == "" || doc.Paths["/v1/courses/{course}/export"]["get"].OperationID == "" {
		t.Error("the document lacks import or export")
	}
	if s := doc.Paths["/v1/session"]["post"].Security; s == nil || len(*s) != 0 {
		t.Errorf("to sign in one must be signed in: %v", s)
	}
}
