package harness

import (
	"fmt"
	"testing"
)

// worker is a kind of custom resource that has no pods; its group and its subresources are left open.
const worker = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: workers.%[1]s}
spec:
  group: %[1]s
  scope: Namespaced
  names: {kind: Worker, listKind: WorkerList, plural: workers, singular: worker}
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
      subresources: %[2]s
`

// Scalable are subresources of a worker.
const Scalable = "{scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas}}"

// InstallWorkers creates the kind, or changes its subresources. The group is the test's own: kinds are not in namespaces.
func InstallWorkers(t *testing.T, group, subresources string) {
	t.Helper()
	Kubectl(t, fmt.Sprintf(worker, group, subresources), "apply", "-f", "-")
	Kubectl(t, "", "wait", "--for=condition=Established", "--timeout="+Patience.String(), "crd", "workers."+group)
	t.Cleanup(func() { Kubectl(t, "", "delete", "crd", "workers."+group, "--ignore-not-found", "--wait=false") })
}

// CreateCustomWorker creates one, named web, with one replica.
func CreateCustomWorker(t *testing.T, namespace, group string) {
	t.Helper()
	Kubectl(t, fmt.Sprintf("{apiVersion: %s/v1, kind: Worker, metadata: {name: web}, spec: {replicas: 1}}", group), "create", "-n", namespace, "-f", "-")
}
