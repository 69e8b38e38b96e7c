package scale

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/client-go/rest"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/decision"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kube"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/pass"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/workload"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// hook is a user's hook that notes its document.
type hook struct {
	name  string
	err   error
	notes *[]string
}

func (h hook) Run(_ context.Context, document method.Document) (string, error) {
	*h.notes = append(*h.notes, h.name+" "+string(document.Bytes()))
	return "", h.err
}

func TestScale(t *testing.T) {
	const (
		patch    = `PATCH /apis/apps/v1/namespaces/shop/deployments/web/scale [{"op":"add","path":"/spec/replicas","value":4}]`
		document = ` {"evaluation":{"targetReplicas":%d},"resource":{},"scaleTargetRef":{"kind":"Deployment","name":"web"},"namespace":"shop",` +
			`"minReplicas":1,"maxReplicas":4,"targetReplicas":9,"currentReplicas":2,"runType":"scaler"}`
	)
	to4, to2 := fmt.Sprintf(document, 4), fmt.Sprintf(document, 2)
	for _, row := range []struct {
		name     string
		replicas int32
		failing  string
		status   int
		want     []string
		error    string
	}{
		{"a change is patched between the hooks", 4, "", 200, []string{"before" + to4, patch, "after" + to4}, ""},
		{"no change is not patched, but the hooks run", 2, "", 200, []string{"before" + to2, "after" + to2}, ""},
		{"preScale fails: nothing is scaled", 4, "before", 200, []string{"before" + to4}, "broken"},
		{"the patch is refused: no postScale", 4, "", 409, []string{"before" + to4, patch}, `scaling "web" from 2 to 4 replicas: patching deployments.apps/scale "web"`},
		{"postScale fails", 4, "after", 200, []string{"before" + to4, patch, "after" + to4}, "broken"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var notes []string
			s := Scaler{Rules: decision.Rules{Min: 1, Max: 4}, API: recording(t, &notes, row.status), Before: hook{"before", nil, &notes}, After: hook{"after", nil, &notes}}
			switch row.failing {
			case "before":
				s.Before = hook{"before", errors.New("broken"), &notes}
			case "after":
				s.After = hook{"after", errors.New("broken"), &notes}
			}
			scaled, err := s.Scale(t.Context(), pass.Observation{RunType: userlogic.Scaler, Target: web}, decision.Decision{Current: 2, Recommended: 9, Replicas: row.replicas})
			if !slices.Equal(notes, row.want) {
				t.Errorf("\n got %s\nwant %s", strings.Join(notes, "\n     "), strings.Join(row.want, "\n     "))
			}
			if patched := slices.Contains(notes, patch) && row.status == 200; scaled != patched {
				t.Errorf("it says that it scaled: %t, want %t", scaled, patched)
			}
			if (err == nil) != (row.error == "") || err != nil && !strings.Contains(err.Error(), row.error) {
				t.Errorf("got error %v, want %q", err, row.error)
			}
		})
	}
}

// TestScaleConfirmsTheLease right before the patch, after preScale, which may take longer than the lease lasts.
func TestScaleConfirmsTheLease(t *testing.T) {
	for _, row := range []struct {
		name     string
		replicas int32
		lost     error
		within   time.Duration // of the lease that is left for the write
		want     string
		error    string
	}{
		{"held", 4, nil, time.Minute, "before, confirm, PATCH, done, after", ""},
		{"no change needs no lease", 2, nil, time.Minute, "before, after", ""},
		{"lost", 4, errors.New("another holds it"), time.Minute, "before, confirm", "another holds it"},
		{"over before the write", 4, nil, 0, "before, confirm, done", "context deadline exceeded"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var notes []string
			s := Scaler{API: recording(t, &notes, 200), Before: hook{"before", nil, &notes}, After: hook{"after", nil, &notes}}
			s.Confirm = func(ctx context.Context) (context.Context, func(), error) {
				notes = append(notes, "confirm")
				write, cancel := context.WithTimeout(ctx, row.within)
				return write, func() { cancel(); notes = append(notes, "done") }, row.lost
			}
			scaled, err := s.Scale(t.Context(), pass.Observation{RunType: userlogic.Scaler, Target: web}, decision.Decision{Current: 2, Recommended: 9, Replicas: row.replicas})
			for i := range notes {
				notes[i], _, _ = strings.Cut(notes[i], " ")
			}
			if got := strings.Join(notes, ", "); got != row.want {
				t.Errorf("got %s, want %s", got, row.want)
			}
			if want := strings.HasSuffix(row.want, "PATCH, done, after"); scaled != want {
				t.Errorf("it says that it scaled: %t, want %t", scaled, want)
			}
			if (err == nil) != (row.error == "") || err != nil && !strings.Contains(err.Error(), row.error) {
				t.Errorf("got error %v, want %q", err, row.error)
			}
		})
	}
}

var web = workload.Snapshot{
	Ref: autoscalingv2.CrossVersionObjectReference{Kind: "Deployment", Name: "web"}, Namespace: "shop", Document: []byte("{}"), Replicas: 2,
	Path: kube.Path{Version: appsv1.SchemeGroupVersion, Namespace: "shop", Resource: "deployments", Name: "web"},
}

// recording notes each request, and answers with an empty scale of that status. The real thing is patched end to end.
func recording(t *testing.T, notes *[]string, status int) *kube.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		*notes = append(*notes, fmt.Sprintf("%s %s %s", r.Method, r.URL.Path, body))
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{"kind":"Scale","apiVersion":"autoscaling/v1"}`)
	}))
	t.Cleanup(server.Close)
	api, err := kube.New(&rest.Config{Host: server.URL}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return api
}
