package scaffold

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// TakenError is a folder that has some of the files already.
type TakenError struct {
	Folder string
	Names  []string
}

func (e *TakenError) Error() string {
	return fmt.Sprintf("%s has %s already, and nothing is overwritten: take another folder, or move what is there away", e.Folder, strings.Join(e.Names, ", "))
}

// Write makes the folder, where it is not there, and all of the files in it. Where one is there already, or cannot be written, nothing
// is left of any.
func Write(folder string, files []File) error {
	if err := free(folder, files); err != nil {
		return err
	}
	made := missing(folder) // in the order in which it is made
	err := os.MkdirAll(folder, 0o755)
	for _, file := range files {
		if err != nil {
			break
		}
		path := filepath.Join(folder, file.Name)
		var created bool
		if created, err = create(path, file); created {
			made = append(made, path)
		}
	}
	if err == nil {
		return nil
	}
	return errors.Join(fmt.Errorf("writing the autoscaler: %w; nothing is left of it", err), remove(made))
}

// remove takes back what was made, the last first.
func remove(made []string) (failures error) {
	for _, path := range slices.Backward(made) {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			failures = errors.Join(failures, fmt.Errorf("but this could not be taken back: %w", err))
		}
	}
	return failures
}

// free says which of the files are there already, whatever they are.
func free(folder string, files []File) error {
	var taken []string
	for _, file := range files {
		_, err := os.Lstat(filepath.Join(folder, file.Name))
		switch {
		case err == nil:
			taken = append(taken, file.Name)
		case !errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("looking into the folder: %w", err)
		}
	}
	if len(taken) > 0 {
		return &TakenError{folder, taken}
	}
	return nil
}

// missing are the folders that have to be made for one, the outermost first.
func missing(folder string) (all []string) {
	for path := filepath.Clean(folder); ; path = filepath.Dir(path) {
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			return all
		}
		all = append([]string{path}, all...)
	}
}

// create writes a file that is not there, and tells whether there is one now.
func create(path string, content File) (created bool, err error) {
	mode := fs.FileMode(0o644)
	if content.Executable {
		mode = 0o755
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return false, err
	}
	_, err = file.Write(content.Content)
	return true, errors.Join(err, file.Close())
}
