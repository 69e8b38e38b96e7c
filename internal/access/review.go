package access

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/user"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/fault"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kube"
)

// reviewer asks for a TokenReview. It is what k8s.io/apiserver remembers the answers of.
type reviewer struct{ *Gate }

func (r reviewer) AuthenticateToken(ctx context.Context, token string) (*authenticator.Response, bool, error) {
	review := &authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: token}}
	if err := r.review(ctx, authenticationv1.SchemeGroupVersion, "tokenreviews", review); err != nil {
		return nil, false, unaskedError{err}
	}
	if !review.Status.Authenticated {
		return nil, false, nil
	}
	of := review.Status.User
	extra := map[string][]string{}
	for key, values := range of.Extra {
		extra[key] = values
	}
	return &authenticator.Response{User: &user.DefaultInfo{Name: of.Username, UID: of.UID, Groups: of.Groups, Extra: extra}}, true, nil
}

// review asks the cluster, and tells why where it has no answer.
func (g *Gate) review(ctx context.Context, version schema.GroupVersion, resource string, review runtime.Object) error {
	err := g.ask(ctx, kube.Path{Version: version, Resource: resource}, review)
	if apierrors.IsForbidden(err) {
		err = &fault.Fault{Err: err, Setting: "apiConfig.authentication",
			Hint: "bind the ClusterRole system:auth-delegator to its service account, or set apiConfig.authentication: none"}
	}
	if err != nil && !errors.Is(err, errTooMany) {
		g.failed(err)
	}
	return err
}

// errTooMany is a question too many.
var errTooMany = fmt.Errorf("the cluster is asked about callers %d times a second at most: try again", questions)

func (g *Gate) ask(ctx context.Context, path kube.Path, review runtime.Object) error {
	if !g.pace.TryAccept() {
		return errTooMany
	}
	return g.api.Create(ctx, path, review)
}

// unaskedError is a question that the cluster gave no answer to, which says nothing about the caller.
type unaskedError struct{ error }

func (u unaskedError) Unwrap() error { return u.error }

// refusal leaves out why: the caller is a stranger yet.
func (u unaskedError) refusal(question string) Refusal {
	if errors.Is(u, errTooMany) {
		return Refusal{http.StatusTooManyRequests, errTooMany.Error()}
	}
	return Refusal{http.StatusInternalServerError, fmt.Sprintf("Kubernetes could not be asked %s; the autoscaler's log says why", question)}
}
