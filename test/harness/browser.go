package harness

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Browsed opens a page in a browser, and gives what has become of it, and what its scripts complained about.
func Browsed(t *testing.T, page string) (document, complaints string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "page.html")
	WriteFile(t, path, page)
	return BrowsedAt(t, "file://"+path)
}

// BrowsedAt does the same with the page at an address.
func BrowsedAt(t *testing.T, url string) (document, complaints string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	command := exec.CommandContext(ctx, "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir="+t.TempDir(),
		"--enable-logging=stderr", "--v=0", "--virtual-time-budget=2000", "--dump-dom", url)
	var stderr strings.Builder
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		t.Fatalf("opening the page in chromium: %v\n%s", err, &stderr)
	}
	for line := range strings.Lines(stderr.String()) {
		if strings.Contains(line, "CONSOLE") {
			complaints += line
		}
	}
	return string(out), complaints
}
