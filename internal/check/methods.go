package check

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/finding"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics/direct"
)

// Methods looks at what each method runs or calls, and at what each source of metrics reads. It calls servers only if ask is set.
func Methods(ctx context.Context, settings config.Config, ask bool) []finding.Item {
	var items []finding.Item
	for name, m := range settings.Methods() {
		of := m.Settings(name)
		if checked, is := of.Kind.(method.Checked); is {
			items = append(items, checked.Check(ctx, of.Common, ask)...)
		}
	}
	for _, source := range settings.MetricSources.Settings() {
		if checked, is := source.Kind.(direct.Checked); is {
			items = append(items, checked.Check(ctx, source.Name, ask)...)
		}
	}
	if settings.Record != nil {
		items = append(items, recordItem(settings.Record.Path))
	}
	return items
}

// recordItem looks at the folder that is recorded to: the file is made when there is something to write.
func recordItem(path string) finding.Item {
	folder := filepath.Dir(path)
	switch info, err := os.Stat(folder); {
	case err != nil:
		return finding.Warn("record", fmt.Sprintf("%s: %v", folder, unwrapPath(err)), "mount a volume there, or correct record.path")
	case !info.IsDir():
		return finding.Warn("record", folder+" is no folder", "correct record.path")
	}
	return finding.Fine("record", path)
}

// unwrapPath is an error without the path, which is said already.
func unwrapPath(err error) error {
	if named, is := errors.AsType[*fs.PathError](err); is {
		return named.Err
	}
	return err
}
