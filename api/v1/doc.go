// Package v1 is the CustomPodAutoscaler as people write it and kubectl shows it.
//
// It holds types alone: their comments are the reference (docs/custompodautoscaler.md), their markers the rules that the API
// server keeps (custompodautoscaler.com_custompodautoscalers.yaml). What is made of an object is internal/operator/desired's.
//
// +kubebuilder:object:generate=true
// +groupName=custompodautoscaler.com
package v1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupVersion is that of all types here.
var GroupVersion = schema.GroupVersion{Group: "custompodautoscaler.com", Version: "v1"}

// AddToScheme makes the types known to a scheme.
func AddToScheme(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(GroupVersion, &CustomPodAutoscaler{}, &CustomPodAutoscalerList{})
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return nil
}
