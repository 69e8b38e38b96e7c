package report

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/decision"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/pass"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// played is a record of passes, a second apart.
func played(most int, passes ...pass.Pass) *Record {
	record := NewRecord(most, "Deployment shop/web")
	for i, pass := range passes {
		pass.Began = noon.Add(time.Duration(i) * time.Second)
		record.Pass(context.Background(), pass)
	}
	return record
}

// at are the seconds after noon of decisions.
func at(decisions []userlogic.Decision) string {
	var seconds []string
	for _, d := range decisions {
		seconds = append(seconds, fmt.Sprint(int(d.Time.Sub(noon).Seconds())))
	}
	return strings.Join(seconds, " ")
}

func TestTheRecordHasTheLastPassesNewestFirst(t *testing.T) {
	loop, api, dry := decidedOn(1, 1, 1), as(userlogic.API, decidedOn(1, 1, 1)), as(userlogic.APIDryRun, decidedOn(1, 1, 1))
	record := played(2, loop, loop, loop, api, dry, dry, dry, dry, dry)
	for _, row := range []struct {
		of   userlogic.RunType
		most int
		want string
	}{
		{"", 100, "8 7 3 2 1"}, // the calls of the API have not pushed out the loop's
		{"", 2, "8 7"},
		{userlogic.Scaler, 100, "2 1"},
		{userlogic.Scaler, 1, "2"},
		{userlogic.API, 100, "3"},
		{userlogic.APIDryRun, 1, "8"},
	} {
		if got := at(record.Decisions(row.of, row.most)); got != row.want {
			t.Errorf("the last %d of %q are those of %s, want %s", row.most, row.of, got, row.want)
		}
	}
	if none, _ := json.Marshal(NewRecord(2, "").Decisions("", 100)); string(none) != "[]" {
		t.Errorf("an empty record is %s, want []", none)
	}
}

func TestADecisionIsToldWhole(t *testing.T) {
	p := decidedOn(3, 2, 8,
		decision.Step{Reason: decision.DesiredWithinRange, Message: "2 recommended, within 1 and 10"},
		decision.Step{Reason: decision.ScaleDownStabilized, Message: "8 was recommended at 11:59:00, which holds until 12:04:00",
			Setting: "downscaleStabilization", Until: noon.Add(4 * time.Minute)})
	p.Target = corev1.ObjectReference{Kind: "StatefulSet", Namespace: "shop", Name: "db"}
	p.Stages = []pass.Stage{{Name: "read_target", Took: 5 * time.Millisecond}, {Name: "metric", Took: 250 * time.Millisecond}}
	p.Metrics = []userlogic.ResourceMetric{{Resource: "db", Value: "42\n"}}
	p.UserReason = "half busy"
	wantDecision(t, p, `{"time":"2026-01-01T12:00:00Z","runType":"scaler","target":"StatefulSet shop/db","result":"scaled",
		"currentReplicas":3,"recommendedReplicas":2,"desiredReplicas":8,
		"reasons":[{"reason":"DesiredWithinRange","message":"2 recommended, within 1 and 10"},
			{"reason":"ScaleDownStabilized","message":"8 was recommended at 11:59:00, which holds until 12:04:00",
			"setting":"downscaleStabilization","until":"2026-01-01T12:04:00Z"}],
		"userReason":"half busy","metrics":[{"resource":"db","value":"42\n"}],
		"stages":[{"stage":"read_target","seconds":0.005},{"stage":"metric","seconds":0.25}],"seconds":0.255}`)
}

func TestOtherOutcomesAreTold(t *testing.T) {
	failed := failedWith(errors.New("no cluster"))
	failed.Stages = []pass.Stage{{Name: "read_target"}}
	wantDecision(t, failed, `{"time":"2026-01-01T12:00:00Z","runType":"scaler","target":"Deployment shop/web","result":"failed",
		"stages":[{"stage":"read_target","seconds":0}],"seconds":0,
		"error":{"stage":"read_target","reason":"FailedGetScale","message":"no cluster","cause":"no cluster","retry":true}}`)
	wantDecision(t, decidedOn(0, 0, 0, decision.Disabled().Chain...), `{"time":"2026-01-01T12:00:00Z","runType":"scaler","target":"Deployment shop/web",
		"result":"disabled","currentReplicas":0,"desiredReplicas":0,
		"reasons":[{"reason":"ScalingDisabled","message":"the target has 0 replicas and minReplicas is not 0","setting":"minReplicas"}],
		"stages":[],"seconds":0}`)
	without := as(userlogic.APIDryRun, decidedOn(1, 1, 1))
	without.MetricsProblem = errors.New("no metrics")
	wantDecision(t, without, `{"time":"2026-01-01T12:00:00Z","runType":"api_dry_run","target":"Deployment shop/web","result":"proposed",
		"currentReplicas":1,"recommendedReplicas":1,"desiredReplicas":1,"stages":[],"seconds":0,"kubernetesMetricsError":"no metrics"}`)
}

func wantDecision(t *testing.T, p pass.Pass, want string) {
	t.Helper()
	got, err := json.Marshal(played(1, p).Decisions("", 1)[0])
	if err != nil {
		t.Fatal(err)
	}
	if want = strings.NewReplacer("\n\t\t\t", "", "\n\t\t", "").Replace(want); string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestAnEntryHasABound(t *testing.T) {
	pass := failedWith(errors.New(strings.Repeat("x", 1<<20)))
	pass.UserReason = strings.Repeat("y", 1<<20)
	for range 1000 {
		pass.Metrics = append(pass.Metrics, userlogic.ResourceMetric{Resource: strings.Repeat("n", 1<<10), Value: strings.Repeat("z", 1<<10)})
	}
	d := played(1, pass).Decisions("", 1)[0]
	text, err := json.Marshal(d)
	if err != nil || len(text) > 12<<10 || d.MetricsLeftOut != 990 {
		t.Errorf("an entry of %d bytes leaves out %d metrics, %v; want 12 KiB at most, and 990", len(text), d.MetricsLeftOut, err)
	}
}
