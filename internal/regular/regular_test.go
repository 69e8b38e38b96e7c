package regular_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/regular"
)

func TestOnlyARegularFileIsRead(t *testing.T) {
	dir := t.TempDir()
	for name, size := range map[string]int{"whole": 1 << 20, "large": 1<<20 + 1} {
		if err := os.WriteFile(filepath.Join(dir, name), bytes.Repeat([]byte{'x'}, size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("whole", filepath.Join(dir, "link")); err != nil { // as mounted Secrets are
		t.Fatal(err)
	}
	for path, problem := range map[string]string{
		dir + "/whole":   "",
		dir + "/link":    "",
		dir + "/large":   "read " + dir + "/large: has more than 1048576 bytes",
		dir + "/pipe":    "open " + dir + "/pipe: is not a regular file",
		dir:              "open " + dir + ": is not a regular file",
		"/dev/zero":      "open /dev/zero: is not a regular file",
		dir + "/missing": "open " + dir + "/missing: no such file or directory",
	} {
		t.Run(strings.TrimPrefix(path, dir), func(t *testing.T) {
			content, err := regular.Read(path)
			switch {
			case problem == "" && (err != nil || len(content) != 1<<20):
				t.Errorf("%s: %d bytes, %v; want all of it", path, len(content), err)
			case problem != "" && (err == nil || err.Error() != problem):
				t.Errorf("%s: got %v, want %s", path, err, problem)
			}
		})
	}
}
