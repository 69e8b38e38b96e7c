package autoscaler

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
	"github.com/custom-pod-autoscaler/autoscaler/v3/test/harness"
)

// container makes $ROOT a container's file system out of this machine's, and runs the image's command in it as the
// first process, with no arguments: what CMD ["/app/custom-pod-autoscaler"] does.
const container = `
set -e
mount -t tmpfs tmpfs "$ROOT"
for folder in bin lib lib64 usr etc; do
  if [ -L /$folder ]; then cp -P /$folder "$ROOT/$folder"; continue; fi
  if [ -d /$folder ]; then mkdir "$ROOT/$folder"; mount --rbind /$folder "$ROOT/$folder"; fi
done
mkdir -p "$ROOT/dev" "$ROOT/proc" "$ROOT/app" "$ROOT/var/run/secrets/kubernetes.io"
touch "$ROOT/dev/null"
mount --bind /dev/null "$ROOT/dev/null"
mount -t proc proc "$ROOT/proc"
cp program "$ROOT/app/custom-pod-autoscaler"
cp config.yaml "$ROOT/config.yaml"
cp -r serviceaccount "$ROOT/var/run/secrets/kubernetes.io/serviceaccount"
exec chroot "$ROOT" /app/custom-pod-autoscaler
`

// TestAsAnImageRunsIt starts the program as an existing image does: process 1, no arguments, the configuration at
// /config.yaml and from the environment, and the credentials that Kubernetes gives to a pod.
func TestAsAnImageRunsIt(t *testing.T) {
	t.Parallel()
	namespace := harness.Deploy(t, 1)
	example, err := os.ReadFile(harness.Root + "/examples/k8s-metrics-cpu/autoscaler.yaml")
	if err != nil {
		t.Fatal(err)
	}
	harness.Kubectl(t, string(example), "apply", "-n", namespace, "-f", "-")

	p := &harness.Program{T: t, Dir: t.TempDir(), Printed: &harness.LockedBuffer{}, Exited: make(chan struct{})}
	root := filepath.Join(p.Dir, "root")
	for _, folder := range []string{root, filepath.Join(p.Dir, "serviceaccount")} {
		if err := os.Mkdir(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	api := cluster.Start(t).Config()
	p.Write("serviceaccount/token", harness.Token(t, namespace, "web-autoscaler"))
	p.Write("serviceaccount/ca.crt", string(api.CAData))
	p.Write("config.yaml", `
scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
runMode: per-resource
interval: 300
metric: {type: shell, shell: {command: ["-c", "cat > /dev/null; echo $PPID"]}}
evaluate: {type: shell, shell: {command: ["-c", "grep -q '\"value\":\"1\\\\n\"' && echo '{\"targetReplicas\": 3}'"]}}
`)
	address, err := url.Parse(api.Host)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Link(harness.Build(t, harness.PlainFlags...), filepath.Join(p.Dir, "program")); err != nil {
		t.Fatal(err)
	}
	p.Cmd = exec.Command("sh", "-c", container)
	p.Cmd.Dir = p.Dir
	p.Cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "ROOT=" + root, "namespace=" + namespace,
		fmt.Sprintf("apiConfig={port: %d, host: 127.0.0.1}", harness.FreePort(t)),
		"KUBERNETES_SERVICE_HOST=" + address.Hostname(), "KUBERNETES_SERVICE_PORT=" + address.Port(),
	}
	p.Cmd.SysProcAttr = harness.ProcessOne()
	p.Cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWNS
	p.RunCommand()

	harness.ScalesTo(t, namespace, 3) // so metric's parent was process 1
	if code := p.Stop(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
}
