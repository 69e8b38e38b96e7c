// Package access tells who may call the REST API: it asks the cluster whose token a request bears, and whether that user
// may do what it asks for.
//
// A request comes in; nothing, or the reason for a refusal with its status code, goes out. Answers of the cluster are
// believed for a while, so that a client that polls costs it little. What is served is not known here.
package access

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"golang.org/x/sync/singleflight"
	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/apimachinery/pkg/util/cache"
	"k8s.io/apiserver/pkg/authentication/request/bearertoken"
	tokencache "k8s.io/apiserver/pkg/authentication/token/cache"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/client-go/util/flowcontrol"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/kube"
)

const (
	// believed is how long an answer is, and so how long a right is kept after it was taken away.
	believed = 10 * time.Second

	// mostAnswers bounds what is remembered of who may do what.
	mostAnswers = 1024

	// The cluster is asked so many questions a second, or so many at once after a while without: strangers with tokens that
	// they make up must not use up what the API server has for the autoscaler itself. Nobody waits for a question, so that
	// they cannot keep others waiting either.
	questions, atOnce = 20, 100
)

// Refusal is why a request is not served, and the status code that says so.
type Refusal struct {
	Status  int
	Message string
}

func (r Refusal) Error() string { return r.Message }

// Code is the status code of HTTP.
func (r Refusal) Code() int { return r.Status }

// series is asked about without the prefix: it is the path by which Prometheus is given the right to read any component.
const series = "/metrics"

// Gate lets requests in whose bearer token the cluster knows, and whose user it allows the path, behind a prefix, as a
// non-resource URL.
type Gate struct {
	api     *kube.Client
	prefix  string
	tokens  *bearertoken.Authenticator
	answers *cache.LRUExpireCache
	asking  singleflight.Group // what many want to know at the same time is asked once
	pace    flowcontrol.RateLimiter
	failed  func(error)
}

// NewGate gives a gate of the cluster's. Where the cluster cannot be asked, failed is told why.
func NewGate(api *kube.Client, prefix string, failed func(error)) *Gate {
	g := &Gate{api: api, prefix: prefix, answers: cache.NewLRUExpireCache(mostAnswers), pace: flowcontrol.NewTokenBucketRateLimiter(questions, atOnce), failed: failed}
	// A token that is not known is not remembered: there is no end of those.
	g.tokens = bearertoken.New(tokencache.New(reviewer{g}, false, believed, 0))
	return g
}

// Admit gives a Refusal, or nil.
func (g *Gate) Admit(r *http.Request) error {
	response, known, err := g.tokens.AuthenticateRequest(r)
	switch unasked, ok := err.(unaskedError); {
	case ok:
		return unasked.refusal("whose token this is")
	case r.Context().Err() != nil: // and so has the answer been given up
		return Refusal{http.StatusServiceUnavailable, "the caller is gone"}
	case !known:
		return Refusal{http.StatusUnauthorized, "Unauthorized: a token that Kubernetes knows has to be presented, as the header 'Authorization: Bearer TOKEN' (an autoscaler needs none from callers on loopback: 127.0.0.1, ::1 or localhost, and not through a proxy)"}
	}
	verb, path := strings.ToLower(r.Method), g.prefix+r.URL.Path
	if r.URL.Path == series {
		path = series
	}
	allowed, err := g.allows(r.Context(), response.User, verb, path)
	switch {
	case err != nil:
		return unaskedError{err}.refusal("whether its user may call this")
	case !allowed:
		return Refusal{http.StatusForbidden, fmt.Sprintf("Forbidden: user '%s' may not '%s' '%s': a ClusterRole that is bound to it has to allow this verb on this nonResourceURL (see apiConfig.accessPrefix)",
			response.User.GetName(), verb, path)}
	}
	return nil
}

// allows asks for a SubjectAccessReview, if it has not just been asked for.
func (g *Gate) allows(ctx context.Context, who user.Info, verb, path string) (bool, error) {
	spec := authorizationv1.SubjectAccessReviewSpec{
		NonResourceAttributes: &authorizationv1.NonResourceAttributes{Path: path, Verb: verb},
		User:                  who.GetName(), UID: who.GetUID(), Groups: who.GetGroups(), Extra: extraOf(who),
	}
	key, err := json.Marshal(spec)
	if err != nil {
		return false, err
	}
	if allowed, remembered := g.answers.Get(string(key)); remembered {
		return allowed.(bool), nil
	}
	answer, err, _ := g.asking.Do(string(key), func() (any, error) {
		review := &authorizationv1.SubjectAccessReview{Spec: spec}
		// Others may wait for the answer when this caller has gone.
		if err := g.review(context.WithoutCancel(ctx), authorizationv1.SchemeGroupVersion, "subjectaccessreviews", review); err != nil {
			return false, err
		}
		allowed := review.Status.Allowed && !review.Status.Denied
		g.answers.Add(string(key), allowed, believed)
		return allowed, nil
	})
	return answer.(bool), err
}

func extraOf(who user.Info) map[string]authorizationv1.ExtraValue {
	extra := map[string]authorizationv1.ExtraValue{}
	for key, values := range who.GetExtra() {
		extra[key] = values
	}
	return extra
}
