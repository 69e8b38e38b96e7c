package kubernetes

import "github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"

// Own returns a document with what is known of one pod: its value, what it requests, whether it is ignored or missing. The counts are
// still those of all pods. The document that is given stays as it is.
func Own(document userlogic.KubernetesMetric, pod string) userlogic.KubernetesMetric {
	document.Resource, document.ContainerResource = ownOfResource(document.Resource, pod), ownOfResource(document.ContainerResource, pod)
	document.Pods = ownOfPods(document.Pods, pod)
	return document
}

func ownOfResource(all *userlogic.ResourceMetrics, pod string) *userlogic.ResourceMetrics {
	if all == nil {
		return nil
	}
	own := *all
	own.PodMetricsInfo, own.Requests = only(own.PodMetricsInfo, pod), only(own.Requests, pod)
	own.IgnoredPods, own.MissingPods = only(own.IgnoredPods, pod), only(own.MissingPods, pod)
	return &own
}

func ownOfPods(all *userlogic.PodsMetrics, pod string) *userlogic.PodsMetrics {
	if all == nil {
		return nil
	}
	own := *all
	own.PodMetricsInfo, own.IgnoredPods, own.MissingPods = only(own.PodMetricsInfo, pod), only(own.IgnoredPods, pod), only(own.MissingPods, pod)
	return &own
}

// only is a map with one of its entries, if it has that. Null stays null.
func only[M ~map[string]V, V any](all M, name string) M {
	if all == nil {
		return nil
	}
	own := M{}
	if value, there := all[name]; there {
		own[name] = value
	}
	return own
}
