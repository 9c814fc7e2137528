package all_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A vendor made up for this test is added as docs/adding-a-vendor.md says: its folder, and its line in the list. The Go
// command lays both over the checkout; nothing else is touched, and the new driver keeps the contract.
func TestASeventhVendorIsOneFolderAndOneLine(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	list, err := os.ReadFile("all.go")
	if err != nil {
		t.Fatal(err)
	}
	with := strings.NewReplacer(
		"import (\n", "import (\n\t\"github.com/duoyun/duoyun/providers/acme\"\n",
		"map[string]driver.Opener{\n", "map[string]driver.Opener{\n\t\t\"acme\": acme.Open,\n").Replace(string(list))
	extended := filepath.Join(t.TempDir(), "all.go")
	if err := os.WriteFile(extended, []byte(with), 0o600); err != nil {
		t.Fatal(err)
	}
	overlay := map[string]string{filepath.Join(root, "providers/all/all.go"): extended}
	for _, file := range []string{"acme.go", "acme_test.go", "acmefake/fake.go"} {
		overlay[filepath.Join(root, "providers/acme", file)] = filepath.Join(root, "providers/all/testdata/acme", file+".txt")
	}
	raw, err := json.Marshal(map[string]any{"Replace": overlay})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "overlay.json")
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	proof := filepath.Join(t.TempDir(), "acme.test") // built first: go test would run it in a folder that is not there
	for _, args := range [][]string{{"go", "build", "-overlay", file, "./providers/all"}, {"go", "test", "-overlay", file, "-vet=off", "-c", "-o", proof, "./providers/acme"}, {proof}} {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Dir, cmd.Env = root, append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}
