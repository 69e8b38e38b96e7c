package desired

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
)

// deployment runs the template's pod, once: a bare pod would not come back when its node goes, and two autoscalers would
// argue, so the old one ends before a new one starts.
func deployment(object *cpav1.CustomPodAutoscaler, template map[string]any, target schema.GroupResource, account string, paused bool) (*unstructured.Unstructured, error) {
	replicas := int64(1)
	if paused {
		replicas = 0
	}
	name, err := workloadName(object, template, target)
	if err != nil {
		return nil, err
	}
	pod, err := podOf(object, template, account)
	if err != nil {
		return nil, err
	}
	return named(object, "apps/v1", "Deployment", name, map[string]any{"spec": map[string]any{
		"replicas": replicas,
		"strategy": map[string]any{"type": "Recreate"},
		"selector": map[string]any{"matchLabels": map[string]any{cpav1.OwnedBy: object.Name}},
		"template": pod,
	}}), nil
}

// workloadName is the template's or the object's. Where that is the Deployment to be scaled, which an object for a bare pod
// could be called like, it is another.
func workloadName(object *cpav1.CustomPodAutoscaler, template map[string]any, target schema.GroupResource) (string, error) {
	name, _, err := unstructured.NestedString(template, "metadata", "name")
	if err != nil {
		return "", errors.New("reading spec.template.metadata.name: it has to be text")
	}
	if name == "" {
		name = object.Name
	}
	if name == object.Spec.ScaleTargetRef.Name && target == Deployments {
		name += "-autoscaler"
	}
	return name, nil
}

// notThePods are the fields of a template's metadata that a Deployment's pod cannot have, or that would name other objects:
// an owner of the pod, or a finalizer that keeps the pod until its controller removes it.
var notThePods = []string{
	"name", "namespace", "generateName", "ownerReferences", "finalizers", "uid", "resourceVersion", "generation", "selfLink",
	"creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "managedFields",
}

// podOf is the template with our labels, account and environment. Its name and namespace are the workload's, and what it
// says about restarting is for bare pods: a Deployment's are always restarted.
func podOf(object *cpav1.CustomPodAutoscaler, template map[string]any, account string) (map[string]any, error) {
	metadata, spec := template["metadata"].(map[string]any), template["spec"].(map[string]any)
	for _, field := range notThePods {
		delete(metadata, field)
	}
	delete(spec, "restartPolicy")
	spec["serviceAccountName"] = account
	delete(spec, "serviceAccount") // its older name, which may say otherwise
	written, _, err := unstructured.NestedStringMap(metadata, "labels")
	if err != nil {
		return nil, fmt.Errorf("reading spec.template.metadata.labels: %w", err)
	}
	all := Labels(object)
	for key, value := range written {
		if _, ours := all[key]; !ours {
			all[key] = value
		}
	}
	metadata["labels"] = all
	return template, setEnvironment(object, spec)
}

// setEnvironment gives every container what the object says.
func setEnvironment(object *cpav1.CustomPodAutoscaler, spec map[string]any) error {
	containers, _, err := unstructured.NestedSlice(spec, "containers")
	if err != nil {
		return fmt.Errorf("reading spec.template.spec.containers: it has to be a list")
	}
	if len(containers) == 0 {
		return errNoContainers
	}
	ours, err := environment(object)
	if err != nil {
		return err
	}
	for i := range containers {
		container, ok := containers[i].(map[string]any)
		if !ok {
			return fmt.Errorf("reading spec.template.spec.containers[%d]: it has to be an object", i)
		}
		written, _, err := unstructured.NestedSlice(container, "env")
		if err != nil {
			return fmt.Errorf("reading spec.template.spec.containers[%d].env: it has to be a list", i)
		}
		container["env"] = merge(written, ours)
	}
	spec["containers"] = containers
	return nil
}

// variable is one of a container's environment.
type variable struct{ name, value string }

// environment is what the autoscaler is told of its object, and the configuration, which cannot say anything else of that: what the
// operator grants is about the target in spec.scaleTargetRef.
func environment(object *cpav1.CustomPodAutoscaler) ([]variable, error) {
	target, err := json.Marshal(object.Spec.ScaleTargetRef)
	if err != nil {
		return nil, err
	}
	itself, err := json.Marshal(map[string]string{"name": object.Name, "uid": string(object.UID)})
	if err != nil {
		return nil, err
	}
	variables := []variable{{"scaleTargetRef", string(target)}, {"namespace", object.Namespace}, {"customPodAutoscaler", string(itself)}}
	for _, entry := range object.Spec.Config {
		if !slices.Contains(reserved, entry.Name) {
			variables = append(variables, variable{entry.Name, entry.Value})
		}
	}
	return variables, nil
}

// reserved are the variables that spec.config cannot set.
var reserved = []string{"scaleTargetRef", "namespace"}

// merge sets our variables where they stand in what is written, so that others that refer to them still can, or else behind
// it. The last of a name wins, as it does in a container; a list that is applied may have each name once.
func merge(written []any, ours []variable) []any {
	for _, v := range ours {
		written = append(written, map[string]any{"name": v.name, "value": v.value})
	}
	at := map[string]int{}
	var all []any
	for _, entry := range written {
		name := NameOf(entry)
		if i, there := at[name]; there && name != "" {
			all[i] = entry
			continue
		}
		at[name] = len(all)
		all = append(all, entry)
	}
	return all
}

// NameOf is the name of an entry of a list. It is "" for an entry without one, which is for the API server to refuse.
func NameOf(entry any) string {
	object, _ := entry.(map[string]any)
	name, _ := object["name"].(string)
	return name
}
