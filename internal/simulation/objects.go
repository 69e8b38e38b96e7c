package simulation

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var podsVersion = corev1.SchemeGroupVersion

// container is the one that pods have.
const container = "simulated"

func (c *Cluster) labels() map[string]string { return map[string]string{"app": c.Target.Name} }

// object is the target, of whatever kind, as workloads are written.
func (c *Cluster) object() map[string]any {
	selector := any(map[string]any{"matchLabels": c.labels()})
	if c.version() == podsVersion { // a ReplicationController's is older
		selector = c.labels()
	}
	return map[string]any{
		"apiVersion": c.Target.APIVersion, "kind": c.Target.Kind,
		"metadata": metav1.ObjectMeta{Name: c.Target.Name, Namespace: c.Namespace, UID: "simulated", Labels: c.labels(), CreationTimestamp: c.World.settings.Start},
		"spec": map[string]any{
			"replicas": c.World.wanted, "selector": selector,
			"template": map[string]any{"metadata": metav1.ObjectMeta{Labels: c.labels()}, "spec": c.podSpec()},
		},
		"status": map[string]any{"replicas": c.World.living(), "readyReplicas": c.World.ready()},
	}
}

func (c *Cluster) podSpec() corev1.PodSpec {
	pods := c.World.settings.Pods
	return corev1.PodSpec{Containers: []corev1.Container{{
		Name: container, Image: "simulated",
		Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{
			corev1.ResourceCPU: pods.CPU.Request, corev1.ResourceMemory: pods.Memory.Request,
		}},
	}}}
}

func (c *Cluster) podList() corev1.PodList {
	list := corev1.PodList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "PodList"}, Items: []corev1.Pod{}}
	for _, p := range c.World.pods {
		list.Items = append(list.Items, c.pod(p))
	}
	return list
}

func (c *Cluster) pod(p *pod) corev1.Pod {
	w := c.World
	at := func(since time.Duration) metav1.Time { return metav1.NewTime(c.World.at(since)) }
	object := corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: p.name, Namespace: c.Namespace, Labels: c.labels(), CreationTimestamp: at(p.created)},
		Spec:       c.podSpec(),
		Status:     corev1.PodStatus{Phase: corev1.PodPending},
	}
	if p.ends > 0 {
		going := at(w.now)
		object.DeletionTimestamp = &going
	}
	if !w.isRunning(p) {
		return object
	}
	started := at(p.runs)
	condition := corev1.PodCondition{Type: corev1.PodReady, Status: corev1.ConditionFalse, LastTransitionTime: started}
	if w.now >= p.ready {
		condition.Status, condition.LastTransitionTime = corev1.ConditionTrue, at(p.ready)
	}
	object.Status = corev1.PodStatus{Phase: corev1.PodRunning, StartTime: &started, Conditions: []corev1.PodCondition{condition}}
	return object
}

func quantity(value float64) resource.Quantity {
	return *resource.NewMilliQuantity(int64(1000*value), resource.DecimalSI)
}
