package cluster

// component is one program of the cluster: how it is built, started, and known to be ready.
type component struct {
	name string
	// source is the package that `go build` makes the program from.
	source string
	// stage orders the start: components of one stage start together, once those of the
	// stage before are ready. Programs of stage notStarted are built only.
	stage int
	args  func(*Cluster) []string
	ready check
	env   []string
}

const (
	notStarted = iota
	storage
	api
	kubelet
	clients
)

var components = []component{
	{name: "etcd", source: "go.etcd.io/etcd/server/v3", stage: storage, args: etcdArgs, ready: answers("etcd", "/health")},
	{name: "kube-apiserver", source: kubernetesCommand("kube-apiserver"), stage: api, args: apiServerArgs, ready: answers("kube-apiserver", "/readyz")},
	{name: "kube-controller-manager", source: kubernetesCommand("kube-controller-manager"), stage: clients, args: controllerManagerArgs, ready: all(answers("kube-controller-manager", "/healthz"), serviceAccountExists("default"))},
	{name: "kube-scheduler", source: kubernetesCommand("kube-scheduler"), stage: clients, args: schedulerArgs, ready: answers("kube-scheduler", "/healthz")},
	{name: "kwok", source: "sigs.k8s.io/kwok/cmd/kwok", stage: kubelet, args: kwokArgs, ready: answers("kwok", "/healthz"), env: kwokEnv},
	{name: "metrics-server", source: "sigs.k8s.io/metrics-server/cmd/metrics-server", stage: clients, args: metricsServerArgs, ready: all(answers("metrics-server", "/livez"), forwarded("metrics-server"))},
	{name: "test-adapter", source: componentsPath + "/test-adapter", stage: clients, args: testAdapterArgs, ready: all(answers("test-adapter", "/livez"), forwarded("test-adapter"))},
	{name: "kubectl", source: kubernetesCommand("kubectl"), stage: notStarted},
}

func kubernetesCommand(name string) string { return "k8s.io/kubernetes/cmd/" + name }

func find(name string) (component, bool) {
	for _, part := range components {
		if part.name == name {
			return part, true
		}
	}
	return component{}, false
}

func etcdArgs(c *Cluster) []string {
	client, peer := "https://"+c.address("etcd"), "http://"+c.address("etcd-peer")
	return []string{
		"--data-dir=" + c.path("etcd"),
		"--listen-client-urls=" + client,
		"--advertise-client-urls=" + client,
		"--listen-peer-urls=" + peer,
		"--initial-advertise-peer-urls=" + peer,
		"--initial-cluster=default=" + peer,
		// Certificates keep a kube-apiserver away from the etcd of another cluster.
		"--cert-file=" + c.path("pki", "serving.crt"),
		"--key-file=" + c.path("pki", "serving.key"),
		"--trusted-ca-file=" + c.path("pki", "ca.crt"),
		"--client-cert-auth",
		// A power failure may cost the data: nobody wants it the day after.
		"--unsafe-no-fsync",
		"--log-level=warn",
	}
}

func apiServerArgs(c *Cluster) []string {
	return append(c.serving("kube-apiserver"),
		"--etcd-servers=https://"+c.address("etcd"),
		"--etcd-cafile="+c.path("pki", "ca.crt"),
		"--etcd-certfile="+c.path("pki", "admin.crt"),
		"--etcd-keyfile="+c.path("pki", "admin.key"),
		// Endpoints refuse a loopback address, and nothing in the cluster calls the API by its service.
		"--advertise-address=127.0.0.1",
		"--endpoint-reconciler-type=none",
		"--service-cluster-ip-range=10.96.0.0/16",
		"--allow-privileged",
		"--authorization-mode=RBAC",
		"--client-ca-file="+c.path("pki", "ca.crt"),
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file="+c.path("pki", "service-account.key"),
		"--service-account-signing-key-file="+c.path("pki", "service-account.key"),
		"--proxy-client-cert-file="+c.path("pki", "front-proxy.crt"),
		"--proxy-client-key-file="+c.path("pki", "front-proxy.key"),
		"--requestheader-client-ca-file="+c.path("pki", "front-proxy-ca.crt"),
		"--requestheader-allowed-names=front-proxy",
		"--requestheader-username-headers=X-Remote-User",
		"--requestheader-group-headers=X-Remote-Group",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
	)
}

func controllerManagerArgs(c *Cluster) []string {
	return append(c.delegating("kube-controller-manager"),
		"--kubeconfig="+c.Kubeconfig(),
		"--leader-elect=false",
		"--service-account-private-key-file="+c.path("pki", "service-account.key"),
		"--root-ca-file="+c.path("pki", "ca.crt"),
		"--kube-api-qps=200",
		"--kube-api-burst=400",
	)
}

func schedulerArgs(c *Cluster) []string {
	return append(c.delegating("kube-scheduler"),
		"--kubeconfig="+c.Kubeconfig(),
		"--leader-elect=false",
		"--kube-api-qps=200",
		"--kube-api-burst=400",
	)
}

func kwokArgs(c *Cluster) []string {
	return []string{
		"--kubeconfig=" + c.Kubeconfig(),
		"--config=" + c.programs[kwokConfig],
		"--config=" + c.path(forwardConfig),
		"--manage-all-nodes",
		// Heartbeats: without them the nodes are taken for dead after 50 seconds, and their pods for unready.
		"--node-lease-duration-seconds=40",
		"--server-address=" + c.address("kwok"),
		"--node-ip=127.0.0.1",
		"--node-port=" + c.port("kwok"),
		"--cidr=10.244.0.1/16",
		"--tls-cert-file=" + c.path("pki", "serving.crt"),
		"--tls-private-key-file=" + c.path("pki", "serving.key"),
	}
}

func metricsServerArgs(c *Cluster) []string {
	return append(c.delegating("metrics-server"),
		"--kubeconfig="+c.Kubeconfig(),
		"--kubelet-certificate-authority="+c.path("pki", "ca.crt"),
		"--kubelet-preferred-address-types=InternalIP",
		"--kubelet-use-node-status-port",
		// The least it accepts; the request's timeout has to be below.
		"--metric-resolution=10s",
		"--kubelet-request-timeout=5s",
	)
}

func testAdapterArgs(c *Cluster) []string {
	return append(c.delegating("test-adapter"),
		"--lister-kubeconfig="+c.Kubeconfig(),
		"--write-address="+c.address("test-adapter-writes"),
	)
}

// serving are the flags of every server that is built on k8s.io/apiserver.
func (c *Cluster) serving(name string) []string {
	return []string{
		"--bind-address=127.0.0.1",
		"--secure-port=" + c.port(name),
		"--tls-cert-file=" + c.path("pki", "serving.crt"),
		"--tls-private-key-file=" + c.path("pki", "serving.key"),
	}
}

// delegating are the flags of such a server that asks kube-apiserver who its callers are and
// what they may do.
func (c *Cluster) delegating(name string) []string {
	return append(c.serving(name),
		"--authentication-kubeconfig="+c.Kubeconfig(),
		"--authorization-kubeconfig="+c.Kubeconfig(),
	)
}
