package duoyun_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/duoyun/duoyun"

// room says what a package may import: of this module by path below it ("" is the root), and which foreign modules
// are its alone. Test files are exempt. The table is the import table of the design.
type room struct {
	own     []string
	foreign []string // prefixes, beside the standard library; nil: the decimal library alone
	sdk     bool     // a vendor's: it may import its SDK, which no other room may
}

// services may never import each other: what crosses them is a root noun.
var services = []string{"access", "audit", "procurement", "quota", "billing", "sla"}

func rooms() map[string]room {
	r := map[string]room{
		"":                       {foreign: []string{"github.com/quagmt/udecimal"}},
		"broker":                 {own: []string{"", "procurement", "quota", "billing", "sla", "providers", "providers/driver"}},
		"broker/document":        {own: []string{""}, foreign: []string{"go.yaml.in/yaml/v4"}},
		"providers/driver":       {own: []string{""}},
		"providers/driver/table": {own: []string{"", "providers/driver"}},
		"providers/driver/wire":  {own: []string{"", "providers/driver", "providers/driver/table"}},
		"providers/simcloud":     {own: []string{""}},
		"providers":              {own: []string{"", "providers/driver"}, foreign: []string{"golang.org/x/time/rate", "github.com/sony/gobreaker/v2"}},
		"providers/drivertest":   {own: []string{"", "providers", "providers/driver"}},
		"jobs":                   {own: append([]string{"", "broker"}, services...), foreign: []string{"github.com/riverqueue/river", "github.com/jackc/pgx/v5"}},
		"store": {own: append([]string{"", "broker", "providers", "providers/workorder"}, services...), foreign: []string{
			"github.com/riverqueue/river", "github.com/jackc/pgx/v5", "modernc.org/sqlite", "github.com/pressly/goose/v3", "github.com/redis/go-redis/v9"}},
		"deploy/scenarios": {},
		"store/storetest":  {own: []string{"", "store"}},
		"openapi": {own: append([]string{"", "broker", "broker/document"}, services...), foreign: []string{
			"github.com/go-chi/chi/v5", "github.com/getkin/kin-openapi", "github.com/oapi-codegen", "go.yaml.in/yaml"}},
	}
	for _, s := range services {
		r[s] = room{own: []string{""}}
	}
	list := room{own: []string{"", "providers", "providers/driver"}} // of all vendors
	for _, v := range vendors() {
		r[v] = room{own: []string{"", "providers/driver", "providers/driver/table", "providers/driver/wire"}, sdk: true}
		r[v+"/"+path.Base(v)+"fake"] = room{own: []string{"", "providers/simcloud"}} // shares nothing with the signing side
		list.own = append(list.own, v)
	}
	r["providers/all"] = list
	return r
}

// vendors are the folders of drivers: whatever stands in providers and is not of the house, so that a new vendor needs no
// row here.
func vendors() []string {
	house := []string{"all", "driver", "drivertest", "simcloud"}
	entries, err := os.ReadDir("providers")
	if err != nil {
		panic(err) // the tests run in the module's folder
	}
	var all []string
	for _, e := range entries {
		if e.IsDir() && !slices.Contains(house, e.Name()) {
			all = append(all, "providers/"+e.Name())
		}
	}
	return all
}

func TestEveryPackageImportsOnlyWhatTheDesignAllows(t *testing.T) {
	t.Parallel()
	table := rooms()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		dir := strings.TrimPrefix(filepath.ToSlash(filepath.Dir(path)), ".")
		if dir == "cmd/duoyun" || strings.HasPrefix(dir, "cmd/duoyun/") {
			return nil // wires everything
		}
		r, known := table[dir]
		if !known {
			t.Errorf("%s: the import table does not know package %q; a new room is a change of the design", path, dir)
			return nil
		}
		return checkImports(t, path, r)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func checkImports(t *testing.T, path string, r room) error {
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
	if err != nil {
		return err
	}
	for _, i := range f.Imports {
		name, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			return err
		}
		if !r.allows(name) {
			t.Errorf("%s may not import %s", path, name)
		}
	}
	return nil
}

func (r room) allows(name string) bool {
	if name == module || strings.HasPrefix(name, module+"/") {
		return slices.Contains(r.own, strings.TrimPrefix(strings.TrimPrefix(name, module), "/"))
	}
	first, _, _ := strings.Cut(name, "/")
	standard := !strings.Contains(first, ".")
	return standard || r.sdk || slices.ContainsFunc(r.foreign, func(p string) bool { return strings.HasPrefix(name, p) })
}

// An SDK belongs to one vendor. Modules that several may use are of the house, and stand in the table.
func TestNoTwoVendorsShareAnSDK(t *testing.T) {
	t.Parallel()
	owner := map[string]string{}
	for _, v := range vendors() {
		files, err := filepath.Glob(v + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			for _, name := range foreignImports(t, file) {
				if other, taken := owner[name]; taken && other != v {
					t.Errorf("%s and %s both import %s", v, other, name)
				}
				owner[name] = v
			}
		}
	}
}

// foreignImports are the modules of others that a file imports, by the three elements that name a repository.
func foreignImports(t *testing.T, file string) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, i := range f.Imports {
		name, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		if parts := strings.Split(name, "/"); strings.Contains(parts[0], ".") && !strings.HasPrefix(name, module) {
			all = append(all, strings.Join(parts[:min(3, len(parts))], "/"))
		}
	}
	return all
}

func TestNothingImportsTheCommand(t *testing.T) {
	t.Parallel()
	for dir, r := range rooms() {
		for _, o := range r.own {
			if strings.HasPrefix(o, "cmd") {
				t.Errorf("%s may import %s", dir, o)
			}
		}
	}
}

func TestServicesNeverImportEachOther(t *testing.T) {
	t.Parallel()
	for _, s := range services {
		if own := rooms()[s].own; !slices.Equal(own, []string{""}) {
			t.Errorf("%s may import %v", s, own)
		}
	}
}
