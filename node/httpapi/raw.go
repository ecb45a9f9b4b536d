package httpapi

import (
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"
)

// Names of the ways to prove who calls, in the OpenAPI document.
const (
	schemeToken   = "token"
	schemeSession = "session"
)

// Anonymous is the security of an operation that needs no proof: sign-in.
func Anonymous() []map[string][]string { return []map[string][]string{} }

// describeProofs adds to the document how a caller proves who they are: by
// either of the two.
func describeProofs(doc *huma.OpenAPI) {
	doc.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		schemeToken: {
			Type: "http", Scheme: "bearer", BearerFormat: "rct_… or a session",
			Description: "Authorization: Bearer, with a token of POST /v1/tokens, or with the session of POST /v1/session, which ends 30 minutes after the sign-in.",
		},
		schemeSession: {
			Type: "apiKey", In: "cookie", Name: "rollcall-<cluster>",
			Description: "The cookie of the portal's sign-in, for browsers. Its name ends in the cluster's fingerprint, and begins with __Host- under TLS.",
		},
	}
	doc.Security = []map[string][]string{{schemeToken: {}}, {schemeSession: {}}}
}

// Raw adds a route whose body or answer is not JSON: a file or a stream. op
// describes it in the OpenAPI document as huma does the typed ones, and, as
// there, a query parameter that op does not name is refused.
func (a *API) Raw(op *huma.Operation, h echo.HandlerFunc) {
	a.Huma.OpenAPI().AddOperation(op)
	known := map[string]bool{}
	for _, p := range op.Parameters {
		known[p.Name] = known[p.Name] || p.In == "query"
	}
	path := strings.NewReplacer("{", ":", "}", "").Replace(op.Path)
	a.Echo.Add(op.Method, path, func(c echo.Context) error {
		var p *Problem
		for name, values := range c.QueryParams() {
			if known[name] {
				continue
			}
			if p == nil {
				p = Problemf(http.StatusUnprocessableEntity, "validation failed")
			}
			p.With("query."+name, strings.Join(values, ","), "unknown query parameter")
		}
		if p != nil {
			return p
		}
		return h(c)
	})
}

// Query describes an optional query parameter of a Raw route: one of the given
// words, or any text when there are none.
func Query(name, doc string, words ...string) *huma.Param {
	s := &huma.Schema{Type: huma.TypeString}
	for _, w := range words {
		s.Enum = append(s.Enum, w)
	}
	return &huma.Param{Name: name, In: "query", Description: doc, Schema: s}
}

// Header describes an optional header of a Raw route.
func Header(name, doc string) *huma.Param {
	return &huma.Param{Name: name, In: "header", Description: doc, Schema: &huma.Schema{Type: huma.TypeString}}
}

// Path describes a part of a Raw route's path.
func Path(name string) *huma.Param {
	return &huma.Param{Name: name, In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}}
}
