package nodetest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/distributedgo/rollcall/node/nodetest"
)

// schema is the part of a JSON schema that the walks need.
type schema struct {
	Ref        string            `json:"$ref"`
	Type       any               `json:"type"` // a name, or a list of names
	Format     string            `json:"format"`
	Enum       []any             `json:"enum"`
	MinLength  int               `json:"minLength"`
	Properties map[string]schema `json:"properties"`
	Required   []string          `json:"required"`
	Items      *schema           `json:"items"`
}

// operation is one method of one path, as the node's own document tells it.
type operation struct {
	Method, Path string
	ID           string `json:"operationId"`
	Parameters   []struct {
		Name, In string
		Schema   schema
	}
	RequestBody struct {
		Content map[string]struct{ Schema schema }
	}
}

// body is the schema of the request's body, if it has one.
func (o operation) body() (schema, bool) {
	c, ok := o.RequestBody.Content["application/json"]
	return c.Schema, ok
}

// document is a node's OpenAPI document.
type document struct {
	Paths      map[string]map[string]operation
	Components struct{ Schemas map[string]schema }
}

// operations reads the document of a node and lists what it offers. What only
// nodes may call is not in it, so it stands here.
func operations(t *testing.T, c *nodetest.Cluster, name string) (document, []operation) {
	t.Helper()
	var d document
	r := call(t, c.Admin(), http.MethodGet, c.URL(name)+"/v1/openapi.json", "", nil)
	if err := json.Unmarshal(r.body, &d); err != nil || len(d.Paths) < 20 {
		t.Fatalf("the OpenAPI document has %d paths, error %v", len(d.Paths), err)
	}
	all := []operation{
		{Method: http.MethodGet, Path: "/v1/node", ID: "node"},
		{Method: http.MethodGet, Path: "/v1/stand", ID: "stand"},
		{Method: http.MethodGet, Path: "/v1/grading/internal/index", ID: "internal-index"},
		{Method: http.MethodPost, Path: "/v1/grading/internal/propose", ID: "internal-propose"},
		{Method: http.MethodGet, Path: "/v1/logs/internal/knowledge", ID: "internal-knowledge"},
	}
	for path, methods := range d.Paths {
		for method, o := range methods {
			o.Method, o.Path = strings.ToUpper(method), path
			all = append(all, o)
		}
	}
	slices.SortFunc(all, func(a, b operation) int { return strings.Compare(a.Path+a.Method, b.Path+b.Method) })
	return d, all
}

// resolve follows a reference.
func (d document) resolve(s schema) schema {
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
		return d.Components.Schemas[name]
	}
	return s
}

// kind is the schema's type, without null.
func (s schema) kind() string {
	switch t := s.Type.(type) {
	case string:
		return t
	case []any:
		for _, name := range t {
			if name != "null" {
				return fmt.Sprint(name)
			}
		}
	}
	return ""
}

// sample is a value that the schema admits, with all required fields, and all
// others too when full is set.
func (d document) sample(s schema, full bool) any {
	s = d.resolve(s)
	switch {
	case len(s.Enum) > 0:
		return s.Enum[0]
	case s.Format == "date-time":
		return "2026-11-22T08:00:00Z"
	}
	switch s.kind() {
	case "string":
		return strings.Repeat("1", max(1, s.MinLength)) // points and weights are text as well
	case "integer", "number":
		return 1
	case "boolean":
		return true
	case "array":
		return []any{d.sample(*s.Items, full)}
	}
	object := map[string]any{}
	for name, p := range s.Properties {
		if full || slices.Contains(s.Required, name) {
			object[name] = d.sample(p, full)
		}
	}
	return object
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// call sends a request. It reads an event stream only a little.
func call(t *testing.T, rt http.RoundTripper, method, url, body string, header map[string]string) answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		t.Fatalf("%s %.200s: %v", method, url, err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for k, v := range header {
		r.Header.Set(k, v)
	}
	resp, err := rt.RoundTrip(r)
	if err != nil {
		t.Errorf("%s %.200s: %v", method, url, err)
		return answer{}
	}
	defer resp.Body.Close()
	a := answer{status: resp.StatusCode, header: resp.Header}
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		a.body, _ = io.ReadAll(resp.Body)
	}
	return a
}
