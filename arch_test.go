package duoyun_test

import (
	"go/parser"
	"go/token"
	"io/fs"
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
}

// services may never import each other: what crosses them is a root noun.
var services = []string{"access", "audit", "procurement", "quota", "billing", "sla"}

func rooms() map[string]room {
	r := map[string]room{
		"":                                  {foreign: []string{"github.com/quagmt/udecimal"}},
		"broker":                            {own: []string{"", "procurement", "quota", "billing", "sla", "providers", "providers/driver"}},
		"broker/document":                   {own: []string{""}, foreign: []string{"go.yaml.in/yaml/v4"}},
		"providers/driver":                  {own: []string{""}},
		"providers/driver/table":            {own: []string{"", "providers/driver"}},
		"providers/driver/wire":             {own: []string{"", "providers/driver", "providers/driver/table"}},
		"providers/simcloud":                {own: []string{""}},
		"providers":                         {own: []string{"", "providers/driver"}, foreign: []string{"golang.org/x/time/rate", "github.com/sony/gobreaker/v2"}},
		"providers/all":                     {own: []string{"", "providers", "providers/driver", "providers/aliyun", "providers/openstack", "providers/workorder"}},
		"providers/aliyun":                  {own: []string{"", "providers/driver", "providers/driver/table", "providers/driver/wire"}, foreign: []string{"github.com/aliyun/"}},
		"providers/aliyun/aliyunfake":       {own: []string{"", "providers/simcloud"}},
		"providers/drivertest":              {own: []string{"", "providers", "providers/driver"}},
		"providers/openstack":               {own: []string{"", "providers/driver", "providers/driver/table", "providers/driver/wire"}, foreign: []string{"github.com/gophercloud/gophercloud/v2"}},
		"providers/openstack/openstackfake": {own: []string{"", "providers/simcloud"}},
		"providers/workorder":               {own: []string{"", "providers/driver"}},
		"jobs":                              {own: append([]string{"", "broker"}, services...), foreign: []string{"github.com/riverqueue/river", "github.com/jackc/pgx/v5"}},
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
	return r
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
	return standard || slices.ContainsFunc(r.foreign, func(p string) bool { return strings.HasPrefix(name, p) })
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
