package node_test

import (
	"encoding/json"
	"errors"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const module = "github.com/distributedgo/rollcall/"

// floors lists every package with the floor it stands on. A package imports
// lower floors only, so that the house can be read from the ground up.
var floors = map[string]int{
	"web": 0, "node/group": 0, "node/secret": 0, "node/health": 0, "services/logs/segment": 0, "services/grading/gradebook": 0,
	"membership": 1, "node/identity": 1, "services/grading/exchange": 1,
	"membership/peer": 2, "node/httpapi": 2,
	"membership/membertest": 3,
	"services/registry":     4, "services/logs": 4, "services/grading": 4,
	"services/portal": 5,
	"node":            6,
	"node/nodetest":   7,
	"cmd/rollcall":    8,
}

// fences lists the libraries that stay in one room, and who may use them: a
// package, or one of its files by a prefix of the name.
var fences = map[string][]string{
	"github.com/hashicorp/serf":       {"membership", "membership/membertest"},
	"github.com/hashicorp/memberlist": {"membership", "membership/membertest"},
	"github.com/hashicorp/raft":       {"services/grading"},
	"go.etcd.io/bbolt":                {"services/grading"},
	"github.com/labstack/echo":        {"node", "node/httpapi", "services/portal", "services/registry/http", "services/logs/http", "services/grading/http"},
	"github.com/danielgtaylor/huma":   {"node", "node/httpapi", "services/registry/http", "services/logs/http", "services/grading/http"},
	"github.com/alecthomas/kong":      {"cmd/rollcall"},
}

type pkg struct {
	ImportPath, Dir string
	Imports         []string
	GoFiles         []string
}

func TestImportsGoDownTheFloors(t *testing.T) {
	for _, p := range list(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		own, ok := floors[name]
		if !ok {
			t.Errorf("%s stands on no floor: add it to floors, and to the README's picture", name)
		}
		for _, imp := range p.Imports {
			if floor, ok := floors[strings.TrimPrefix(imp, module)]; ok && strings.HasPrefix(imp, module) && floor >= own {
				t.Errorf("%s (floor %d) imports %s (floor %d): imports go down", name, own, imp, floor)
			}
		}
	}
}

func TestLibrariesStayBehindTheirFences(t *testing.T) {
	for _, p := range list(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		for _, file := range p.GoFiles {
			for _, imp := range importsOf(t, filepath.Join(p.Dir, file)) {
				for library, rooms := range fences {
					if (imp == library || strings.HasPrefix(imp, library+"/") || strings.HasPrefix(imp, library+"-")) && !mayUse(rooms, name, file) {
						t.Errorf("%s/%s imports %s, which stays in %s", name, file, imp, strings.Join(rooms, ", "))
					}
				}
			}
		}
	}
}

// mayUse reports whether the file of a package is let in by one of the rooms.
func mayUse(rooms []string, name, file string) bool {
	for _, room := range rooms {
		if room == name {
			return true
		}
		dir, prefix := filepath.Split(room)
		if strings.TrimSuffix(dir, "/") == name && strings.HasPrefix(file, prefix) {
			return true
		}
	}
	return false
}

func list(t *testing.T) (pkgs []pkg) {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Dir,Imports,GoFiles", module+"...").Output()
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
}

func importsOf(t *testing.T, path string) (imports []string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range f.Imports {
		imports = append(imports, strings.Trim(i.Path.Value, `"`))
	}
	return imports
}
