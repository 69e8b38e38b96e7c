package e2e

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
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
	namespace := deploy(t, 1)
	example, err := os.ReadFile("../../examples/k8s-metrics-cpu/autoscaler.yaml")
	if err != nil {
		t.Fatal(err)
	}
	kubectl(t, string(example), "apply", "-n", namespace, "-f", "-")

	p := &program{T: t, dir: t.TempDir(), log: &lockedBuffer{}, exited: make(chan struct{})}
	root := filepath.Join(p.dir, "root")
	for _, folder := range []string{root, filepath.Join(p.dir, "serviceaccount")} {
		if err := os.Mkdir(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	api := cluster.Start(t).Config()
	p.write("serviceaccount/token", token(t, namespace, "web-autoscaler"))
	p.write("serviceaccount/ca.crt", string(api.CAData))
	p.write("config.yaml", `
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
	if err := os.Link(build(t, plain...), filepath.Join(p.dir, "program")); err != nil {
		t.Fatal(err)
	}
	p.cmd = exec.Command("sh", "-c", container)
	p.cmd.Dir = p.dir
	p.cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "ROOT=" + root, "namespace=" + namespace,
		fmt.Sprintf("apiConfig={port: %d, host: 127.0.0.1}", freePort(t)),
		"KUBERNETES_SERVICE_HOST=" + address.Hostname(), "KUBERNETES_SERVICE_PORT=" + address.Port(),
	}
	p.cmd.SysProcAttr = processOne()
	p.cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWNS
	p.run()

	scalesTo(t, namespace, 3) // so metric's parent was process 1
	if code := p.stop(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
}
