package httpapi_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"

	"github.com/distributedgo/rollcall/node/httpapi"
)

func TestARawRouteIsDescribedAndRefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	a := httpapi.New(httpapi.Config{Title: "rollcall", Version: "1"})
	a.Raw(&huma.Operation{
		OperationID: "file", Method: http.MethodGet, Path: "/v1/files/{file}",
		Parameters: []*huma.Param{httpapi.Path("file"), httpapi.Query("format", "Of it.", "csv"), httpapi.Header("X-Of", "Whose.")},
	}, func(c echo.Context) error { return c.String(http.StatusOK, c.Param("file")+c.QueryParam("format")) })
	for target, want := range map[string]struct {
		status int
		says   string
	}{
		"/v1/files/f1?format=csv": {200, "f1csv"},
		"/v1/files/f1":            {200, "f1"},
		"/v1/files/f1?fromat=csv": {422, `"query.fromat","value":"csv"`},
		"/v1/files/f1?X-Of=me":    {422, "unknown query parameter"},
		"/v1/files/f1?file=other": {422, "query.file"},
	} {
		if resp, _, text := ask(t, a, "GET", target, ""); resp.StatusCode != want.status || !strings.Contains(text, want.says) {
			t.Errorf("%s: got %d %s, want %d that says %s", target, resp.StatusCode, text, want.status, want.says)
		}
	}
	_, _, text := ask(t, a, "GET", "/v1/openapi.json", "")
	var doc struct {
		Paths      map[string]map[string]json.RawMessage
		Security   []map[string][]string
		Components struct {
			SecuritySchemes map[string]struct{ Type, Scheme, In string }
		}
	}
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	if op := string(doc.Paths["/v1/files/{file}"]["get"]); !strings.Contains(op, `"format"`) || !strings.Contains(op, `"csv"`) {
		t.Errorf("the document says of the route %s", op)
	}
	s := doc.Components.SecuritySchemes
	if s["token"].Scheme != "bearer" || s["session"].In != "cookie" || len(doc.Security) != 2 {
		t.Errorf("the document names the proofs %+v, and asks for %v", s, doc.Security)
	}
}
