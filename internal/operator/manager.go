package operator

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/log"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/api/v1"
)

// Options are what the operator is started with.
type Options struct {
	Namespaces              []string // that are looked after; all if there are none
	LeaderElection          bool
	LeaderElectionNamespace string // that of the pod if empty
	ProbeAddress            string // "0" for none
	Concurrency             int    // objects that are looked at at a time
	Log                     *slog.Logger
}

// atMost is how long an object may keep us: a handful of calls, of which none may hang.
const atMost = time.Minute

// made are the kinds that we make, or take away.
var made = append([]schema.GroupVersionKind{
	{Version: "v1", Kind: "ServiceAccount"},
	{Group: "rbac.authorization.k8s.io", Version: "v1", Kind: "Role"},
	{Group: "rbac.authorization.k8s.io", Version: "v1", Kind: "RoleBinding"},
}, workloads...)

// Run looks after all objects until ctx is done.
func Run(ctx context.Context, connection *rest.Config, options Options) error {
	log.SetLogger(logr.FromSlogHandler(options.Log.Handler()))
	scheme := runtime.NewScheme()
	if err := cpav1.AddToScheme(scheme); err != nil {
		return err
	}
	manager, err := ctrl.NewManager(connection, ctrl.Options{
		Scheme: scheme, Cache: caching(options.Namespaces),
		Client:                 client.Options{Cache: &client.CacheOptions{Unstructured: true}},
		LeaderElection:         options.LeaderElection,
		LeaderElectionID:       "custom-pod-autoscaler-operator",
		HealthProbeBindAddress: options.ProbeAddress, LeaderElectionNamespace: options.LeaderElectionNamespace,
		LeaderElectionReleaseOnCancel: true, // the program ends when Run returns
		Metrics:                       metricsserver.Options{BindAddress: "0"},
	})
	if err != nil {
		return fmt.Errorf("setting up the operator: %w", err)
	}
	if err := watch(manager, options); err != nil {
		return fmt.Errorf("setting up the operator: %w", err)
	}
	return manager.Start(ctx)
}

// watch looks at an object when it changes, or when what was made for it does.
func watch(manager ctrl.Manager, options Options) error {
	building := ctrl.NewControllerManagedBy(manager).For(&cpav1.CustomPodAutoscaler{}).
		WithOptions(controller.Options{MaxConcurrentReconciles: options.Concurrency, ReconciliationTimeout: atMost})
	for _, kind := range made {
		building = building.Owns(ofKind(kind))
	}
	if err := building.Complete(&Reconciler{Client: manager.GetClient(), Live: manager.GetAPIReader()}); err != nil {
		return err
	}
	if err := manager.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return err
	}
	return manager.AddReadyzCheck("ping", healthz.Ping)
}

// caching keeps what is ours, and no more: in a large cluster others have a lot of pods.
func caching(namespaces []string) cache.Options {
	ours := cache.ByObject{Label: labels.SelectorFromSet(labels.Set{cpav1.ManagedBy: cpav1.Operator})}
	options := cache.Options{ByObject: map[client.Object]cache.ByObject{}}
	for _, kind := range made {
		options.ByObject[ofKind(kind)] = ours
	}
	if len(namespaces) > 0 {
		options.DefaultNamespaces = map[string]cache.Config{}
		for _, namespace := range namespaces {
			options.DefaultNamespaces[namespace] = cache.Config{}
		}
	}
	return options
}

func ofKind(kind schema.GroupVersionKind) *unstructured.Unstructured {
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(kind)
	return object
}
