package v1

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// What the operator looks for on an object, and writes on what it makes.
const (
	// PausedReplicas is the annotation that pauses: the autoscaler stops, and its target is held at so many replicas.
	PausedReplicas = "v1.custompodautoscaler.com/paused-replicas"

	// PausedUntil is the annotation that ends a pause by itself, at a time as of RFC 3339.
	PausedUntil = "v1.custompodautoscaler.com/paused-until"

	// AllowedObjects is the annotation of a ServiceAccount, a Role, a Service or a workload that names the objects, of the same
	// namespace and separated by commas, that may use it although it was not made for them. There is no wildcard.
	AllowedObjects = "v1.custompodautoscaler.com/allowed-objects"

	// IgnoreConflicts is the annotation by which an object runs although something else scales its target as well, where it is "true".
	IgnoreConflicts = "v1.custompodautoscaler.com/ignore-conflicts"

	// OwnedBy is the label with the name of the object that something was made for.
	OwnedBy = "v1.custompodautoscaler.com/owned-by"

	// ManagedBy is the label of everything that the operator makes, and Operator its value.
	ManagedBy = "app.kubernetes.io/managed-by"
	Operator  = "custom-pod-autoscaler-operator"

	// AggregateToOperator is the label of ClusterRoles whose rules the operator gets, and may so hand on.
	AggregateToOperator = "custompodautoscaler.com/aggregate-to-operator"
)

// Kind is that of CustomPodAutoscaler.
const Kind = "CustomPodAutoscaler"

// HeldAt is how the message of Paused begins: by it one tells that the condition is about the annotations as they are now. A
// pause that does not end by itself has no time.
func HeldAt(replicas int32, until time.Time) string {
	held := "the target is held at " + CountReplicas(replicas)
	if until.IsZero() {
		return held
	}
	return held + " until " + until.UTC().Format(time.RFC3339)
}

// CountReplicas is a number of replicas in words: 1 replica.
func CountReplicas(replicas int32) string {
	if replicas == 1 {
		return "1 replica"
	}
	return fmt.Sprintf("%d replicas", replicas)
}

// LeaseOf is the name of the Lease by which an object's autoscaler keeps a second one out.
func LeaseOf(object string) string { return object + "." + GroupVersion.Group }

// CustomPodAutoscaler is an autoscaler for one workload, by its owner's own logic. The operator runs it, with just the rights
// that it needs, and says in the status how it goes.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=cpa
// +kubebuilder:printcolumn:name="Target",type=string,JSONPath=`.spec.scaleTargetRef.name`,description="What is scaled"
// +kubebuilder:printcolumn:name="Min",type=integer,JSONPath=`.status.minReplicas`,description="The fewest replicas to scale to"
// +kubebuilder:printcolumn:name="Max",type=integer,JSONPath=`.status.maxReplicas`,description="The most replicas to scale to"
// +kubebuilder:printcolumn:name="Replicas",type=integer,JSONPath=`.status.currentReplicas`,description="How many replicas the target had at the last decision, or is held at"
// +kubebuilder:printcolumn:name="Desired",type=integer,JSONPath=`.status.desiredReplicas`,description="How many replicas were decided on, or it is held at"
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`,description="Whether the autoscaler runs"
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`,description="Why it does, or does not"
// +kubebuilder:printcolumn:name="Able",type=string,JSONPath=`.status.conditions[?(@.type=="AbleToScale")].status`,description="Whether the autoscaler can read and scale its target"
// +kubebuilder:printcolumn:name="Active",type=string,JSONPath=`.status.conditions[?(@.type=="ScalingActive")].status`,description="Whether the autoscaler comes to decisions"
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="size(self.metadata.name) <= 63",message="metadata.name may have 63 characters at most, since it is a label of what is made for the object"
type CustomPodAutoscaler struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// What is wanted.
	//
	// +required
	Spec Spec `json:"spec"`
	// How it goes: written by the operator and by the autoscaler, each its part.
	//
	// +optional
	Status Status `json:"status,omitzero"`
}

// Spec is what is wanted.
type Spec struct {
	// The pod that the autoscaler runs in, written as in a Deployment: `metadata` (`name` names the workload, labels and
	// annotations are the pod's) and `spec`. It is checked by the API server when the workload is made of it. Every container
	// is given the environment variables `scaleTargetRef` and `namespace`, and one for each entry of `config`.
	//
	// +required
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:validation:Type=object
	// +kubebuilder:pruning:PreserveUnknownFields
	Template runtime.RawExtension `json:"template"`

	// What is scaled: anything in the same namespace that has a scale subresource.
	//
	// +required
	ScaleTargetRef TargetReference `json:"scaleTargetRef"`

	// The autoscaler's configuration: each entry is an environment variable of every container, and wins over one of the same
	// name in the template. Entries that the autoscaler does not know are for user logic.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	Config []ConfigEntry `json:"config,omitempty"`

	// Whether the operator makes the Role. One that is there already, and is not made by the operator, is left as it is; it is
	// bound only if its annotation `v1.custompodautoscaler.com/allowed-objects` names the object.
	//
	// +optional
	// +kubebuilder:default=true
	ProvisionRole *bool `json:"provisionRole,omitempty"`
	// Whether the operator makes the RoleBinding.
	//
	// +optional
	// +kubebuilder:default=true
	ProvisionRoleBinding *bool `json:"provisionRoleBinding,omitempty"`
	// Whether the operator makes the ServiceAccount, which the pod then runs under whatever the template says. Otherwise the pod
	// runs under `serviceAccountName` of the template, or the account that is named like the object; its annotation
	// `v1.custompodautoscaler.com/allowed-objects` has to name the object.
	//
	// +optional
	// +kubebuilder:default=true
	ProvisionServiceAccount *bool `json:"provisionServiceAccount,omitempty"`
	// Whether the operator makes the workload that the autoscaler runs in.
	//
	// +optional
	// +kubebuilder:default=true
	ProvisionPod *bool `json:"provisionPod,omitempty"`

	// Whether the autoscaler may read metrics from metrics.k8s.io, custom.metrics.k8s.io and external.metrics.k8s.io. It may
	// in any case where `config` has `kubernetesMetricSpecs`.
	//
	// +optional
	// +kubebuilder:default=false
	RoleRequiresMetricsServer *bool `json:"roleRequiresMetricsServer,omitempty"`
	// Not needed any more: the autoscaler may read and scale its target whatever the kind.
	//
	// +optional
	// +kubebuilder:default=false
	RoleRequiresArgoRollouts *bool `json:"roleRequiresArgoRollouts,omitempty"`
}

// TargetReference names the object that is scaled.
type TargetReference struct {
	// Its API group and version: `apps/v1`. The core group if left out. Any version of the group that is served will do.
	//
	// +optional
	// +kubebuilder:validation:Pattern=`^(([^/]+/)?[^/]+)?$`
	APIVersion string `json:"apiVersion,omitempty"`
	// Its kind, in any case: `Deployment`.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:Pattern=`^(\.?[^/%.][^/%]*|\.\.[^/%]+)$`
	Kind string `json:"kind"`
	// Its name.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:Pattern=`^(\.?[^/%.][^/%]*|\.\.[^/%]+)$`
	Name string `json:"name"`
}

// ConfigEntry is one value of the configuration.
//
// +kubebuilder:validation:XValidation:rule="!(self.name in ['scaleTargetRef', 'namespace'])",message="the target and its namespace cannot be set here: spec.scaleTargetRef names the target, which is in the object's namespace"
type ConfigEntry struct {
	// The key of the configuration, which is the name of the environment variable.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:Pattern=`^[^=]+$`
	Name string `json:"name"`
	// The value, as text: numbers, lists and objects are written as YAML or JSON.
	//
	// +required
	Value string `json:"value"`
}
