package httpapi_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"

	"github.com/distributedgo/rollcall/node/httpapi"
	"github.com/distributedgo/rollcall/node/identity"
)

// surface returns an API with one route per way to fail.
func surface(cfg httpapi.Config) *httpapi.API {
	a := httpapi.New(cfg)
	type signIn struct {
		Body struct {
			Name     string `json:"name" maxLength:"10"`
			Password string `json:"password"`
		}
	}
	type asked struct {
		Limit int `query:"limit" maximum:"100"`
	}
	type answer struct {
		Body struct {
			Caller string `json:"caller"`
		}
	}
	huma.Register(a.Huma, huma.Operation{OperationID: "sign-in", Method: "POST", Path: "/v1/session"},
		func(context.Context, *signIn) (*answer, error) { return &answer{}, nil })
	huma.Register(a.Huma, huma.Operation{OperationID: "who", Method: "GET", Path: "/v1/who"},
		func(ctx context.Context, _ *asked) (*answer, error) {
			var out answer
			out.Body.Caller = identity.From(ctx).String()
			return &out, nil
		})
	huma.Register(a.Huma, huma.Operation{OperationID: "conflict", Method: "GET", Path: "/v1/conflict"},
		func(context.Context, *struct{}) (*answer, error) {
			return nil, httpapi.Problemf(409, "somebody was faster").WithCurrent("85").WithHeader("Retry-After", "1")
		})
	huma.Register(a.Huma, huma.Operation{OperationID: "broken", Method: "GET", Path: "/v1/broken"},
		func(context.Context, *struct{}) (*answer, error) {
			return nil, errors.New("dial 10.0.0.1: password=hunter2")
		})
	huma.Register(a.Huma, huma.Operation{OperationID: "forbidden", Method: "GET", Path: "/v1/forbidden"},
		func(ctx context.Context, _ *struct{}) (*answer, error) {
			return nil, identity.From(ctx).Allow(identity.ManageAccounts, identity.Resource{})
		})
	a.Echo.GET("/panic", func(echo.Context) error { panic("password=hunter2") })
	a.Echo.POST("/body", func(c echo.Context) error {
		_, err := io.Copy(io.Discard, c.Request().Body)
		return err
	})
	return a
}

func ask(t *testing.T, h http.Handler, method, path, body string, header ...string) (*http.Response, httpapi.Problem, string) {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var p httpapi.Problem
	text := w.Body.String()
	if w.Header().Get("Content-Type") == "application/problem+json" {
		if err := json.Unmarshal([]byte(text), &p); err != nil {
			t.Fatalf("%s %s: %v in %s", method, path, err, text)
		}
	}
	return w.Result(), p, text
}

func TestEveryErrorIsAProblem(t *testing.T) {
	t.Parallel()
	a := surface(httpapi.Config{MaxBodyBytes: 1000})
	for _, tc := range []struct {
		method, path, body string
		status             int
		says               string
	}{
		{"GET", "/nowhere", "", 404, "Not Found"},
		{"DELETE", "/v1/who", "", 405, "Method Not Allowed"},
		{"GET", "/panic", "", 500, "our fault"},
		{"GET", "/v1/broken", "", 500, "our fault"},
		{"GET", "/v1/conflict", "", 409, "somebody was faster"},
		{"GET", "/v1/who?limit=1000", "", 422, "query.limit"},
		{"GET", "/v1/who?limit=many", "", 422, "many"},
		{"GET", "/v1/who?limmit=3", "", 422, "limmit"},
		{"POST", "/v1/session", `{"name":"ada","password":"x","extra":"y"}`, 422, "body.extra"},
		{"POST", "/v1/session", `{"name":`, 400, ""},
		{"POST", "/v1/session", ``, 400, "body"},
		{"POST", "/body", strings.Repeat("x", 1001), 413, "1000 bytes"},
	} {
		resp, p, text := ask(t, a, tc.method, tc.path, tc.body)
		if resp.StatusCode != tc.status || p.Status != tc.status || p.Title == "" || p.RequestID == "" || !strings.Contains(text, tc.says) {
			t.Errorf("%s %s: got %d %s\nwant %d, a problem with a request id that says %q", tc.method, tc.path, resp.StatusCode, text, tc.status, tc.says)
		}
		if resp.Header.Get("X-Request-Id") != p.RequestID {
			t.Errorf("%s %s: header and problem name two requests", tc.method, tc.path)
		}
	}
	if resp, p, _ := ask(t, a, "GET", "/v1/conflict", ""); p.Current != "85" || resp.Header.Get("Retry-After") != "1" {
		t.Errorf("409 lost its current value or header: %+v", p)
	}
}

func TestSecretsStayOutOfErrorsAndCausesReachTheLog(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	a := surface(httpapi.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	for _, tc := range []struct{ method, path, body string }{
		{"POST", "/v1/session", `{"name":"a name that is too long","password":"hunter2"}`},
		{"POST", "/v1/session", `{"name":"ada","passwort":"hunter2"}`},
		{"POST", "/v1/session", `{"name":"ada","password":["hunter2"]}`},
		{"GET", "/panic", ""}, {"GET", "/v1/broken", ""},
	} {
		if _, _, text := ask(t, a, tc.method, tc.path, tc.body); strings.Contains(text, "hunter2") {
			t.Errorf("%s %s answers with the secret: %s", tc.method, tc.path, text)
		}
	}
	if n := strings.Count(log.String(), "hunter2"); n != 2 {
		t.Errorf("the log holds %d causes, want those of the panic and of the broken route: %s", n, &log)
	}
}

func TestPrincipalIsBelievedOnTheClusterPortOnly(t *testing.T) {
	t.Parallel()
	admin := identity.Principal{Role: identity.Admin, Name: "mallory"}.Encode()
	_, _, public := ask(t, surface(httpapi.Config{}), "GET", "/v1/who", "", identity.Header, admin)
	if !strings.Contains(public, "anonymous") {
		t.Errorf("the public port believed a header: %s", public)
	}
	cluster := surface(httpapi.Config{Trust: true})
	if _, _, text := ask(t, cluster, "GET", "/v1/who", "", identity.Header, admin); !strings.Contains(text, "admin mallory") {
		t.Errorf("the cluster port did not believe a member: %s", text)
	}
	if _, _, text := ask(t, cluster, "GET", "/v1/who", ""); !strings.Contains(text, "anonymous") {
		t.Errorf("a call that says nothing of its caller is made by %s", text)
	}
	if resp, _, _ := ask(t, cluster, "GET", "/v1/who", "", identity.Header, "!"); resp.StatusCode != 400 {
		t.Errorf("a damaged principal: %d", resp.StatusCode)
	}
	if resp, _, _ := ask(t, cluster, "GET", "/v1/forbidden", "", identity.Header, identity.Principal{Role: identity.Reader}.Encode()); resp.StatusCode != 403 {
		t.Errorf("a reader managed accounts: %d", resp.StatusCode)
	}
	if resp, _, _ := ask(t, surface(httpapi.Config{}), "GET", "/v1/forbidden", ""); resp.StatusCode != 401 || resp.Header.Get("WWW-Authenticate") == "" {
		t.Errorf("an anonymous caller managed accounts: %d", resp.StatusCode)
	}
}

func TestRequestIDsAndTraces(t *testing.T) {
	t.Parallel()
	a := surface(httpapi.Config{})
	if resp, _, _ := ask(t, a, "GET", "/v1/who", "", "X-Request-Id", "abc-1"); resp.Header.Get("X-Request-Id") != "abc-1" {
		t.Error("a good request id was replaced")
	}
	for _, bad := range []string{strings.Repeat("x", 65), "a b", "<script>"} {
		if resp, _, _ := ask(t, a, "GET", "/v1/who", "", "X-Request-Id", bad); resp.Header.Get("X-Request-Id") == bad {
			t.Errorf("request id %q was kept", bad)
		}
	}
	good := "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	for in, want := range map[string]string{
		good: "0af7651916cd43dd8448eb211c80319c",
		"00-00000000000000000000000000000000-b7ad6b7169203331-01": "", "": "", strings.ToUpper(good): "",
	} {
		if got := httpapi.TraceID(http.Header{httpapi.HeaderTrace: {in}}); got != want {
			t.Errorf("TraceID(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestStreamsMoveWhenTheNodeStops(t *testing.T) {
	t.Parallel()
	a := httpapi.New(httpapi.Config{})
	a.Echo.GET("/events", func(c echo.Context) error {
		s, err := httpapi.SSE(c)
		if err != nil {
			return err
		}
		defer s.End()
		if err := s.Send("n1:7", "member", map[string]string{"text": "two\nlines"}); err != nil {
			return err
		}
		if err := s.Send("", "", "a\nb"); err != nil {
			return err
		}
		<-s.Context().Done()
		return nil
	})
	srv := httptest.NewServer(a)
	defer srv.Close()
	resp, err := http.Get(srv.URL + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewReader(resp.Body)
	expect := func(want string) {
		t.Helper()
		for _, w := range strings.Split(want, "|") {
			if got, err := lines.ReadString('\n'); err != nil || strings.TrimSuffix(got, "\n") != w {
				t.Fatalf("got %q, %v, want %q", got, err, w)
			}
		}
	}
	expect(`id: n1:7|event: member|data: {"text":"two\nlines"}||data: a|data: b|`)
	a.Drain()
	expect("event: moved|data: {}|")
	if rest, err := io.ReadAll(lines); err != nil || len(rest) > 0 {
		t.Fatalf("after moved came %q, %v", rest, err)
	}
}

func TestOpenAPIDocument(t *testing.T) {
	t.Parallel()
	_, _, text := ask(t, surface(httpapi.Config{Title: "rollcall", Version: "1"}), "GET", "/v1/openapi.json", "")
	if !strings.Contains(text, `"/v1/who"`) || strings.Contains(text, "$schema") {
		t.Fatalf("got %s", text)
	}
}

func ExampleProblemf() {
	fmt.Println(httpapi.Problemf(400, "the score was not saved").With("points", "ten", "not a number: write it as 85.5"))
	// Output: the score was not saved: points "ten": not a number: write it as 85.5
}
