package portal

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/distributedgo/rollcall/node/identity"
	"github.com/distributedgo/rollcall/web"
)

// page is what the frame of every page is drawn from; Data is the page's own.
type page struct {
	Name    string // the template in web/templates, and data-page of <body>
	Title   string
	Wide    bool // uses the whole width, for tables
	Notices []notice
	Data    any

	// filled in by render
	Nav                        []navLink
	Who                        *identity.Principal
	ServedBy                   string
	Styles, Libraries, Modules []string
}

type navLink struct {
	Path, Word string
	Here       bool
}

// notice is one line that is said in three ways at once: colour, glyph, words.
type notice struct{ Tone, Glyph, Text, ID string }

func warn(text string) notice { return notice{Tone: "warn", Glyph: "!", Text: text} }
func bad(text string) notice  { return notice{Tone: "bad", Glyph: "✕", Text: text} }

// extras is what a page loads beside the frame.
var extras = map[string]struct{ styles, libraries, modules []string }{
	"courses":   {styles: []string{"css/course.css"}},
	"gradebook": {styles: []string{"css/grid.css"}, modules: []string{"js/grid/main.js"}},
	"student":   {styles: []string{"css/course.css"}},
	"import":    {styles: []string{"css/course.css"}, modules: []string{"js/import.js"}},
	"cluster": {
		styles:    []string{"css/course.css", "css/cluster.css"},
		libraries: []string{"vendor/htmx-4.0.1.min.js", "vendor/hx-sse-4.0.1.min.js"},
		modules:   []string{"js/cluster.js"},
	},
	"logs": {styles: []string{"css/logs.css"}},
}

// parsePages makes one template per page: the frame, the shared parts (those
// with a _ in their name), and the page's "main".
func parsePages() (map[string]*template.Template, error) {
	names, err := fs.Glob(web.Templates(), "*.html")
	if err != nil {
		return nil, err
	}
	frame, err := template.New("").Funcs(funcs).ParseFS(web.Templates(), "layout.html", "*_*.html")
	if err != nil {
		return nil, err
	}
	pages := map[string]*template.Template{}
	for _, name := range names {
		if name == "layout.html" || strings.Contains(name, "_") {
			continue
		}
		t, err := frame.Clone()
		if err != nil {
			return nil, err
		}
		if _, err := t.ParseFS(web.Templates(), name); err != nil {
			return nil, err
		}
		pages[strings.TrimSuffix(name, ".html")] = t
	}
	return pages, nil
}

var funcs = template.FuncMap{
	"asset":   web.URL,
	"rfc3339": func(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) },
	"utc":     func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") },
	"clock":   func(t time.Time) string { return t.UTC().Format("15:04:05.000") },
	"bytes":   sizeInWords,
}

// sizeInWords is a number of bytes as a person says it: "3.4 MB".
func sizeInWords(n int64) string {
	const unit = 1000
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	size, prefix := float64(n)/unit, 0
	for ; size >= unit && prefix < 3; prefix++ {
		size /= unit
	}
	return fmt.Sprintf("%.1f %cB", size, "kMGT"[prefix])
}

// render writes a page. It is made whole before the first byte goes out, so an
// error in a template never leaves half a page with status 200.
func (s *Service) render(c echo.Context, status int, p page) error {
	who := caller(c)
	if !who.Anonymous() {
		p.Who = &who
	}
	extra := extras[p.Name]
	p.Styles = append([]string{"css/tokens.css", "css/page.css"}, append(extra.styles, "css/print.css")...)
	p.Libraries, p.Modules = extra.libraries, append([]string{"js/page.js"}, extra.modules...)
	p.Nav, p.ServedBy = nav(who, c.Request().URL.Path), s.servedBy()
	return s.write(c, status, p.Name, "layout", p)
}

// fragment writes one named part of a page.
func (s *Service) fragment(c echo.Context, status int, name, part string, data any) error {
	return s.write(c, status, name, part, data)
}

func (s *Service) write(c echo.Context, status int, name, part string, data any) error {
	var b bytes.Buffer
	t, ok := s.pages[name]
	if !ok {
		return fmt.Errorf("page %q does not exist", name)
	}
	if err := t.ExecuteTemplate(&b, part, data); err != nil {
		return fmt.Errorf("page %s: %w", name, err)
	}
	return c.HTMLBlob(status, b.Bytes())
}

// nav offers the pages that who may read.
func nav(who identity.Principal, path string) []navLink {
	var links []navLink
	add := func(ok bool, to, word string) {
		if ok {
			links = append(links, navLink{Path: to, Word: word, Here: path == to || strings.HasPrefix(path, to+"/")})
		}
	}
	may := func(a identity.Action) bool { return who.Allow(a, identity.Resource{}) == nil }
	add(!who.Anonymous(), "/courses", "Courses")
	add(may(identity.ReadCluster), "/cluster", "Cluster")
	add(may(identity.ReadLogs), "/logs", "Logs")
	return links
}
