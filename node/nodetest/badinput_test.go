package nodetest_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/distributedgo/rollcall/node/nodetest"
)

// TestBadInputAtEveryRoute throws what no client should send at every route of
// the document, as an admin, who gets furthest, and as nobody. The answer is
// never our fault: 4xx, or 503 where the cluster says "not now", and a problem
// that says what is wrong. The second node serves no role but the portal, so
// that everything goes through the gateway as well. A panic in a node's log
// fails the test (see Cluster).
func TestBadInputAtEveryRoute(t *testing.T) {
	t.Parallel()
	all := []string{"registry", "log", "grading", "portal"}
	c := nodetest.Start(t, 2, nodetest.Roles(all, []string{"portal"}), nodetest.LogReplicas(1))
	s := c.School(1, 1)
	d, ops := operations(t, c, "n1")
	known := map[string]string{
		"course": s.Course, "assignment": s.Assignments[0], "student": s.Students[0], "category": "g1", "account": "u1", "token": "none",
	}
	bodies := hostileBodies()
	for i, name := range []string{"n1", "n2"} {
		sent := 0
		for _, op := range ops {
			for _, who := range []http.RoundTripper{c.Admin(), http.DefaultTransport} {
				if who != http.DefaultTransport && (op.ID == "leave" || op.ID == "lab-cut") {
					continue // an admin may: the node would be gone
				}
				if i > 0 && who == http.DefaultTransport {
					continue
				}
				for _, b := range badRequests(d, op, known, bodies) {
					a := call(t, who, op.Method, c.URL(name)+b.target, b.body, b.header)
					judge(t, op, b, a)
					sent++
				}
			}
		}
		t.Logf("%d requests to %s", sent, name)
	}
	for _, name := range c.Running() { // they still work
		if err := c.Write(name, s, 7, nodetest.Patience); err != nil {
			t.Errorf("a grade at %s: %v", name, err)
		}
	}
}

// judge fails the test when an answer is not one that a caller can use.
func judge(t *testing.T, op operation, b request, a answer) {
	t.Helper()
	say := func(format string, args ...any) {
		t.Helper()
		t.Errorf("%s %.120s with %s %.120q: %s", op.Method, b.target, b.what, b.body, fmt.Sprintf(format, args...))
	}
	if a.status >= 500 && a.status != http.StatusServiceUnavailable {
		say("status %d, %.300s", a.status, a.body)
	}
	if a.status < 400 {
		return
	}
	var p struct {
		Title, Detail string
		Status        int
		Errors        []struct{ Message string }
	}
	if kind := a.header.Get("Content-Type"); kind != "application/problem+json" {
		say("status %d as %q: %.200s", a.status, kind, a.body)
	} else if err := json.Unmarshal(a.body, &p); err != nil || p.Status != a.status || p.Title == "" {
		say("status %d is no whole problem: %.300s, error %v", a.status, a.body, err)
	} else if p.Detail == "" && len(p.Errors) == 0 {
		say("status %d says nothing: %.300s", a.status, a.body)
	}
}

// request is one bad request; what says what is bad about it.
type request struct {
	what, target, body string
	header             map[string]string
}

// hostileIDs are path segments, as they stand in a URL.
var hostileIDs = []string{
	"none", "0", "-1", "..%2F..%2Fetc%2Fpasswd", "%00", "%ff%fe", "%0d%0aX-Evil:%201", "a%3Ab", "%7B%7D", "%25", "*", "%E2%80%AE", "'%20OR%201=1--",
	strings.Repeat("a", 3000),
}

// hostileTexts are values of fields and parameters.
var hostileTexts = []string{
	"", " ", "\x00", "\u202e\ufeff", "\r\nX-Evil: 1", "NaN", "Infinity", "-1", "1e309", "99999999999999999999999999", "0.00000000001", "1,5", "=1+1", "<script>", "{{.}}", "%s%n",
	"2026-13-45T99:99:99Z", "0001-01-01T00:00:00Z", "9999999999-01-01T00:00:00Z", strings.Repeat("ä", 20_000),
}

// badRequests lists what to throw at an operation.
func badRequests(d document, op operation, known map[string]string, bodies []string) []request {
	fill := func(other string) string {
		path := op.Path
		for name, id := range known {
			if other != "" {
				id = other
			}
			path = strings.ReplaceAll(path, "{"+name+"}", id)
		}
		return path
	}
	body, typed := op.body()
	good := ""
	if typed {
		good = encoded(d.sample(body, false))
	}
	var out []request
	if strings.Contains(op.Path, "{") {
		for _, id := range hostileIDs {
			out = append(out, request{what: "id", target: fill(id), body: good})
		}
	}
	target := fill("")
	out = append(out, request{what: "unknown parameter", target: target + "?nonsense=1", body: good}, request{what: "broken query", target: target + "?%zz&;=%", body: good})
	for _, p := range op.Parameters {
		for _, text := range hostileTexts {
			switch p.In {
			case "query":
				if len(text) > 4000 {
					text = text[:4000] // the request line has a limit of its own
				}
				out = append(out, request{what: "parameter " + p.Name, target: target + "?" + url.QueryEscape(p.Name) + "=" + url.QueryEscape(text), body: good})
			case "header":
				if strings.ContainsAny(text, "\x00\r\n") {
					continue // Go's client does not send it
				}
				out = append(out, request{what: "header " + p.Name, target: target, body: good, header: map[string]string{p.Name: text}})
			}
		}
	}
	if op.Method == http.MethodGet {
		return out
	}
	if typed {
		for _, b := range wrongFields(d, body) {
			out = append(out, request{what: "field", target: target, body: b})
		}
	}
	for _, b := range bodies {
		out = append(out, request{what: "body", target: target, body: b})
	}
	for _, kind := range []string{"text/plain", "text/csv", "application/xml", "multipart/form-data", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "nonsense; ; =", "application/cbor"} {
		out = append(out, request{what: "content type " + kind, target: target, body: "a=b", header: map[string]string{"Content-Type": kind}})
	}
	for _, coding := range []string{"gzip", "zstd", "br"} {
		out = append(out, request{what: "coding " + coding, target: target, body: "{}", header: map[string]string{"Content-Encoding": coding}})
	}
	return out
}

// hostileBodies are bodies that fit nowhere.
func hostileBodies() []string {
	return []string{
		"{", "[]", "null", "0", `"x"`, "{}", `{"a":`, `{"a":1}{"b":2}`, "\xff\xfe", "\x00", "\ufeff{}", strings.Repeat("[", 20_000), strings.Repeat(`{"a":`, 20_000),
		`{"` + strings.Repeat("k", 100_000) + `":1}`, "Student,ID\n\"", strings.Repeat(",", 50_000), "Student,ID,Section,Quiz\nA,1,B,NaN\nA,1,B,1e999\n",
	}
}

// wrongFields are bodies with one field that is of a wrong type or out of any
// range, all others being good.
func wrongFields(d document, s schema) (out []string) {
	s = d.resolve(s)
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		values := []any{nil, 1, -1, 1e300, true, []any{}, []any{nil}, []any{[]any{}}, map[string]any{}, map[string]any{"a": nil}}
		for _, text := range hostileTexts {
			values = append(values, text, []any{text})
		}
		if items := d.resolve(s.Properties[name]).Items; items != nil {
			for _, inner := range wrongFields(d, *items) {
				values = append(values, []any{json.RawMessage(inner)})
			}
		}
		for _, v := range values {
			good, ok := d.sample(s, false).(map[string]any)
			if !ok {
				continue
			}
			good[name] = v
			out = append(out, encoded(good))
		}
	}
	return out
}

func encoded(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return "null"
	}
	return string(b)
}
