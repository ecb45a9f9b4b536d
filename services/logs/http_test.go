package logs

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/distributedgo/rollcall/node/httpapi"
	"github.com/distributedgo/rollcall/node/identity"
)

// pair is the smallest cluster that keeps two copies.
func pair(t testing.TB) (n1, n2 *node) {
	c := newCluster(t)
	return c.start("n1", Role), c.start("n2", Role)
}

func TestIngestReadsWhatProgramsWrite(t *testing.T) {
	t.Parallel()
	n1, n2 := pair(t)
	lines := strings.Join([]string{
		`{"time":"2026-09-01T12:00:00.5+02:00","level":"WARNING","msg":"a","service":"own","http":{"status":500,"url":"/x"}}`,
		``,
		`{"@timestamp":1756728000123,"severity":"fatal","message":"b","node":"theirs"}`,
		`{"time":"yesterday","msg":"c"}`,
		`not json`,
		`{"ts":1756728000.25,"msg":"d","level":"loud","list":[1, 2],"deep":{"a":{"b":null}}}`,
		`["an array"]`,
	}, "\n")
	code, _, body := n1.call(t, identity.Service, "POST", "/v1/ingest?service=app", lines)
	var a IngestAnswer
	if err := json.Unmarshal([]byte(body), &a); err != nil || code != 200 || a.Accepted != 3 || a.Rejected != 3 {
		t.Fatalf("%d %s", code, body)
	}
	if f := a.Faults[0]; f.Line != 4 || f.Field != "time" || f.Value != "yesterday" || !strings.Contains(f.Reason, "RFC 3339") {
		t.Fatalf("%+v", f)
	}
	if a.Faults[1].Line != 5 || a.Faults[2].Line != 7 {
		t.Fatalf("%+v", a.Faults)
	}
	n1.shipped(t)
	code, _, body = n2.call(t, identity.Reader, "GET", "/v1/logs?order=asc", "")
	var got struct {
		Complete bool
		Records  []json.RawMessage
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil || code != 200 || !got.Complete || len(got.Records) != 3 {
		t.Fatalf("%d %s", code, body)
	}
	for i, want := range []string{
		`{"time":"2025-09-01T12:00:00.123Z","level":"error+4","service":"app","node":"name-n1","msg":"b","attr.node":"theirs"}`,
		`{"time":"2025-09-01T12:00:00.25Z","level":"info","service":"app","node":"name-n1","msg":"d","attr.level":"loud","list":[1,2],"deep.a.b":null}`,
		`{"time":"2026-09-01T10:00:00.5Z","level":"warn","service":"own","node":"name-n1","msg":"a","http.status":500,"http.url":"/x"}`,
	} {
		if string(got.Records[i]) != want {
			t.Errorf("got  %s\nwant %s", got.Records[i], want)
		}
	}
}

func TestIngestNamesTheFields(t *testing.T) {
	t.Parallel()
	n1, n2 := pair(t)
	code, _, body := n1.call(t, identity.Service, "POST", "/v1/ingest?time=meta.when&msg=text", `{"text":"x","meta":{"when":"2026-01-02T03:04:05Z"},"time":"later"}`)
	if code != 200 {
		t.Fatalf("%d %s", code, body)
	}
	n1.shipped(t)
	_, a := n2.all(t, Query{})
	r := a.Records[0]
	if r.Msg != "x" || !r.Time.Equal(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)) || r.Field("attr.time") != "later" || r.Service != "ingest" {
		t.Fatalf("%+v", r)
	}
}

func TestIngestUnpacks(t *testing.T) {
	t.Parallel()
	n1, _ := pair(t)
	text := []byte(strings.Repeat(`{"msg":"packed"}`+"\n", 100))
	var g bytes.Buffer
	z := gzip.NewWriter(&g)
	if _, err := z.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	e, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	for encoding, body := range map[string][]byte{"": text, "gzip": g.Bytes(), "zstd": e.EncodeAll(text, nil)} {
		code, _, answer := n1.call(t, identity.Service, "POST", "/v1/ingest", string(body), "Content-Encoding", encoding, "Content-Type", "application/x-www-form-urlencoded")
		if code != 200 || !strings.Contains(answer, `"accepted":100`) {
			t.Errorf("%q: %d %s", encoding, code, answer)
		}
	}
}

func TestIngestCutsAndMarks(t *testing.T) {
	t.Parallel()
	n1, n2 := pair(t)
	var many strings.Builder
	for i := range 1500 {
		fmt.Fprintf(&many, `"f%d":%d,`, i, i)
	}
	body := `{"msg":"wide",` + many.String() + `"end":1}` + "\n" + `{"msg":"long","body":"` + strings.Repeat("x", 2<<20) + `"}`
	if code, _, answer := n1.call(t, identity.Service, "POST", "/v1/ingest", body); code != 200 || !strings.Contains(answer, `"accepted":2`) {
		t.Fatalf("%d %s", code, answer)
	}
	n1.shipped(t)
	_, a := n2.all(t, Query{Contains: "wide"})
	if r := a.Records[0]; r.Field("cut.fields") != "502" || r.Field("f998") != "998" || len(r.Fields) != 1000 {
		t.Fatalf("%d fields, cut %q", len(r.Fields), r.Field("cut.fields"))
	}
	_, a = n2.all(t, Query{Contains: "long"})
	if r := a.Records[0]; len(r.Field("body")) > maxLine || len(r.Field("body")) < maxLine/4 || r.Field("cut.bytes") < "2097152" {
		t.Fatalf("%d bytes, cut %q", len(r.Field("body")), r.Field("cut.bytes"))
	}
}

// TestBadInput goes through all routes: a 4xx that names field and value, and
// never a 500.
func TestBadInput(t *testing.T) {
	t.Parallel()
	n1, _ := pair(t)
	for _, c := range []struct {
		method, path, body string
		role               identity.Role
		header             []string
		code               int
		say                []string
	}{
		{"GET", "/v1/logs?from=monday", "", identity.Reader, nil, 400, []string{"from", "monday", "RFC 3339"}},
		{"GET", "/v1/logs?from=2026-09-02T00:00:00Z&to=2026-09-01T00:00:00Z", "", identity.Reader, nil, 400, []string{"from", "before to"}},
		{"GET", "/v1/logs?level=loud&field=x", "", identity.Reader, nil, 400, []string{"field", "key=value"}},
		{"GET", "/v1/logs?level=loud", "", identity.Reader, nil, 400, []string{"level", "loud", "debug, info"}},
		{"GET", "/v1/logs?limit=9999", "", identity.Reader, nil, 422, []string{"limit", "5000"}},
		{"GET", "/v1/logs?order=up", "", identity.Reader, nil, 422, []string{"order", "desc"}},
		{"GET", "/v1/logs?cursor=zzz", "", identity.Reader, nil, 400, []string{"cursor", "zzz"}},
		{"GET", "/v1/logs", "", identity.Student, nil, 403, []string{"read logs"}},
		{"POST", "/v1/ingest", "{}", identity.Reader, nil, 403, []string{"write logs"}},
		{"POST", "/v1/ingest", "{", identity.Service, nil, 400, []string{"line 1", "JSON"}},
		{"POST", "/v1/ingest", "{}", identity.Service, []string{"Content-Encoding", "br"}, 400, []string{"Content-Encoding", "br", "gzip"}},
		{"POST", "/v1/ingest", "{}", identity.Service, []string{"Content-Encoding", "gzip"}, 400, []string{"not gzip"}},
		{"POST", "/v1/ingest", "{}", identity.Service, []string{"Content-Encoding", "zstd"}, 400, []string{"body"}},
		{"POST", pathBatches, "x", identity.Admin, nil, 403, []string{"between nodes"}},
		{"GET", pathKnowledge + "?after=0", "", identity.Admin, nil, 403, []string{"between nodes"}},
		{"POST", pathSearch, "{}", identity.Admin, nil, 403, []string{"between nodes"}},
		{"POST", pathBatches, "x", identity.Node, nil, 400, []string{"manifest"}},
		{"POST", pathSearch, "x", identity.Node, nil, 400, []string{"search request"}},
		{"GET", pathKnowledge + "?after=x", "", identity.Node, nil, 400, []string{"after"}},
	} {
		code, _, body := n1.call(t, c.role, c.method, c.path, c.body, c.header...)
		if code != c.code {
			t.Errorf("%s %s: %d %s, want %d", c.method, c.path, code, body, c.code)
		}
		for _, word := range c.say {
			if !strings.Contains(body, word) {
				t.Errorf("%s %s: %s does not say %q", c.method, c.path, body, word)
			}
		}
	}
}

func TestClientAsksAndGives(t *testing.T) {
	t.Parallel()
	n1, n2 := pair(t)
	c := NewClient(link{n1.cluster(), "outside"}, "http://n1.node")
	ctx := identity.With(t.Context(), identity.Principal{Role: identity.Admin, Account: "u1"})
	a, err := c.Ingest(ctx, strings.NewReader(`{"msg":"over HTTP","k":"a=b & c"}`), IngestOptions{Service: "ext"})
	if err != nil || a.Accepted != 1 {
		t.Fatalf("%+v, %v", a, err)
	}
	n1.shipped(t)
	at := time.Now()
	got, err := NewClient(link{n1.cluster(), "outside"}, "http://n2.node").Query(ctx, Query{
		From: at.Add(-time.Minute), To: at.Add(time.Minute), Service: "ext", Node: "name-n1", Level: "info",
		Fields: []Equal{{"k", "a=b & c"}}, Contains: "over", Limit: 5, Order: Ascending,
	})
	if err != nil || len(got.Records) != 1 || got.Records[0].Field("k") != "a=b & c" || !got.Complete || got.RetainedSince.IsZero() {
		t.Fatalf("%+v, %v", got, err)
	}
	if _, err := c.Query(ctx, Query{Level: "loud"}); err == nil || !strings.Contains(err.Error(), "loud") {
		t.Fatalf("got %v", err)
	}
	_ = n2
}

func (n *node) cluster() *cluster {
	l, ok := n.agent.cfg.Peers.(link)
	if !ok {
		panic("the test's nodes use the test's network")
	}
	return l.c
}

// TestMountForDocumentation mounts parts that do not exist.
func TestMountForDocumentation(t *testing.T) {
	t.Parallel()
	api := httpapi.New(httpapi.Config{Title: "docs", Version: "1"})
	var a *Agent
	var s *Service
	a.Mount(api)
	s.Mount(api)
	doc, err := json.Marshal(api.Huma.OpenAPI())
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"/v1/ingest", "/v1/logs", "retainedSince", http.MethodPost} {
		if !strings.Contains(strings.ToLower(string(doc)), strings.ToLower(part)) {
			t.Errorf("the document lacks %s", part)
		}
	}
}
