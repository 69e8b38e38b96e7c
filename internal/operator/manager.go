// Package operator is the program that runs autoscalers from CustomPodAutoscaler objects: its command, and the manager that
// calls the Reconciler when an object or what was made for it changes. The manager bounds its calls, answers probes, keeps its
// caches small, and ends in time. What an object needs, what is to be done, and doing it are the packages below.
package operator

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/go-logr/logr"
	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/source"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/access"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kube"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/operator/plan"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/operator/reconcile"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/operator/rivals"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/telemetry"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/version"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/workload"
)

// Options are what the operator is started with.
type Options struct {
	Namespaces              []string // that are looked after; all if there are none
	LeaderElection          bool
	LeaderElectionNamespace string // that of the pod if empty
	ProbeAddress            string // "0" for none
	MetricsAddress          string // likewise
	Concurrency             int    // objects that are looked at at a time
	AdmissionPolicy         string // name of the ValidatingAdmissionPolicy that checks the authors of objects
	Log                     *slog.Logger
}

const (
	// atMost is how long an object may keep us: a handful of calls, of which none may hang.
	atMost = time.Minute

	// A failure that may go away by itself is tried again at once, and then less and less often.
	firstRetry, lastRetry = time.Second, 5 * time.Minute

	// When it is asked to end, what is under way is given up at once. The runnables may take so long to return, then the Lease
	// to be given back and all else until stopping, and of that closing for the last events to be sent. Together this stays
	// below ten seconds, so that Kubernetes never has to kill the operator, whatever hangs.
	runnables, closing, stopping = 3 * time.Second, 2 * time.Second, 8 * time.Second
)

// Run looks after all objects until ctx is done. It then ends within the time that stopping allows, whatever hangs.
func Run(ctx context.Context, connection *rest.Config, options Options) error {
	err := endWithin(ctx, stopping, func(ctx context.Context) error { return run(ctx, connection, options) })
	if ctx.Err() == nil {
		return err
	}
	if err != nil && !errors.Is(err, context.Canceled) { // it was asked to end, and ends
		options.Log.Warn("stopped, though not all work ended", "error", err)
	}
	return nil
}

func run(ctx context.Context, connection *rest.Config, options Options) error {
	connection = bounded(connection, reconcile.OneCall)
	connection.QPS = -1 // what is under way at a time is bounded by Concurrency
	api, err := kube.New(connection, reconcile.OneCall)
	if err != nil {
		return err
	}
	if err := patiently(ctx, func(ctx context.Context) error { return served(ctx, api) }); err != nil {
		return err
	}
	warnUnprotected(ctx, api, options.AdmissionPolicy, options.Log)
	manager, err := newManager(ctx, connection, api, options)
	if err != nil {
		return fmt.Errorf("setting up the operator: %w", err)
	}
	events := telemetry.NewEvents(ctx, cpav1.Operator, func(ctx context.Context) record.EventSink {
		return kube.EventSink{API: api, Context: ctx, Wrote: telemetry.WarnOnce(options.Log, "writing Kubernetes Events failed; autoscalers go on")}
	})
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closing)
		defer cancel()
		events.Close(ctx)
	}()
	finder := rivals.New(api, options.Namespaces, manager.GetClient(), options.Log)
	if err := manager.Add(finder); err != nil {
		return fmt.Errorf("setting up the operator: %w", err)
	}
	reconciler := &reconcile.Reconciler{
		Client: manager.GetClient(), Live: manager.GetAPIReader(), API: api, Event: events.Event, Log: options.Log, Now: time.Now,
		Kinds: workload.NewFinder(ctx, api, options.Concurrency/2), Rival: finder.Of,
	}
	if err := watch(ctx, manager, reconciler, finder.Changed(), options.Concurrency); err != nil {
		return fmt.Errorf("setting up the operator: %w", err)
	}
	built, _ := version.Built()
	options.Log.Info("started", "version", built, "namespaces", options.Namespaces, "leaderElection", options.LeaderElection)
	return manager.Start(ctx)
}

// served tells what is wrong if the API does not serve our objects: then there is nothing to do here yet.
func served(ctx context.Context, api *kube.Client) error {
	_, err := api.Resources(ctx, cpav1.GroupVersion)
	if apierrors.IsNotFound(err) {
		return fmt.Errorf("the API serves no %s: install the definition of CustomPodAutoscaler first (kubectl apply -f custompodautoscaler.com_custompodautoscalers.yaml; the Helm chart has it, too): %w", cpav1.GroupVersion, err)
	}
	return err
}

func newManager(ctx context.Context, connection *rest.Config, api *kube.Client, options Options) (ctrl.Manager, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{cpav1.AddToScheme, authorizationv1.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, err
		}
	}
	patience := runnables
	return ctrl.NewManager(connection, ctrl.Options{
		Scheme: scheme, Cache: caching(options.Namespaces), MapperProvider: knownKinds, NewCache: cacheUntil(ctx),
		GracefulShutdownTimeout: &patience,
		Client:                  client.Options{Cache: &client.CacheOptions{Unstructured: true}},
		LeaderElection:          options.LeaderElection,
		LeaderElectionID:        cpav1.Operator,
		HealthProbeBindAddress:  options.ProbeAddress, LeaderElectionNamespace: options.LeaderElectionNamespace,
		LeaderElectionReleaseOnCancel: true, // the program ends when Run returns
		Metrics: metricsserver.Options{
			BindAddress: options.MetricsAddress, SecureServing: true, TLSOpts: []func(*tls.Config){onlyHTTP1}, FilterProvider: func(*rest.Config, *http.Client) (metricsserver.Filter, error) {
				return guard(access.NewGate(api, "", telemetry.WarnOnce(options.Log, "asking Kubernetes about a caller of /metrics failed"))), nil
			},
		},
	})
}

// onlyHTTP1 keeps callers who are not known yet away from the code of HTTP/2, which one scrape a minute does not need.
func onlyHTTP1(config *tls.Config) { config.NextProtos = []string{"http/1.1"} }

// guard lets nobody in whom the gate does not.
func guard(gate *access.Gate) metricsserver.Filter {
	return func(_ logr.Logger, serve http.Handler) (http.Handler, error) {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			err := gate.Admit(r)
			if refusal, ok := errors.AsType[access.Refusal](err); ok {
				http.Error(w, refusal.Message, refusal.Status)
				return
			}
			serve.ServeHTTP(w, r)
		}), nil
	}
}

// watch looks at an object when it changes, or when what was made for it does.
func watch(ctx context.Context, manager ctrl.Manager, reconciler *reconcile.Reconciler, changed <-chan event.GenericEvent, concurrency int) error {
	building := ctrl.NewControllerManagedBy(manager).For(&cpav1.CustomPodAutoscaler{}).WithOptions(controller.Options{
		MaxConcurrentReconciles: concurrency, ReconciliationTimeout: atMost,
		SkipNameValidation: new(true), // a process may run it more than once, as tests do
		RateLimiter:        workqueue.NewTypedItemExponentialFailureRateLimiter[ctrl.Request](firstRetry, lastRetry),
	})
	for _, kind := range plan.Made {
		building = building.Owns(plan.OfKind(kind))
	}
	siblings := handler.EnqueueRequestsFromMapFunc(func(ctx context.Context, object client.Object) []ctrl.Request {
		return reconcile.Siblings(ctx, manager.GetClient(), object.(*cpav1.CustomPodAutoscaler))
	})
	building = building.Watches(&cpav1.CustomPodAutoscaler{}, siblings).WatchesRawSource(source.Channel(changed, &handler.EnqueueRequestForObject{}))
	if err := manager.GetFieldIndexer().IndexField(ctx, &cpav1.CustomPodAutoscaler{}, plan.ByTarget, byTarget); err != nil {
		return err
	}
	for _, kind := range plan.Workloads {
		if err := manager.GetFieldIndexer().IndexField(ctx, plan.OfKind(kind), cpav1.OwnedBy, ownedBy); err != nil {
			return err
		}
	}
	working := &working{next: reconciler}
	if err := building.Complete(working); err != nil {
		return err
	}
	if err := manager.AddHealthzCheck("reconciling", working.check); err != nil {
		return err
	}
	return addReadiness(manager)
}

// byTarget is what objects are found by in the cache: the target that they scale.
func byTarget(object client.Object) []string {
	return []string{plan.ScaledByObject(object.(*cpav1.CustomPodAutoscaler)).Index()}
}

// ownedBy is what the workloads of an object are found by in the cache: looking through all of them for each object takes
// half of the operator's time where there are a thousand.
func ownedBy(workload client.Object) []string { return []string{workload.GetLabels()[cpav1.OwnedBy]} }

// caching keeps what is ours, and no more: in a large cluster others have a lot of pods.
func caching(namespaces []string) cache.Options {
	ours := cache.ByObject{Label: labels.SelectorFromSet(labels.Set{cpav1.ManagedBy: cpav1.Operator})}
	options := cache.Options{ByObject: map[client.Object]cache.ByObject{}, DefaultTransform: cache.TransformStripManagedFields()}
	for _, kind := range plan.Made {
		options.ByObject[plan.OfKind(kind)] = ours
	}
	if len(namespaces) > 0 {
		options.DefaultNamespaces = map[string]cache.Config{}
		for _, namespace := range namespaces {
			options.DefaultNamespaces[namespace] = cache.Config{}
		}
	}
	return options
}
