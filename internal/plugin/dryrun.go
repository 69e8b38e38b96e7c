package plugin

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/podstatus"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// longestAnswer bounds what is read of an autoscaler's answer.
const longestAnswer = 1 << 20

// Proposal is what an autoscaler would do.
type Proposal struct {
	userlogic.RESTEvaluation
	Decision *userlogic.Decision `json:"decision,omitempty"` // nil where the autoscaler keeps no record
}

// Text is it in a sentence.
func (p Proposal) Text(now time.Time) string {
	if p.Decision == nil {
		return fmt.Sprintf("It would have %s; the autoscaler keeps no record of why.", cpav1.CountReplicas(p.TargetReplicas))
	}
	return p.Decision.Sentence(now)
}

// RunningPod is the one that answers for the object: a ready one, or else one that runs.
func RunningPod(object cpav1.CustomPodAutoscaler, pods []corev1.Pod) (string, error) {
	runs, other := "", ""
	for _, pod := range pods {
		switch {
		case pod.DeletionTimestamp != nil:
			other = fmt.Sprintf("pod %q is about to end", pod.Name)
		case pod.Status.Phase != corev1.PodRunning:
			other = fmt.Sprintf("pod %q is %s", pod.Name, pod.Status.Phase)
		case podstatus.IsReady(&pod):
			return pod.Name, nil
		default:
			runs = pod.Name
		}
	}
	why := fmt.Sprintf("kubectl cpa why -n %s %s says why", object.Namespace, object.Name)
	switch {
	case runs != "":
		return runs, nil
	case !Resumed(object):
		return "", fmt.Errorf("finding the autoscaler's pod: %s/%s is paused: kubectl cpa resume -n %s %s first", object.Namespace, object.Name, object.Namespace, object.Name)
	case other != "":
		return "", fmt.Errorf("finding the autoscaler's pod: none runs, and %s: %s", other, why)
	}
	return "", fmt.Errorf("finding the autoscaler's pod: there is none with the label %s=%s in namespace %q: %s", cpav1.OwnedBy, object.Name, object.Namespace, why)
}

// Ask lets the autoscaler at an address of loopback make a pass that scales nothing, and reads why it came out as it did.
func Ask(ctx context.Context, address string) (proposal Proposal, err error) {
	base := "http://" + address + "/api/v1/"
	if _, err := call(ctx, http.MethodPost, base+"evaluation?dry_run=true", &proposal); err != nil {
		return proposal, err
	}
	decision := &userlogic.Decision{}
	code, err := call(ctx, http.MethodGet, base+"decisions/latest?run_type=api_dry_run", decision)
	switch {
	case code == http.StatusNotFound: // it keeps none, or does not know the call yet
		return proposal, nil
	case err != nil:
		return proposal, err
	}
	proposal.Decision = decision
	return proposal, nil
}

func call(ctx context.Context, method, url string, into any) (code int, err error) {
	request, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return 0, err
	}
	response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request) // a proxy of the environment is none of loopback
	if err != nil {
		return 0, fmt.Errorf("calling the autoscaler: %w: is its REST API on another port (--port), or switched off (apiConfig)?", err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, longestAnswer))
	if err != nil {
		return response.StatusCode, fmt.Errorf("reading the autoscaler's answer: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return response.StatusCode, refused(response.Status, body)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return response.StatusCode, fmt.Errorf("reading the autoscaler's answer: %w: is it another program that serves the port (--port)?", err)
	}
	return response.StatusCode, nil
}

// refused is an answer that is an error, in the autoscaler's words where they are its own.
func refused(status string, body []byte) error {
	var told userlogic.RESTError
	if json.Unmarshal(body, &told) == nil && told.Message != "" {
		return fmt.Errorf("the autoscaler answered %s: %s", status, told.Message)
	}
	return fmt.Errorf("the autoscaler answered %s: %s", status, strings.TrimSpace(string(body)))
}
