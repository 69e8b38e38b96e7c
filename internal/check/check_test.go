package check

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/finding"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kube"
	calls "github.com/custom-pod-autoscaler/autoscaler/v3/internal/method/http"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method/shell"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method/worker"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metricsapi"
)

// says are items as: ok metric program: /bin/sh
func says(items []finding.Item) []string {
	var lines []string
	for _, item := range items {
		lines = append(lines, string(item.Result)+" "+item.Check+": "+item.Says)
	}
	return lines
}

func TestProgramsAreLookedForAsTheyAreStarted(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, mode := range map[string]os.FileMode{"run.sh": 0o755, "plain.sh": 0o644} {
		if err := os.WriteFile(name, nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir("bin", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join("bin", "found"), nil, 0o755); err != nil {
		t.Fatal(err)
	}
	path, err := filepath.Abs("bin")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", path)
	for _, row := range []struct {
		name  string
		shell shell.Settings
		want  []string
	}{
		{"in PATH", shell.Settings{Entrypoint: "found"}, []string{"ok metric program: " + path + "/found"}},
		{"at its path", shell.Settings{Entrypoint: "./run.sh"}, []string{"ok metric program: ./run.sh"}},
		{"a script that is there", shell.Settings{Entrypoint: "found", Command: []string{"plain.sh"}}, []string{"ok metric program: " + path + "/found", "ok metric script: plain.sh"}},
		{"a script that is not", shell.Settings{Entrypoint: "found", Command: []string{"/gone.py"}}, []string{"ok metric program: " + path + "/found", "warning metric script: /gone.py: there is no such file here"}},
		{"a piece of code", shell.Settings{Entrypoint: "found", Command: []string{"-c", "cat gone.txt"}}, []string{"ok metric program: " + path + "/found"}},
		{"a word", shell.Settings{Entrypoint: "found", Command: []string{"metric"}}, []string{"ok metric program: " + path + "/found"}},
		{"nowhere", shell.Settings{Entrypoint: "gone"}, []string{"error metric program: gone: executable file not found in $PATH"}},
		{"not to be executed", shell.Settings{Entrypoint: "./plain.sh"}, []string{"error metric program: ./plain.sh: permission denied"}},
		{"a folder", shell.Settings{Entrypoint: "./bin"}, []string{"error metric program: ./bin: is a directory"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := says(Methods(t.Context(), config.Config{Metric: &config.Method{Type: "shell", Shell: &row.shell}}, false)); !slices.Equal(got, row.want) {
				t.Errorf("got %q, want %q", got, row.want)
			}
		})
	}
}

func TestTheProgramOfAWorkerIsLookedForToo(t *testing.T) {
	m := config.Method{Type: "worker", Worker: &worker.Settings{Entrypoint: "./gone", Command: []string{"worker.py"}}}
	got := Methods(t.Context(), config.Config{Metric: &m}, false)
	if len(got) != 1 || got[0].Result != finding.Error || !strings.Contains(got[0].Fix, "correct metric.worker.entrypoint") {
		t.Errorf("got %+v", got)
	}
}

func TestServersAreAskedForTheirHead(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method != http.MethodHead, r.Header.Get("Token") != "secret", r.URL.RawQuery != "a=b":
			w.WriteHeader(http.StatusTeapot)
		case r.URL.Path == "/post-only":
			w.WriteHeader(http.StatusMethodNotAllowed)
		case r.URL.Path == "/gone":
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(server.Close)
	for path, want := range map[string]string{
		"/there":     "ok evaluate url: " + server.URL + "/there answers HEAD with 200 OK",
		"/post-only": "warning evaluate url: " + server.URL + "/post-only answers HEAD with 405 Method Not Allowed, so that it is there, and no more is known",
		"/gone":      "warning evaluate url: " + server.URL + "/gone answers HEAD with 404 Not Found",
	} {
		m := config.Method{Type: "http", Timeout: 5000, MaxReplyBytes: 10, HTTP: &calls.Settings{
			Method: "POST", URL: server.URL + path + "?a=b", Headers: map[string]string{"Token": "secret"}, ParameterMode: "query",
		}}
		if got := says(Methods(t.Context(), config.Config{Evaluate: &m}, true)); !slices.Equal(got, []string{want}) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestRightsAreThoseOfTheCallsThatAreMade(t *testing.T) {
	identifier := autoscalingv2.MetricIdentifier{Name: "hits"}
	specs := []autoscalingv2.MetricSpec{
		{Type: "Resource", Resource: &autoscalingv2.ResourceMetricSource{Name: "cpu"}},
		{Type: "Resource", Resource: &autoscalingv2.ResourceMetricSource{Name: "memory"}},
		{Type: "Pods", Pods: &autoscalingv2.PodsMetricSource{Metric: identifier}},
		{Type: "Object", Object: &autoscalingv2.ObjectMetricSource{Metric: identifier, DescribedObject: autoscalingv2.CrossVersionObjectReference{APIVersion: "v1", Kind: "Namespace", Name: "shop"}}},
		{Type: "External", External: &autoscalingv2.ExternalMetricSource{Metric: identifier}},
	}
	target := kube.Path{Version: schema.GroupVersion{Group: "apps", Version: "v1"}, Namespace: "shop", Resource: "deployments", Name: "web"}
	of := func(settings config.Config) (lines []string) {
		settings.Namespace = "shop"
		client := metricsapi.New(nil)
		for _, right := range rightsOf(settings, target, client.Calls(t.Context(), time.Time{}, "shop", settings.KubernetesMetricSpecs)) {
			lines = append(lines, strings.TrimPrefix(right.fix(), "add to a Role in namespace shop: "))
		}
		return lines
	}
	scaling := []string{
		`{apiGroups: ["apps"], resources: ["deployments"], resourceNames: ["web"], verbs: ["get"]}`,
		`{apiGroups: ["apps"], resources: ["deployments/scale"], resourceNames: ["web"], verbs: ["get"]}`,
		`{apiGroups: ["apps"], resources: ["deployments/scale"], resourceNames: ["web"], verbs: ["patch"]}`,
	}
	events := []string{`{apiGroups: [""], resources: ["events"], verbs: ["create"]}`, `{apiGroups: [""], resources: ["events"], verbs: ["patch"]}`}
	for _, row := range []struct {
		name     string
		settings config.Config
		want     []string
	}{
		{"scaling alone", config.Config{RunMode: config.PerResource}, slices.Concat(scaling, events)},
		{"once for each pod", config.Config{RunMode: config.PerPod}, slices.Concat(scaling, []string{`{apiGroups: [""], resources: ["pods"], verbs: ["list"]}`, `{apiGroups: [""], resources: ["pods"], verbs: ["watch"]}`}, events)},
		{"metrics, each call once", config.Config{RunMode: config.PerResource, KubernetesMetricSpecs: specs}, slices.Concat(scaling, []string{
			`{apiGroups: [""], resources: ["pods"], verbs: ["list"]}`, `{apiGroups: [""], resources: ["pods"], verbs: ["watch"]}`,
			`{apiGroups: ["metrics.k8s.io"], resources: ["pods"], verbs: ["list"]}`,
			`{apiGroups: ["custom.metrics.k8s.io"], resources: ["pods/hits"], verbs: ["get"]}`,
			`{apiGroups: ["custom.metrics.k8s.io"], resources: ["metrics"], resourceNames: ["hits"], verbs: ["get"]}`,
			`{apiGroups: ["external.metrics.k8s.io"], resources: ["hits"], verbs: ["list"]}`,
		}, events)},
		{"of an object", config.Config{RunMode: config.PerResource, CustomPodAutoscaler: &config.Owner{Name: "web"}, LeaderElection: true}, slices.Concat(scaling, events, []string{
			`{apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["create"]}`,
			`{apiGroups: ["coordination.k8s.io"], resources: ["leases"], resourceNames: ["web.custompodautoscaler.com"], verbs: ["get"]}`,
			`{apiGroups: ["coordination.k8s.io"], resources: ["leases"], resourceNames: ["web.custompodautoscaler.com"], verbs: ["patch"]}`,
			`{apiGroups: ["custompodautoscaler.com"], resources: ["custompodautoscalers"], resourceNames: ["web"], verbs: ["get"]}`,
			`{apiGroups: ["custompodautoscaler.com"], resources: ["custompodautoscalers/status"], resourceNames: ["web"], verbs: ["patch"]}`,
		})},
		{"of an object, without a lease", config.Config{RunMode: config.PerResource, CustomPodAutoscaler: &config.Owner{Name: "web"}}, slices.Concat(scaling, events, []string{
			`{apiGroups: ["custompodautoscaler.com"], resources: ["custompodautoscalers"], resourceNames: ["web"], verbs: ["get"]}`,
			`{apiGroups: ["custompodautoscaler.com"], resources: ["custompodautoscalers/status"], resourceNames: ["web"], verbs: ["patch"]}`,
		})},
		{"with callers", config.Config{RunMode: config.PerResource, APIConfig: config.API{Enabled: true, Authentication: config.KubernetesAuthentication}}, slices.Concat(scaling, events, []string{
			`add to a ClusterRole: {apiGroups: ["authentication.k8s.io"], resources: ["tokenreviews"], verbs: ["create"]}`,
			`add to a ClusterRole: {apiGroups: ["authorization.k8s.io"], resources: ["subjectaccessreviews"], verbs: ["create"]}`,
		})},
		{"with callers that nobody asks about", config.Config{RunMode: config.PerResource, APIConfig: config.API{Enabled: true, Authentication: config.NoAuthentication}}, slices.Concat(scaling, events)},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := of(row.settings); !slices.Equal(got, row.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(row.want, "\n"))
			}
		})
	}
}

func TestAPIThatIsOpenIsAWarning(t *testing.T) {
	closed := config.API{Enabled: true, Authentication: config.KubernetesAuthentication, AccessPrefix: "/cpa"}
	unprefixed, unauthenticated, off := closed, closed, closed
	unprefixed.AccessPrefix, unauthenticated.Authentication = "", config.NoAuthentication
	off.Enabled, off.Authentication = false, config.NoAuthentication
	for _, row := range []struct {
		name     string
		settings config.API
		says     string
	}{
		{"closed", closed, ""},
		{"off", off, ""},
		{"no prefix", unprefixed, `warning REST API: every user of the cluster may read the REST API and run user logic by it (apiConfig.accessPrefix: "")`},
		{"no authentication", unauthenticated, "warning REST API: everybody who reaches the port may scale the target (apiConfig.authentication: none)"},
	} {
		if got := strings.Join(says(API(row.settings)), "\n"); got != row.says {
			t.Errorf("%s: got %q, want %q", row.name, got, row.says)
		}
	}
}
