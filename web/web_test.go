package web_test

import (
	"crypto/sha512"
	"encoding/base64"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/distributedgo/rollcall/web"
)

// TestVendoredScriptsAreThePublishedOnes compares what is served with the
// digests of the released files, so that no one edits or swaps them unseen.
func TestVendoredScriptsAreThePublishedOnes(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"vendor/htmx-4.0.1.min.js":   "Qp9rdC8H7EqOoX+nR0P3RPG2Noji+qdwJlGpfzwQJsfOpp3sGwIdSP9xO3+UlEhn",
		"vendor/hx-sse-4.0.1.min.js": "v8HvucQ+ohQhMg0arboXc5049yNR46QKMjphs7YDch+Wm7zpfK5XVS01f26mQDJV",
	}
	found, err := fs.Glob(web.Static(), "vendor/*.js")
	if err != nil || len(found) != len(want) {
		t.Fatalf("vendored scripts are %v (%v), want the %d with a known digest", found, err, len(want))
	}
	for name, digest := range want {
		b, err := fs.ReadFile(web.Static(), name)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha512.Sum384(b)
		if got := base64.StdEncoding.EncodeToString(sum[:]); got != digest {
			t.Errorf("%s has sha384 %s, want %s", name, got, digest)
		}
	}
	if _, err := fs.Stat(web.Static(), "vendor/htmx-4.0.1.LICENSE.txt"); err != nil {
		t.Errorf("the licence of htmx is not beside it: %v", err)
	}
}

// TestTemplatesKeepThePolicy: the Content-Security-Policy forbids what these
// patterns find; a page that has one is a page that half works.
func TestTemplatesKeepThePolicy(t *testing.T) {
	t.Parallel()
	forbidden := map[string]*regexp.Regexp{
		"inline style":   regexp.MustCompile(`(?i)<style|\sstyle\s*=`),
		"inline handler": regexp.MustCompile(`(?i)\s(?:on[a-z]+|hx-on[:a-z-]*)\s*=`),
		"inline script":  regexp.MustCompile(`(?i)<script(?:\s[^>]*)?>\s*[^<\s]`),
		"foreign origin": regexp.MustCompile(`(?i)(?:src|href|action)\s*=\s*"(?:https?:)?//`),
	}
	asset := regexp.MustCompile(`asset "([^"]+)"`)
	each(t, web.Templates(), func(name, text string) {
		for what, re := range forbidden {
			if m := re.FindString(text); m != "" {
				t.Errorf("%s: %s: %q", name, what, m)
			}
		}
		for _, m := range asset.FindAllStringSubmatch(text, -1) {
			if _, err := fs.Stat(web.Static(), m[1]); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// TestStylesAndScriptsStayAtHome: nothing of ours loads from elsewhere or
// makes code of text.
func TestStylesAndScriptsStayAtHome(t *testing.T) {
	t.Parallel()
	elsewhere := regexp.MustCompile(`@import|https?://|\beval\(|new Function|innerHTML|document\.write|\.style\b`)
	each(t, web.Static(), func(name, text string) {
		if strings.HasPrefix(name, "vendor/") || strings.HasSuffix(name, ".svg") {
			return
		}
		if m := elsewhere.FindString(text); m != "" {
			t.Errorf("%s has %q", name, m)
		}
	})
}

// TestModulesImportWhatExists follows the relative imports of every script.
func TestModulesImportWhatExists(t *testing.T) {
	t.Parallel()
	imports := regexp.MustCompile(`from "\./([^"]+)"`)
	each(t, web.Static(), func(name, text string) {
		dir := name[:strings.LastIndex(name, "/")+1]
		for _, m := range imports.FindAllStringSubmatch(text, -1) {
			if _, err := fs.Stat(web.Static(), dir+m[1]); err != nil {
				t.Errorf("%s imports %s: %v", name, m[1], err)
			}
		}
	})
}

func TestHandler(t *testing.T) {
	t.Parallel()
	ask := func(method, target, etag string) *http.Response {
		r := httptest.NewRequest(method, target, nil)
		if etag != "" {
			r.Header.Set("If-None-Match", etag)
		}
		w := httptest.NewRecorder()
		web.Handler().ServeHTTP(w, r)
		return w.Result()
	}
	plain := ask("GET", "/static/css/page.css", "")
	for _, c := range []struct {
		method, target, etag string
		status               int
		header, want         string
	}{
		{"GET", web.URL("css/page.css"), "", 200, "Cache-Control", "public, max-age=31536000, immutable"},
		{"GET", "/static/css/page.css", "", 200, "Cache-Control", "no-cache"},
		{"GET", "/static/css/page.css?v=stale", "", 200, "Cache-Control", "no-cache"},
		{"GET", "/static/css/page.css", plain.Header.Get("ETag"), 304, "", ""},
		{"GET", "/static/css/page.css", "", 200, "Content-Type", "text/css; charset=utf-8"},
		{"GET", "/static/js/grid/main.js", "", 200, "Content-Type", "text/javascript; charset=utf-8"},
		{"GET", "/static/js/grid/main.js", "", 200, "X-Content-Type-Options", "nosniff"},
		{"HEAD", "/static/icon.svg", "", 200, "Content-Type", "image/svg+xml"},
		{"GET", "/static/css/", "", 404, "", ""},
		{"GET", "/static/../web.go", "", 404, "", ""},
		{"GET", "/static/templates/layout.html", "", 404, "", ""},
		{"POST", "/static/css/page.css", "", 405, "Allow", "GET, HEAD"},
	} {
		resp := ask(c.method, c.target, c.etag)
		if resp.StatusCode != c.status || c.header != "" && resp.Header.Get(c.header) != c.want {
			t.Errorf("%s %s: status %d, %s %q; want %d, %q", c.method, c.target, resp.StatusCode, c.header, resp.Header.Get(c.header), c.status, c.want)
		}
	}
	if got := web.URL("no/such.css"); got != "/static/no/such.css" {
		t.Errorf("URL of a file that does not exist is %q", got)
	}
}

func each(t *testing.T, files fs.FS, f func(name, text string)) {
	t.Helper()
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(files, name)
		f(name, string(b))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
