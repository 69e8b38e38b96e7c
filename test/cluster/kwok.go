package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// kwokConfig is the one file that is kept with the programs: how kwok's nodes and pods behave.
const kwokConfig = "kwok.yaml"

// forwardConfig is the file of each cluster that says where its pods forward to.
const forwardConfig = "kwok-forward.yaml"

func (c *Cluster) writeForwardConfig() error {
	text := fmt.Sprintf(`apiVersion: kwok.x-k8s.io/v1alpha1
kind: ClusterPortForward
metadata: {name: all}
spec: {forwards: [{target: {address: 127.0.0.1, port: %s}}]}
`, c.port(forwards))
	return os.WriteFile(c.path(forwardConfig), []byte(text), 0o600)
}

// Forwards is where kubectl port-forward leads to, whatever the pod. Nobody listens there until somebody wants to.
func (c *Cluster) Forwards() string { return c.address(forwards) }

// kwokEnv gives kwok one processor: it prepares its expressions lazily and without locks
// (github.com/wzshiming/easycel keeps types in plain maps), and in parallel that can end it
// with "concurrent map writes".
var kwokEnv = []string{"GOMAXPROCS=1"}

// kwokManifests ship with kwok and are all that it needs: nodes and pods become ready at once,
// and a pod uses what its annotations say.
var kwokManifests = []string{
	"stage/node/fast/node-initialize.yaml",
	"stage/pod/fast/pod-ready.yaml",
	"stage/pod/fast/pod-complete.yaml",
	"stage/pod/fast/pod-delete.yaml",
	"metrics/resource/metrics-resource.yaml",
	"metrics/usage/usage-from-annotation.yaml",
}

func (b *builder) writeKwokConfig(ctx context.Context, output string) error {
	answer, err := goCommand(ctx, b.source, "mod", "download", "-json", "sigs.k8s.io/kwok")
	if err != nil {
		return err
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(answer, &module); err != nil {
		return err
	}
	var config bytes.Buffer
	for _, manifest := range kwokManifests {
		content, err := os.ReadFile(filepath.Join(module.Dir, "kustomize", manifest))
		if err != nil {
			return err
		}
		fmt.Fprintf(&config, "---\n%s\n", content)
	}
	return os.WriteFile(output, config.Bytes(), 0o644)
}
