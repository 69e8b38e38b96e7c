package check

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/finding"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kube"
)

// scalers are those that scale what they name in spec.scaleTargetRef, with the kind of a target that does not say it.
var scalers = []struct {
	version     schema.GroupVersion
	resource    string
	kind        string
	defaultKind string
}{
	{cpav1.GroupVersion, "custompodautoscalers", cpav1.Kind, ""},
	{schema.GroupVersion{Group: "autoscaling", Version: "v2"}, "horizontalpodautoscalers", "HorizontalPodAutoscaler", ""},
	{schema.GroupVersion{Group: "keda.sh", Version: "v1alpha1"}, "scaledobjects", "ScaledObject", "Deployment"},
}

// others has an item for each that scales the target as well. Who may not list them is not told of any.
func others(ctx context.Context, api *kube.Client, settings config.Config) (items []finding.Item) {
	for _, one := range scalers {
		body, err := api.ListJSONAsIs(ctx, kube.Path{Version: one.version, Namespace: settings.Namespace, Resource: one.resource}, kube.Query{"limit": "500"})
		if err != nil {
			continue // it is not installed, or we may not list it
		}
		var list struct {
			Items []struct {
				Metadata struct{ Name string }
				Spec     struct{ ScaleTargetRef cpav1.TargetReference }
			}
		}
		if json.Unmarshal(body, &list) != nil {
			continue
		}
		for _, item := range list.Items {
			ref := item.Spec.ScaleTargetRef
			if ref.Kind == "" {
				ref.APIVersion, ref.Kind = "apps/v1", one.defaultKind
			}
			itself := one.kind == cpav1.Kind && settings.CustomPodAutoscaler != nil && settings.CustomPodAutoscaler.Name == item.Metadata.Name
			if !itself && sameTarget(settings, ref) {
				items = append(items, finding.Warn("target", fmt.Sprintf("it is scaled by %s %q, as well: two that scale one target undo what the other does", one.kind, item.Metadata.Name),
					"let one of the two scale it"))
			}
		}
	}
	return items
}

func sameTarget(settings config.Config, ref cpav1.TargetReference) bool {
	group := func(apiVersion string) string { return schema.FromAPIVersionAndKind(apiVersion, "").Group }
	mine := settings.ScaleTargetRef
	return mine.Name == ref.Name && strings.EqualFold(mine.Kind, ref.Kind) && group(mine.APIVersion) == group(ref.APIVersion)
}
