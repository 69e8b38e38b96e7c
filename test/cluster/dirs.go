package cluster

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// dirPrefix is followed by the owner's process id, so that a later start can tell whether
// the owner is gone and its directory may be removed.
const dirPrefix = "custom-pod-autoscaler-cluster-"

func makeDir() (string, error) {
	dir, err := os.MkdirTemp("", fmt.Sprintf("%s%d-", dirPrefix, os.Getpid()))
	if err != nil {
		return "", fmt.Errorf("making the cluster's directory: %w", err)
	}
	for _, sub := range []string{"pki", "logs", "home"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o700); err != nil {
			return "", fmt.Errorf("making the cluster's directory: %w", err)
		}
	}
	return dir, nil
}

// removeStaleDirs removes what owners left that were killed. It is housekeeping: what cannot
// be removed, such as another user's, is left alone.
func removeStaleDirs() {
	dirs, _ := filepath.Glob(filepath.Join(os.TempDir(), dirPrefix+"*"))
	for _, dir := range dirs {
		owner, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), dirPrefix), "-")
		if pid, err := strconv.Atoi(owner); err == nil && pid > 0 && !alive(pid) {
			_ = os.RemoveAll(dir)
		}
	}
}
