// Package rights is the one table of the calls that the autoscaler and the operator make to the Kubernetes API, and of the
// rights that they need.
//
// The Role that the operator gives an autoscaler, the questions that the check of a cluster asks, and the verbs by which metrics
// are read come from it. Tests compare it with the chart's roles, with the examples' Roles, and with the calls that are made. It
// makes no calls itself.
package rights

import (
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
)

// Call is one verb on one resource.
type Call struct {
	When     When
	Verb     string
	Group    string
	Version  string // in which an autoscaler calls it; "" where it has to find out
	Resource string // with its subresource; OfTarget for that of the target; "*" for each metric
	Named    Named  // which objects a rule can be about
	Cluster  bool   // it is not in a namespace, so it takes a ClusterRole
	Without  string // what is missing without the right where scaling goes on; "" where it does not
	Unused   bool   // it is granted, though it is never made
}

// OfTarget stands for the group and the resource of a target.
const OfTarget = "<target>"

// When is the purpose of a call, and so the condition under which it is made.
type When string

// The calls of an autoscaler.
const (
	Scaling When = "always"
	Pods    When = "when the pods of the target are needed"
	Metrics When = "when Kubernetes metrics of that type are configured"
	Events  When = "when an event is recorded"
	Lease   When = "when leader election is on"
	Object  When = "when it has a CustomPodAutoscaler, to write its status"
	Callers When = "when a server authenticates its callers"
)

// The calls of the operator, which also makes those for Events, and for Callers of its metrics. Those of an autoscaler are
// handed on, so the operator has to have their rights as well.
const (
	Objects        When = "for each object, to write its status and what is made for it"
	Labels         When = "when a template has labels that a selector of others could match"
	Rivals         When = "periodically, to find what else scales the targets"
	LeaderElection When = "when several operators run"
	Policy         When = "at the start, to check that the admission policy is in force"
)

// Named is which objects a rule for a call can be about.
type Named int

// A call can be about any object, or about one alone.
const (
	Any         Named = iota
	TheTarget         // of the autoscaler
	TheObject         // that the autoscaler runs for
	TheLease          // of that object
	TheOperator       // the operator's own Lease
	ThePolicy         // the admission policy, and its binding
)

const (
	core = ""
	auth = "rbac.authorization.k8s.io"
)

var cpa = cpav1.GroupVersion.Group

// The calls that read metrics, by the API that serves them.
var (
	PodMetrics     = Call{When: Metrics, Verb: "list", Group: "metrics.k8s.io", Version: "v1beta1", Resource: "pods"}
	CustomMetric   = Call{When: Metrics, Verb: "get", Group: "custom.metrics.k8s.io", Resource: "*"}
	ExternalMetric = Call{When: Metrics, Verb: "list", Group: "external.metrics.k8s.io", Resource: "*"}
)

const (
	noEvents  = "no events are written"
	noStatus  = "the object's status is not kept"
	noCallers = "only callers on loopback can use the REST API (apiConfig.authentication)"
)

// Autoscaler are the calls of an autoscaler. Those that follow each other and differ only in the verb become one rule.
var Autoscaler = []Call{
	{When: Scaling, Verb: "get", Group: OfTarget, Resource: OfTarget, Named: TheTarget},
	{When: Scaling, Verb: "get", Group: OfTarget, Resource: OfTarget + "/scale", Named: TheTarget},
	{When: Scaling, Verb: "patch", Group: OfTarget, Resource: OfTarget + "/scale", Named: TheTarget},

	{When: Pods, Verb: "list", Group: core, Version: "v1", Resource: "pods"},
	{When: Pods, Verb: "watch", Group: core, Version: "v1", Resource: "pods", Without: "they are listed anew at each pass"},

	{When: Events, Verb: "create", Group: core, Version: "v1", Resource: "events", Without: noEvents},
	{When: Events, Verb: "patch", Group: core, Version: "v1", Resource: "events", Without: noEvents},

	{When: Lease, Verb: "create", Group: "coordination.k8s.io", Version: "v1", Resource: "leases"}, // what is created has no name yet that a rule could have
	{When: Lease, Verb: "get", Group: "coordination.k8s.io", Version: "v1", Resource: "leases", Named: TheLease},
	{When: Lease, Verb: "patch", Group: "coordination.k8s.io", Version: "v1", Resource: "leases", Named: TheLease},

	{When: Object, Verb: "get", Group: cpa, Version: "v1", Resource: "custompodautoscalers", Named: TheObject, Without: noStatus},
	{When: Object, Verb: "get", Group: cpa, Version: "v1", Resource: "custompodautoscalers/status", Named: TheObject, Unused: true},
	{When: Object, Verb: "patch", Group: cpa, Version: "v1", Resource: "custompodautoscalers/status", Named: TheObject, Without: noStatus},

	PodMetrics,
	CustomMetric,
	{When: Metrics, Verb: "list", Group: CustomMetric.Group, Resource: "*", Unused: true},
	{When: Metrics, Verb: "get", Group: ExternalMetric.Group, Resource: "*", Unused: true},
	ExternalMetric,

	{When: Callers, Verb: "create", Group: "authentication.k8s.io", Version: "v1", Resource: "tokenreviews", Cluster: true, Without: noCallers},
	{When: Callers, Verb: "create", Group: "authorization.k8s.io", Version: "v1", Resource: "subjectaccessreviews", Cluster: true, Without: noCallers},
}

// Operator are the calls of the operator for itself.
var Operator = slices.Concat(
	calls(Objects, cpa, "custompodautoscalers", "get", "list", "watch"),
	unused(calls(Objects, cpa, "custompodautoscalers/status", "get")),
	calls(Objects, cpa, "custompodautoscalers/status", "patch"),
	calls(Objects, cpa, "custompodautoscalers/finalizers", "update"), // to be named as an owner whose deletion waits, where the cluster asks for this right
	calls(Objects, core, "serviceaccounts", "get", "list", "watch", "create", "patch"),
	calls(Objects, auth, "roles", "get", "list", "watch", "create", "patch"),
	calls(Objects, auth, "rolebindings", "get", "list", "watch", "create", "patch"),
	calls(Objects, "apps", "deployments", "get", "list", "watch", "create", "patch", "delete"),
	unused(calls(Objects, core, "pods", "get")),
	calls(Objects, core, "pods", "list", "watch", "delete"),     // the bare pods of operator 1.4 are deleted
	calls(Objects, OfTarget, OfTarget+"/scale", "get", "patch"), // to read the selector of a target, and to hold it
	calls(Events, core, "events", "create", "patch"),

	calls(Labels, core, "services", "list"),
	calls(Labels, "apps", "deployments", "list"),
	calls(Labels, "apps", "statefulsets", "list"),
	calls(Labels, "apps", "daemonsets", "list"),
	calls(Labels, "apps", "replicasets", "list"),
	calls(Labels, core, "replicationcontrollers", "list"),
	calls(Labels, "batch", "jobs", "list"),

	calls(Rivals, "autoscaling", "horizontalpodautoscalers", "list"),
	calls(Rivals, "keda.sh", "scaledobjects", "list"),

	calls(LeaderElection, "coordination.k8s.io", "leases", "create"), // what is created has no name yet that a rule could have
	named(TheOperator, calls(LeaderElection, "coordination.k8s.io", "leases", "get", "update")),
	calls(LeaderElection, core, "events", "create", "patch"),

	named(ThePolicy, calls(Policy, "admissionregistration.k8s.io", "validatingadmissionpolicies", "get")),
	named(ThePolicy, calls(Policy, "admissionregistration.k8s.io", "validatingadmissionpolicybindings", "get")),

	Select(Autoscaler, Callers),
)

// Everybody are calls that Kubernetes lets every account make, so that no role of ours grants them.
var Everybody = []Call{
	{Verb: "create", Group: "authorization.k8s.io", Version: "v1", Resource: "selfsubjectaccessreviews", Cluster: true},
}

// calls are several verbs on one resource.
func calls(when When, group, resource string, verbs ...string) (all []Call) {
	for _, verb := range verbs {
		all = append(all, Call{When: when, Verb: verb, Group: group, Resource: resource})
	}
	return all
}

func named(what Named, all []Call) []Call {
	for i := range all {
		all[i].Named = what
	}
	return all
}

func unused(all []Call) []Call {
	for i := range all {
		all[i].Unused = true
	}
	return all
}

// Select returns the calls that have one of the purposes, in the order of the table.
func Select(all []Call, when ...When) (some []Call) {
	for _, call := range all {
		if slices.Contains(when, call.When) {
			some = append(some, call)
		}
	}
	return some
}

// About is what calls are about: of an autoscaler its target and its object, if it has one; of the operator its policy.
type About struct {
	Target     schema.GroupResource
	TargetName string
	Object     string
	Policy     string
}

// Of returns the group and the resource of a call, with its subresource.
func (c Call) Of(about About) schema.GroupResource {
	if c.Group != OfTarget {
		return schema.GroupResource{Group: c.Group, Resource: c.Resource}
	}
	return schema.GroupResource{Group: about.Target.Group, Resource: strings.Replace(c.Resource, OfTarget, about.Target.Resource, 1)}
}

// Name returns the name of the object that the call is about, or "" if it can be about any.
func (c Call) Name(about About) string {
	switch c.Named {
	case TheTarget:
		return about.TargetName
	case TheObject:
		return about.Object
	case TheLease:
		return cpav1.LeaseOf(about.Object)
	case TheOperator:
		return cpav1.Operator
	case ThePolicy:
		return about.Policy
	}
	return ""
}

// Rules returns the rules of a role for calls. Each rule is about one resource.
func Rules(all []Call, about About) (rules []rbacv1.PolicyRule) {
	var before schema.GroupResource
	var name string
	for _, call := range all {
		of, named := call.Of(about), call.Name(about)
		if len(rules) > 0 && of == before && named == name {
			last := &rules[len(rules)-1]
			last.Verbs = append(last.Verbs, call.Verb)
			continue
		}
		rule := rbacv1.PolicyRule{APIGroups: []string{of.Group}, Resources: []string{of.Resource}, Verbs: []string{call.Verb}}
		if call.Named != Any {
			rule.ResourceNames = []string{named}
		}
		rules, before, name = append(rules, rule), of, named
	}
	return rules
}
