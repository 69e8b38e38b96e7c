package check

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/finding"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kube"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metricsapi"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/workload"
)

// Cluster looks at what the configuration needs of the cluster, as the caller whom the client is of: the target, its pods,
// the metrics APIs, and the right to make each call that the autoscaler makes. It ends early where the API does not answer,
// or does not serve the target's kind.
func Cluster(ctx context.Context, api *kube.Client, settings config.Config, now time.Time) []finding.Item {
	reader := workload.NewReader(api, *settings.ScaleTargetRef, settings.Namespace)
	path, err := reader.Find(ctx)
	if err != nil {
		return []finding.Item{failed("target kind", err)}
	}
	items := []finding.Item{finding.Fine("target kind", path.Resource+" of "+path.Version.String()+" can be scaled")}
	items = append(items, ofTarget(ctx, reader, settings)...)
	items = append(items, others(ctx, api, settings)...)
	client := metricsapi.New(api)
	calls := client.Calls(ctx, now, settings.Namespace, settings.KubernetesMetricSpecs)
	items = append(items, metricsAPIs(ctx, client, calls, now)...)
	return append(items, askAll(ctx, api, rightsOf(settings, path, calls))...)
}

func ofTarget(ctx context.Context, reader *workload.Reader, settings config.Config) []finding.Item {
	snapshot, err := reader.Read(ctx)
	if err != nil {
		return []finding.Item{failed("target", err)}
	}
	ref := settings.ScaleTargetRef
	there := finding.Fine("target", fmt.Sprintf("%s %q in namespace %q has %s", ref.Kind, ref.Name, settings.Namespace, cpav1.CountReplicas(snapshot.Replicas)))
	if snapshot.Replicas == 0 && settings.MinReplicas != 0 {
		there = finding.Warn(there.Check, there.Says+", so the autoscaler leaves it alone", "scale it up by hand, or set minReplicas to 0")
	}
	return []finding.Item{there, ofPods(ctx, reader, snapshot, settings)}
}

func ofPods(ctx context.Context, reader *workload.Reader, snapshot workload.Snapshot, settings config.Config) finding.Item {
	const check = "target pods"
	if snapshot.Selector == nil {
		item := finding.Warn(check, workload.NoSelector, workload.NoSelectorFix)
		if settings.NeedsPods() {
			item.Result = finding.Error
		}
		return item
	}
	pods, err := reader.Pods(ctx, snapshot)
	switch {
	case err != nil && settings.NeedsPods():
		return failed(check, err)
	case err != nil:
		return finding.Fine(check, "are not asked for (and could not be listed)")
	case len(pods) == 0:
		return finding.Warn(check, fmt.Sprintf("the selector %s selects no pods", snapshot.Selector), "see why it has none: kubectl describe it")
	}
	return finding.Fine(check, fmt.Sprintf("the selector %s selects %d, of which %d run", snapshot.Selector, len(pods), running(pods)))
}

func running(pods []workload.Pod) (count int) {
	for _, pod := range pods {
		if pod.Status.Phase == corev1.PodRunning {
			count++
		}
	}
	return count
}

// metricsAPIs has an item for each API that the specs need, and for each spec that there is no call for.
func metricsAPIs(ctx context.Context, client *metricsapi.Client, calls []metricsapi.Call, now time.Time) []finding.Item {
	var items []finding.Item
	seen := map[string]bool{}
	for _, call := range calls {
		if call.Err != nil {
			items = append(items, failed("metric "+call.Spec, call.Err))
		}
		group := call.Path.Version.Group
		if seen[group] {
			continue
		}
		seen[group] = true
		version, err := client.Served(ctx, now, group)
		if err != nil {
			items = append(items, failed("metrics API", err))
			continue
		}
		items = append(items, finding.Fine("metrics API", version.String()+" is served"))
	}
	return items
}
