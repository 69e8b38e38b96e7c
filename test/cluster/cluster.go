// Package cluster starts a real Kubernetes control plane for tests and for people who want
// to try something: etcd, kube-apiserver, kube-controller-manager and kube-scheduler, with
// kwok for nodes and pods, metrics-server for their usage, and an adapter whose custom and
// external metrics say what a test writes to it.
//
// The programs are built from the modules pinned in components/ and kept in the user's cache
// directory. A cluster is processes on loopback and one temporary directory; both go when
// Stop is called, and the processes also when their owner ends in any other way.
//
// It does not run containers: pods are simulated, and nothing answers on their addresses.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// Options are the choices of a caller of New.
type Options struct {
	// Progress is told what is being built and started, and which component ended by itself.
	// Nothing is told when it is nil.
	Progress io.Writer
}

// Cluster is a running control plane.
type Cluster struct {
	dir      string
	programs programs
	ports    map[string]int
	config   *rest.Config
	client   kubernetes.Interface
	http     *http.Client
	progress io.Writer

	mu        sync.Mutex
	processes map[string]*process
}

// startDeadline is far above the six seconds that a start takes, for machines that are busy.
const startDeadline = 3 * time.Minute

// New builds what is not built yet, starts a cluster and returns when it is ready: the API
// answers, nodes are Ready, pods can be created, and every metrics API is available.
// Usage of pods follows later: see WaitPodMetrics.
func New(ctx context.Context, options Options) (*Cluster, error) {
	progress := options.Progress
	if progress == nil {
		progress = io.Discard
	}
	found, err := findPrograms(ctx, progress)
	if err != nil {
		return nil, err
	}
	removeStaleDirs()
	// A free port can be taken by another process between our choice and the component's use.
	const attempts = 3
	for attempt := 1; ; attempt++ {
		c, err := start(ctx, found, progress)
		if err == nil || attempt == attempts || !strings.Contains(err.Error(), "address already in use") {
			return c, err
		}
	}
}

func start(ctx context.Context, found programs, progress io.Writer) (*Cluster, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, startDeadline, fmt.Errorf("the cluster was not ready within %s", startDeadline))
	defer cancel()
	began := time.Now()
	c, err := prepare(found, progress)
	if err != nil {
		return nil, err
	}
	if err := c.startAll(ctx); err != nil {
		if errors.Is(ctx.Err(), context.Canceled) {
			return nil, errors.Join(context.Cause(ctx), c.Stop(context.WithoutCancel(ctx)))
		}
		// The directory stays for whoever reads the logs named in the error; the next start removes it.
		return nil, errors.Join(err, c.stopAll(context.WithoutCancel(ctx)))
	}
	fmt.Fprintf(progress, "test cluster: ready in %.1fs, in %s\n", time.Since(began).Seconds(), c.dir)
	return c, nil
}

// prepare makes everything that the components read: directory, ports, certificates, kubeconfig.
func prepare(found programs, progress io.Writer) (*Cluster, error) {
	dir, err := makeDir()
	if err != nil {
		return nil, err
	}
	c := &Cluster{dir: dir, programs: found, progress: progress, processes: map[string]*process{}}
	if c.ports, err = freePorts(portNames); err != nil {
		return nil, err
	}
	if err := writeCertificates(c.path("pki")); err != nil {
		return nil, err
	}
	if err := c.writeForwardConfig(); err != nil {
		return nil, fmt.Errorf("writing kwok's configuration: %w", err)
	}
	if err := c.writeKubeconfig(); err != nil {
		return nil, err
	}
	if c.http, err = rest.HTTPClientFor(c.config); err != nil {
		return nil, fmt.Errorf("making the cluster's HTTP client: %w", err)
	}
	if c.client, err = kubernetes.NewForConfigAndClient(c.config, c.http); err != nil {
		return nil, fmt.Errorf("making the cluster's client: %w", err)
	}
	return c, nil
}

// Config is a copy of the administrator's client configuration.
func (c *Cluster) Config() *rest.Config { return rest.CopyConfig(c.config) }

// Kubeconfig is the path of the administrator's kubeconfig, which needs no other file.
func (c *Cluster) Kubeconfig() string { return c.path("kubeconfig") }

// Kubectl is the path of a kubectl of the cluster's version.
func (c *Cluster) Kubectl() string { return c.programs["kubectl"] }

// Logs is the directory with one log per component.
func (c *Cluster) Logs() string { return c.path("logs") }

// Stop ends every component and removes the cluster's directory.
func (c *Cluster) Stop(ctx context.Context) error {
	if err := c.stopAll(ctx); err != nil {
		return err
	}
	if err := os.RemoveAll(c.dir); err != nil {
		return fmt.Errorf("removing the cluster's directory: %w", err)
	}
	return nil
}

func (c *Cluster) path(elements ...string) string {
	return filepath.Join(append([]string{c.dir}, elements...)...)
}

// address is where the owner of a port in portNames listens.
func (c *Cluster) address(name string) string { return "127.0.0.1:" + c.port(name) }

func (c *Cluster) port(name string) string { return strconv.Itoa(c.ports[name]) }
