package check

import (
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/finding"
)

// API looks at who may call the REST API. It has an item only where callers need no right of their own.
func API(settings config.API) []finding.Item {
	opens := settings.Opens()
	if opens == "" {
		return nil
	}
	return []finding.Item{finding.Warn("REST API", opens, "leave the setting out, and give callers a right: docs/rest-api.md says how")}
}
