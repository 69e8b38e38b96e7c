package scaffold

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var two = []File{{Name: "a", Content: []byte("new")}, {Name: "b", Content: []byte("new")}}

// names are those in a folder.
func names(t *testing.T, folder string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		all = append(all, entry.Name())
	}
	return all
}

func TestFoldersAreMadeAndUsed(t *testing.T) {
	top := t.TempDir()
	for _, folder := range []string{"", "new", "new/of/new"} {
		if err := Write(filepath.Join(top, folder), two); err != nil {
			t.Error(err)
		}
		if got := read(t, top, folder, "b"); got != "new" {
			t.Errorf("%q has %q", folder, got)
		}
	}
}

// TestNothingIsOverwritten, whatever has the name: a file, a folder, or a link that leads nowhere.
func TestNothingIsOverwritten(t *testing.T) {
	for name, there := range map[string]func(path string) error{
		"a file":   func(path string) error { return os.WriteFile(path, []byte("old"), 0o600) },
		"a folder": func(path string) error { return os.Mkdir(path, 0o700) },
		"a link":   func(path string) error { return os.Symlink("nowhere", path) },
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			if err := there(filepath.Join(folder, "b")); err != nil {
				t.Fatal(err)
			}
			err := Write(folder, two)
			taken, is := errors.AsType[*TakenError](err)
			if !is || !slices.Equal(taken.Names, []string{"b"}) || !strings.Contains(err.Error(), "has b already, and nothing is overwritten: take another folder") {
				t.Errorf("got %v", err)
			}
			if got := names(t, folder); !slices.Equal(got, []string{"b"}) {
				t.Errorf("there is %v", got)
			}
		})
	}
}

// TestAllOrNothing: what cannot be written takes all that was written with it, and the folders that were made.
func TestAllOrNothing(t *testing.T) {
	top := t.TempDir()
	cannot := append(slices.Clone(two), File{Name: "no/such/folder"})
	for _, folder := range []string{"new", "new/of/new"} {
		if err := Write(filepath.Join(top, folder), cannot); err == nil || !strings.HasSuffix(err.Error(), "no such file or directory; nothing is left of it") {
			t.Errorf("got %v", err)
		}
		if got := names(t, top); len(got) > 0 {
			t.Errorf("there is %v", got)
		}
	}
	if err := os.WriteFile(filepath.Join(top, "mine"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Write(top, cannot); err == nil {
		t.Error("it was written")
	}
	if err := Write(filepath.Join(top, "mine"), two); err == nil || !strings.Contains(err.Error(), "mine") {
		t.Errorf("a folder that is a file: %v", err)
	}
	if err := Write(filepath.Join(top, "mine", "new"), two); err == nil || !strings.Contains(err.Error(), "mine") {
		t.Errorf("a folder in a file: %v", err)
	}
	if got := names(t, top); !slices.Equal(got, []string{"mine"}) {
		t.Errorf("there is %v", got)
	}
}
