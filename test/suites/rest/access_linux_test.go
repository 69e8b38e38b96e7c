package rest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

const (
	// prefix stands before a path in the right to it.
	prefix = "/custom-pod-autoscaler"
	ours   = prefix + "/api/v1/*" // the paths that a ClusterRole allows

	measures  = "/api/v1/metrics?dry_run=true"
	evaluates = "/api/v1/evaluation?dry_run=true"
	decisions = "/api/v1/decisions"
	nothing   = "/api/v1/nothing"

	aMeasure     = `[{"resource":"web","value":""}]`
	anEvaluation = `{"targetReplicas":1,"recommendation":1}`
	wantsToken   = "Unauthorized: a token that Kubernetes knows has to be presented"
)

func TestWhoMayCall(t *testing.T) {
	t.Parallel()
	autoscaler := createAutoscaler(t).delegates()
	n := harness.StartPodNetwork(t)
	p := startInPod(n, autoscaler, "")
	local, neighbour := n.Local(), n.Neighbour()
	nobody := autoscaler.caller("nobody", "", "")
	reader := autoscaler.caller("reader", ours, "get")
	operator := autoscaler.caller("operator", ours, "get,post")
	unaware := autoscaler.caller("unaware", "/api/v1/*", "get,post")
	answers(p, []apiCall{
		{"loopback measures without a token", local, "", harness.Get, measures, 200, aMeasure},
		{"loopback evaluates without a token", local, "", harness.Post, evaluates, 200, anEvaluation},
		{"others need a token to measure", neighbour, "", harness.Get, measures, 401, wantsToken},
		{"others need a token to evaluate", neighbour, "", harness.Post, evaluates, 401, wantsToken},
		{"a password is no token", saying(neighbour, "Authorization", "Basic YWRtaW46YWRtaW4="), "", harness.Get, measures, 401, wantsToken},
		{"a token that nobody made", neighbour, "rubbish", harness.Get, measures, 401, wantsToken},
		{"a token that has expired", neighbour, harness.TokenUntil(t, operator.namespace, operator.name, time.Now().Add(-time.Minute)), harness.Get, measures, 401, wantsToken},
		{"the same with time left", neighbour, harness.TokenUntil(t, operator.namespace, operator.name, time.Now().Add(time.Hour/2)), harness.Post, evaluates, 200, anEvaluation},
		{"a token whose account is gone", neighbour, autoscaler.caller("gone", ours, "get").lateToken(), harness.Get, measures, 401, wantsToken},
		{"a token that is meant for others than Kubernetes", neighbour, operator.foreignToken(), harness.Get, measures, 401, wantsToken},
		{"a user without rights does not measure", neighbour, nobody.token(), harness.Get, measures, 403, nobody.mayNot("get", prefix+"/api/v1/metrics")},
		{"a user without rights does not read", neighbour, nobody.token(), harness.Get, decisions, 403, nobody.mayNot("get", prefix+decisions)},
		{"a user without rights does not read the latest", neighbour, nobody.token(), harness.Get, decisions + "/latest", 403, nobody.mayNot("get", prefix+decisions+"/latest")},
		{"a user without rights is not told what there is", neighbour, nobody.token(), harness.Get, nothing, 403, nobody.mayNot("get", prefix+nothing)},
		{"a user without rights does not read by another spelling", neighbour, nobody.token(), harness.Get, "//api/v1/metrics", 403, nobody.mayNot("get", prefix+"//api/v1/metrics")},
		{"a user without rights has no other method", neighbour, nobody.token(), "OPTIONS", measures, 403, nobody.mayNot("options", prefix+"/api/v1/metrics")},
		{"a user without rights does not evaluate", neighbour, nobody.token(), harness.Post, evaluates, 403, nobody.mayNot("post", prefix+"/api/v1/evaluation")},
		{"a right without the prefix reads nothing", neighbour, unaware.token(), harness.Get, decisions, 403, unaware.mayNot("get", prefix+decisions)},
		{"a right without the prefix does not evaluate", neighbour, unaware.token(), harness.Post, evaluates, 403, unaware.mayNot("post", prefix+"/api/v1/evaluation")},
		{"the prefix is no path of ours", local, "", harness.Get, prefix + decisions, 404, "not found"},
		{"who may do everything measures", neighbour, operator.token(), harness.Get, measures, 200, aMeasure},
		{"who may do everything evaluates", neighbour, operator.token(), harness.Post, evaluates, 200, anEvaluation},
		{"who may read measures", neighbour, reader.token(), harness.Get, measures, 200, aMeasure},
		{"who may read does not evaluate", neighbour, reader.token(), harness.Post, evaluates, 403, reader.mayNot("post", prefix+"/api/v1/evaluation")},
		{"a neighbour that says it is on loopback", saying(neighbour, "X-Forwarded-For", "127.0.0.1", "Forwarded", "for=127.0.0.1"), "", harness.Get, measures, 401, wantsToken},
		{"a proxy on loopback speaks for somebody elsewhere", saying(local, "X-Forwarded-For", "203.0.113.9"), "", harness.Get, measures, 401, wantsToken},
		{"a proxy that says so as RFC 7239 does", saying(local, "Forwarded", "for=203.0.113.9"), "", harness.Get, measures, 401, wantsToken},
		{"a proxy that hands a token on", saying(local, "X-Forwarded-For", "203.0.113.9"), reader.token(), harness.Get, measures, 200, aMeasure},
		{"the kubelet asks whether it lives", neighbour, "", harness.Get, "/healthz", 200, "ok"},
		{"the kubelet asks whether it is ready", neighbour, "", harness.Get, "/readyz", 200, "ok"},
		{"Prometheus reads", neighbour, "", harness.Get, "/metrics", 200, "# TYPE "},
		{"a stranger is not told what there is", neighbour, "", harness.Get, nothing, 401, wantsToken},
		{"who may do everything is told", neighbour, operator.token(), harness.Get, nothing, 404, "Resource '/api/v1/nothing' not found"},
	})
}

func TestAccessPrefixIsPartOfTheRight(t *testing.T) {
	t.Parallel()
	autoscaler := createAutoscaler(t).delegates()
	n := harness.StartPodNetwork(t)
	p := startInPod(n, autoscaler, `, "accessPrefix": "/team-a"`)
	member := autoscaler.caller("member", "/team-a/api/v1/*", "get")
	other := autoscaler.caller("other", ours, "get,post")
	answers(p, []apiCall{
		{"a member reads", n.Neighbour(), member.token(), harness.Get, decisions, 200, ""},
		{"a member who may read does not evaluate", n.Neighbour(), member.token(), harness.Post, evaluates, 403, member.mayNot("post", "/team-a/api/v1/evaluation")},
		{"a right with the default prefix reads nothing", n.Neighbour(), other.token(), harness.Get, decisions, 403, other.mayNot("get", "/team-a"+decisions)},
		{"loopback reads", n.Local(), "", harness.Get, decisions, 200, ""},
	})
}

// TestAccessPrefixThatIsEmptyOpensReading by the ClusterRole system:discovery, and the log says so.
func TestAccessPrefixThatIsEmptyOpensReading(t *testing.T) {
	t.Parallel()
	autoscaler := createAutoscaler(t).delegates()
	n := harness.StartPodNetwork(t)
	p := startInPod(n, autoscaler, `, "accessPrefix": ""`)
	nobody := autoscaler.caller("nobody", "", "")
	p.Logs("level=WARN", "every user of the cluster may read the REST API and run user logic by it", "apiConfig.accessPrefix")
	answers(p, []apiCall{
		{"a user without rights reads", n.Neighbour(), nobody.token(), harness.Get, decisions, 200, ""},
		{"a user without rights does not evaluate", n.Neighbour(), nobody.token(), harness.Post, evaluates, 403, nobody.mayNot("post", "/api/v1/evaluation")},
		{"a stranger does not read", n.Neighbour(), "", harness.Get, decisions, 401, wantsToken},
	})
}

// TestAPIRolesOfThePage applies the ClusterRoles of docs/rest-api.md, under names of the test's own.
func TestAPIRolesOfThePage(t *testing.T) {
	t.Parallel()
	page := harness.ReadFile(t, harness.Root+"/docs/rest-api.md")
	_, roles, _ := strings.Cut(page[strings.Index(page, "## Who may call"):], "```yaml\n")
	roles, _, _ = strings.Cut(roles, "```")
	autoscaler := createAutoscaler(t).delegates()
	reader, caller := autoscaler.caller("reader", "", ""), autoscaler.caller("caller", "", "")
	roles = strings.NewReplacer("custom-pod-autoscaler-api-reader", reader.unique(), "custom-pod-autoscaler-api-caller", caller.unique()).Replace(roles)
	harness.Kubectl(t, roles, "create", "-f", "-")
	t.Cleanup(func() { harness.Kubectl(t, roles, "delete", "-f", "-") })
	for of, path := range map[account]string{reader: prefix + decisions, caller: prefix + "/api/v1/metrics"} {
		of.bind(of.unique(), authorizationv1.SubjectAccessReviewSpec{NonResourceAttributes: &authorizationv1.NonResourceAttributes{Path: path, Verb: "get"}})
	}
	n := harness.StartPodNetwork(t)
	p := startInPod(n, autoscaler, "")
	answers(p, []apiCall{
		{"a reader reads", n.Neighbour(), reader.token(), harness.Get, decisions, 200, ""},
		{"a reader reads the latest", n.Neighbour(), reader.token(), harness.Get, decisions + "/latest", 200, ""},
		{"a reader runs nothing", n.Neighbour(), reader.token(), harness.Get, measures, 403, reader.mayNot("get", prefix+"/api/v1/metrics")},
		{"a reader does not scale", n.Neighbour(), reader.token(), harness.Post, evaluates, 403, reader.mayNot("post", prefix+"/api/v1/evaluation")},
		{"a caller reads", n.Neighbour(), caller.token(), harness.Get, decisions, 200, ""},
		{"a caller measures", n.Neighbour(), caller.token(), harness.Get, measures, 200, aMeasure},
		{"a caller evaluates", n.Neighbour(), caller.token(), harness.Post, evaluates, 200, anEvaluation},
	})
}

func TestARightThatIsTakenAwayEndsSoon(t *testing.T) {
	t.Parallel()
	autoscaler := createAutoscaler(t).delegates()
	n := harness.StartPodNetwork(t)
	p := startInPod(n, autoscaler, "")
	demoted, dismissed := autoscaler.caller("demoted", ours, "get,post"), autoscaler.caller("dismissed", ours, "get,post")
	for _, row := range []struct {
		name, taken string
		from        account
		code        int
	}{
		{"the right", "clusterrolebinding/" + demoted.unique(), demoted, 403},
		{"the account", "serviceaccount/dismissed", dismissed, 401},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			row.from.T = t
			client, token := n.Neighbour(), row.from.token()
			answers(p, []apiCall{{"before", client, token, harness.Post, evaluates, 200, anEvaluation}})
			row.from.delete(row.taken)
			began := time.Now()
			harness.Eventually(t, "it to be refused", func() (bool, error) {
				got, err := harness.CallBy(t, client, harness.Post, p.URL(evaluates), token)
				return got.Code == row.code, fmt.Errorf("%v, %w", got, err)
			})
			// The program believes an answer for ten seconds, and kube-apiserver its own about a token for as long.
			if took := time.Since(began); took > 40*time.Second {
				t.Errorf("it was served for another %s", took)
			}
		})
	}
}

func TestAnswersOfTheClusterAreRemembered(t *testing.T) {
	t.Parallel()
	p, proxy, in := startBehindProxy(t)
	reader, nobody := in.caller("reader", ours, "get").token(), in.caller("nobody", "", "").token()
	for _, row := range []struct {
		name, token, method, path string
		calls, code               int
		tokens, rights            int // that the cluster is asked about
	}{
		{"what is allowed is asked once", reader, harness.Get, decisions, 20, 200, 1, 1},
		{"another path is another right of the same caller", reader, harness.Get, nothing, 20, 404, 0, 1},
		{"what is forbidden is asked once", nobody, harness.Post, evaluates, 20, 403, 1, 1},
		{"a token that is not known is not kept: there is no end of those", "rubbish", harness.Get, decisions, 3, 401, 3, 0},
	} {
		tokens, rights, began := askedFor(proxy, "tokenreviews"), askedFor(proxy, "subjectaccessreviews"), time.Now()
		for range row.calls {
			answers(p, []apiCall{{row.name, elsewhere(), row.token, row.method, row.path, row.code, ""}})
		}
		tokens, rights = askedFor(proxy, "tokenreviews")-tokens, askedFor(proxy, "subjectaccessreviews")-rights
		if tokens != row.tokens || rights != row.rights {
			t.Errorf("%s: %d TokenReviews and %d SubjectAccessReviews, want %d and %d; the calls took %s, and an answer is kept for 10s",
				row.name, tokens, rights, row.tokens, row.rights, time.Since(began))
		}
	}
}

func TestAFailureToAskIsNotRemembered(t *testing.T) {
	t.Parallel()
	p, proxy, in := startBehindProxy(t)
	reader := in.caller("reader", ours, "get")
	broken := harness.Refuse(http.StatusInternalServerError, metav1.StatusReasonInternalError)
	for resource, says := range map[string]string{
		"tokenreviews":         "Kubernetes could not be asked whose token this is",
		"subjectaccessreviews": "Kubernetes could not be asked whether its user may call this",
	} {
		token := reader.token()
		proxy.Answer(func(w http.ResponseWriter, r *http.Request) bool {
			return strings.HasSuffix(r.URL.Path, "/"+resource) && broken(w, r)
		})
		answers(p, []apiCall{{"without " + resource, elsewhere(), token, harness.Get, decisions, 500, says}})
		proxy.Answer(nil)
		answers(p, []apiCall{{"with " + resource + " again", elsewhere(), token, harness.Get, decisions, 200, ""}})
	}
}

func TestTheClusterCannotBeAskedAboutACaller(t *testing.T) {
	t.Parallel()
	autoscaler := createAutoscaler(t)
	n := harness.StartPodNetwork(t)
	p := startInPod(n, autoscaler, "")
	token := autoscaler.caller("reader", ours, "get").token()
	const message = "Kubernetes could not be asked whose token this is; the autoscaler's log says why"
	answers(p, []apiCall{
		{"who may is not let in", n.Neighbour(), token, harness.Get, decisions, 500, message},
		{"nor the next time", n.Neighbour(), token, harness.Get, decisions, 500, message},
		{"who has no token is not asked about", n.Neighbour(), "", harness.Get, decisions, 401, wantsToken},
		{"loopback is served", n.Local(), "", harness.Post, evaluates, 200, anEvaluation},
	})
	p.Logs("asking Kubernetes about a caller of the REST API failed", "tokenreviews", "is forbidden",
		"bind the ClusterRole system:auth-delegator to its service account, or set apiConfig.authentication: none")
	if lines := p.Lines("asking Kubernetes about a caller"); len(lines) != 1 {
		t.Errorf("the log says it %d times, want once", len(lines))
	}
	autoscaler.delegates()
	answers(p, []apiCall{{"who may is let in at once when the right is there", n.Neighbour(), token, harness.Get, decisions, 200, ""}})
}

func TestTheOpenPort(t *testing.T) {
	t.Parallel()
	n := harness.StartPodNetwork(t)
	p := startInPod(n, createAutoscaler(t), `, "authentication": "none"`)
	p.Logs("level=WARN", "everybody who reaches the port may scale the target (apiConfig.authentication: none)", "host=0.0.0.0", "port=5000")
	answers(p, []apiCall{
		{"everybody evaluates", n.Neighbour(), "", harness.Post, evaluates, 200, anEvaluation},
		{"no token is looked at", n.Neighbour(), "rubbish", harness.Get, measures, 200, aMeasure},
		{"everybody is told what there is", n.Neighbour(), "", harness.Get, nothing, 404, "Resource '/api/v1/nothing' not found"},
	})
}

func TestMetricsMayBeClosed(t *testing.T) {
	t.Parallel()
	autoscaler := createAutoscaler(t).delegates()
	n := harness.StartPodNetwork(t)
	p := startInPod(n, autoscaler, `, "metricsAuthentication": true`)
	nobody, prometheus := autoscaler.caller("nobody", "", ""), autoscaler.caller("prometheus", "/metrics", "get")
	answers(p, []apiCall{
		{"a stranger", n.Neighbour(), "", harness.Get, "/metrics", 401, wantsToken},
		{"who has no rights", n.Neighbour(), nobody.token(), harness.Get, "/metrics", 403, nobody.mayNot("get", "/metrics")},
		{"who may", n.Neighbour(), prometheus.token(), harness.Get, "/metrics", 200, "# TYPE "},
		{"who may this, and nothing else", n.Neighbour(), prometheus.token(), harness.Post, evaluates, 403, prometheus.mayNot("post", prefix+"/api/v1/evaluation")},
		{"loopback", n.Local(), "", harness.Get, "/metrics", 200, "# TYPE "},
		{"the kubelet still asks whether it lives", n.Neighbour(), "", harness.Get, "/healthz", 200, "ok"},
		{"the kubelet still asks whether it is ready", n.Neighbour(), "", harness.Get, "/readyz", 200, "ok"},
	})
}

// startInPod runs the program as a pod does: in a network of its own, whose every port is free, and as a service account.
func startInPod(n *harness.PodNetwork, as account, apiConfig string) *harness.Program {
	n.Helper()
	p := harness.Start(n.T, harness.Options{
		Config: harness.BaseConfig(as.namespace), Files: harness.Replies(1), Around: n.Inside, Kube: harness.ServiceAccount(n.T, as.namespace, as.name),
		Env: []string{`apiConfig={"host": "0.0.0.0", "port": 5000` + apiConfig + `}`},
	})
	p.Port = 5000
	p.IsReady(n.Neighbour())
	return p
}

// startBehindProxy runs the program with all rights, so that what it asks Kubernetes is seen. It is called from elsewhere().
func startBehindProxy(t *testing.T) (*harness.Program, *harness.Proxy, account) {
	t.Helper()
	proxy, in := harness.StartProxy(t), account{t, harness.Deploy(t, 1), "default"}
	p := harness.Start(t, harness.Options{Config: harness.BaseConfig(in.namespace), Files: harness.Replies(1), Kube: proxy.Kubeconfig})
	p.IsReady(http.DefaultClient)
	return p, proxy, in
}

// elsewhere is a client on loopback that is not local: it says that it is a proxy.
func elsewhere() *http.Client {
	return saying(&http.Client{Transport: http.DefaultTransport, Timeout: harness.Patience}, "X-Forwarded-For", "203.0.113.9")
}

// askedFor counts what kube-apiserver answered for a resource.
func askedFor(p *harness.Proxy, resource string) (count int) {
	for _, call := range p.Noted() {
		if strings.HasSuffix(call.Path, "/"+resource) {
			count++
		}
	}
	return count
}

// account is a service account: the autoscaler's, or a caller's.
type account struct {
	*testing.T
	namespace, name string
}

// createAutoscaler gives the account of an autoscaler that may look after its target, and nothing else.
func createAutoscaler(t *testing.T) account {
	t.Helper()
	namespace := harness.Deploy(t, 1)
	harness.Kubectl(t, `
apiVersion: v1
kind: ServiceAccount
metadata: {name: autoscaler}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: autoscaler}
rules:
  - {apiGroups: [apps], resources: [deployments], verbs: [get]}
  - {apiGroups: [apps], resources: [deployments/scale], verbs: [get, patch]}
  - {apiGroups: [""], resources: [events], verbs: [create, patch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: autoscaler}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: autoscaler}
subjects: [{kind: ServiceAccount, name: autoscaler}]
`, "create", "-n", namespace, "-f", "-")
	return account{t, namespace, "autoscaler"}
}

// delegates lets the account ask Kubernetes about callers.
func (a account) delegates() account {
	a.Helper()
	a.bind("system:auth-delegator", authorizationv1.SubjectAccessReviewSpec{
		ResourceAttributes: &authorizationv1.ResourceAttributes{Group: "authentication.k8s.io", Resource: "tokenreviews", Verb: "create"},
	})
	return a
}

// caller creates an account next to this one that may do what the verbs say at paths, if there are verbs.
func (a account) caller(name, paths, verbs string) account {
	a.Helper()
	c := account{a.T, a.namespace, name}
	harness.Kubectl(c.T, "", "create", "serviceaccount", c.name, "-n", c.namespace)
	if verbs == "" {
		return c
	}
	harness.Kubectl(c.T, "", "create", "clusterrole", c.unique(), "--non-resource-url="+paths, "--verb="+verbs)
	c.Cleanup(func() { c.delete("clusterrole/" + c.unique()) })
	c.bind(c.unique(), authorizationv1.SubjectAccessReviewSpec{
		NonResourceAttributes: &authorizationv1.NonResourceAttributes{Path: paths, Verb: verbs[strings.LastIndex(verbs, ",")+1:]},
	})
	return c
}

// bind gives the account a ClusterRole, and waits until a right of it is known: the program would remember that it was not.
func (a account) bind(role string, right authorizationv1.SubjectAccessReviewSpec) {
	a.Helper()
	harness.Kubectl(a.T, "", "create", "clusterrolebinding", a.unique(), "--clusterrole="+role, "--serviceaccount="+a.namespace+":"+a.name)
	a.Cleanup(func() { a.delete("clusterrolebinding/" + a.unique()) })
	right.User = a.user()
	harness.Eventually(a.T, "the right of "+right.User+" to be known", func() (bool, error) {
		review := &authorizationv1.SubjectAccessReview{Spec: right}
		review, err := harness.Client(a.T).AuthorizationV1().SubjectAccessReviews().Create(a.Context(), review, metav1.CreateOptions{})
		return err == nil && review.Status.Allowed, err
	})
}

// delete deletes something, if it is there.
func (a account) delete(what string) {
	a.Helper()
	harness.Kubectl(a.T, "", "delete", what, "-n", a.namespace, "--ignore-not-found")
}

// unique is the name of what is the account's and in no namespace.
func (a account) unique() string { return a.namespace + "-" + a.name }

func (a account) user() string { return "system:serviceaccount:" + a.namespace + ":" + a.name }

// mayNot is what the account is told.
func (a account) mayNot(verb, path string) string {
	return fmt.Sprintf("Forbidden: user '%s' may not '%s' '%s'", a.user(), verb, path)
}

func (a account) token() string {
	a.Helper()
	return harness.Token(a.T, a.namespace, a.name)
}

// foreignToken is a good one, but for others than kube-apiserver.
func (a account) foreignToken() string {
	a.Helper()
	return strings.TrimSpace(harness.Kubectl(a.T, "", "create", "token", a.name, "-n", a.namespace, "--audience=others"))
}

// lateToken is one that was good until its account was deleted.
func (a account) lateToken() string {
	a.Helper()
	late := a.token()
	a.delete("serviceaccount/" + a.name)
	harness.Eventually(a.T, "Kubernetes not to know the token", func() (bool, error) {
		review := &authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: late}}
		review, err := harness.Client(a.T).AuthenticationV1().TokenReviews().Create(a.Context(), review, metav1.CreateOptions{})
		return err == nil && !review.Status.Authenticated, err
	})
	return late
}
