package desired

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"sigs.k8s.io/yaml"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/operator/operatortest"
)

var update = flag.Bool("update", false, "write what is desired into testdata")

// TestDesired makes of the object in each of testdata/*.txtar what is to be there, and compares it with the rest of the file.
func TestDesired(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			object := operatortest.Object(t, archive.Files[0].Data)
			before, _ := json.Marshal(object)
			got := desiredText(t, object, strings.Contains(string(archive.Comment), "is paused"))
			if after, _ := json.Marshal(object); !bytes.Equal(before, after) {
				t.Error("the object was changed")
			}
			if *update {
				archive.Files = append(archive.Files[:1], txtar.File{Name: "desired.yaml", Data: got})
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if len(archive.Files) < 2 || !bytes.Equal(got, archive.Files[1].Data) {
				t.Errorf("got:\n%s\nrun `go test ./internal/operator/desired -run Desired -update` if that is right", got)
			}
		})
	}
}

func desiredText(t *testing.T, object *cpav1.CustomPodAutoscaler, paused bool) []byte {
	t.Helper()
	all, err := For(object, Deployments, paused)
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	for i, one := range all {
		if i > 0 {
			text.WriteString("---\n")
		}
		document, err := yaml.Marshal(one.Object)
		if err != nil {
			t.Fatal(err)
		}
		text.Write(document)
	}
	return text.Bytes()
}

func TestATemplateThatIsNoneIsRefused(t *testing.T) {
	for _, row := range []struct{ template, says string }{
		{`[]`, "reading spec.template: "},
		{`null`, "spec.template.spec.containers: at least one container is needed"},
		{`{}`, "spec.template.spec.containers: at least one container is needed"},
		{`{"metadata": "web"}`, "reading spec.template.metadata: it has to be an object"},
		{`{"spec": []}`, "reading spec.template.spec: it has to be an object"},
		{`{"spec": {"containers": {}}}`, "reading spec.template.spec.containers: it has to be a list"},
		{`{"spec": {"containers": [1]}}`, "reading spec.template.spec.containers[0]: it has to be an object"},
		{`{"spec": {"containers": [{"env": {}}]}}`, "reading spec.template.spec.containers[0].env: it has to be a list"},
		{`{"metadata": {"name": 1}, "spec": {"containers": [{}]}}`, "reading spec.template.metadata.name: it has to be text"},
		{`{"metadata": {"labels": []}, "spec": {"containers": [{}]}}`, "reading spec.template.metadata.labels"},
	} {
		object := operatortest.Object(t, []byte("metadata: {name: web}"))
		object.Spec.Template.Raw = []byte(row.template)
		if _, err := For(object, Deployments, false); err == nil || !strings.Contains(err.Error(), row.says) {
			t.Errorf("%s: got %v, want %s", row.template, err, row.says)
		}
	}
}

// FuzzDesired holds that no template makes it panic, and that what comes of one can be written.
func FuzzDesired(f *testing.F) {
	for _, template := range []string{`{}`, `{"spec": {"containers": [{"env": [{"name": "a"}, 1, null]}]}}`, `null`, `{"spec": null, "metadata": {"labels": {"a": 1}}}`, `nul`} {
		f.Add(template, "name", "value")
	}
	f.Fuzz(func(t *testing.T, template, name, value string) {
		object := &cpav1.CustomPodAutoscaler{}
		object.Name = "web"
		object.Spec.Template.Raw = []byte(template)
		object.Spec.Config = []cpav1.ConfigEntry{{Name: name, Value: value}}
		all, err := For(object, Deployments, false)
		for _, one := range all {
			if _, err := json.Marshal(one.DeepCopy().Object); err != nil {
				t.Error(err)
			}
		}
		if err == nil && len(all) != 4 {
			t.Errorf("%d objects, want 4", len(all))
		}
	})
}
