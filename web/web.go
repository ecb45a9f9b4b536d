// Package web holds what a browser is given: the page templates, the style
// sheets, the scripts, and two vendored libraries. It is data with a file
// server; what the pages mean is decided in services/portal.
//
// Everything is embedded, so one binary is the whole product and a page can
// never meet a style sheet of another version. Nothing is fetched from
// elsewhere and nothing is built: the files here are the files served.
//
// # Addresses and caching
//
// Every file has a content address, URL("css/page.css") = "/static/css/page.css?v=1f0c…",
// which may be kept for a year because other bytes would have another address.
// The plain address works too (modules import each other by it) and is checked
// with an ETag on each use.
package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"sync"
)

// Prefix is the path under which Handler serves.
const Prefix = "/static/"

//go:embed templates static
var files embed.FS

// Templates is the folder of page templates.
func Templates() fs.FS { return sub("templates") }

// Static is the folder of style sheets, scripts and pictures.
func Static() fs.FS { return sub("static") }

func sub(dir string) fs.FS {
	f, err := fs.Sub(files, dir)
	if err != nil {
		panic("web: " + err.Error()) // only a mistyped constant above can do this
	}
	return f
}

// digests maps each static file to the first 16 hex digits of its SHA-256.
var digests = sync.OnceValue(func() map[string]string {
	m := map[string]string{}
	_ = fs.WalkDir(Static(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(Static(), name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(b)
		m[name] = hex.EncodeToString(sum[:8])
		return nil
	})
	return m
})

// URL is the content address of a static file, such as "css/page.css". A name
// that does not exist gives its plain address, which answers 404; a test reads
// every template for such names.
func URL(name string) string {
	if d, ok := digests()[name]; ok {
		return Prefix + name + "?v=" + d
	}
	return Prefix + name
}

// Handler serves the static files under Prefix. It answers GET and HEAD only,
// lists no folders, and states the type of every file (nosniff), so that
// nothing can be taken for a script that is not one.
func Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "static files can only be read", http.StatusMethodNotAllowed)
			return
		}
		name := strings.TrimPrefix(r.URL.Path, Prefix)
		digest, ok := digests()[name]
		if !ok {
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Type", contentType(name))
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("ETag", `"`+digest+`"`)
		if r.URL.Query().Get("v") == digest {
			h.Set("Cache-Control", "public, max-age=31536000, immutable")
		} else {
			h.Set("Cache-Control", "no-cache")
		}
		http.ServeFileFS(w, r, Static(), name)
	})
}

// contentType does not ask the operating system's tables first: they differ
// from machine to machine, and a script served as text/plain does not run.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".txt":
		return "text/plain; charset=utf-8"
	}
	if t := mime.TypeByExtension(path.Ext(name)); t != "" {
		return t
	}
	return "application/octet-stream"
}
