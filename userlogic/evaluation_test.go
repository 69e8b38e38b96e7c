package userlogic_test

import (
	"strings"
	"testing"

	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

func TestDecodeEvaluation(t *testing.T) {
	for _, row := range []struct {
		name, reply string
		want        userlogic.Evaluation
	}{
		{"a number", `{"targetReplicas": 3}`, userlogic.Evaluation{TargetReplicas: 3}},
		{"zero", `{"targetReplicas": 0}`, userlogic.Evaluation{}},
		{"the largest there is", `{"targetReplicas": 2147483647}`, userlogic.Evaluation{TargetReplicas: 2147483647}},
		{"a newline after it", "{\"targetReplicas\": 3}\n", userlogic.Evaluation{TargetReplicas: 3}},
		{"a reason", `{"targetReplicas": 3, "reason": "it is Monday"}`, userlogic.Evaluation{TargetReplicas: 3, Reason: "it is Monday"}},
		{"a reason of user logic's own shape", `{"targetReplicas": 3, "reason": {"day": 1}}`, userlogic.Evaluation{TargetReplicas: 3}},
		{"a whole number written as a fraction", `{"targetReplicas": 3.0}`, userlogic.Evaluation{TargetReplicas: 3}},
		{"a whole number with an exponent", `{"targetReplicas": 1.2e1}`, userlogic.Evaluation{TargetReplicas: 12}},
		{"a key in another case", `{"TargetReplicas": 3, "REASON": "b"}`, userlogic.Evaluation{TargetReplicas: 3, Reason: "b"}},
		{"keys of user logic's own that differ by their case", `{"targetReplicas": 3, "a": 1, "A": 2}`, userlogic.Evaluation{TargetReplicas: 3}},
		{"keys of user logic's own", `{"targetReplicas": 3, "load": 0.7}`, userlogic.Evaluation{TargetReplicas: 3}},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := userlogic.DecodeEvaluation(row.reply)
			if err != nil || got != row.want {
				t.Errorf("got %+v, %v; want %+v", got, err, row.want)
			}
		})
	}
}

func TestDecodeEvaluationRefuses(t *testing.T) {
	for _, row := range []struct{ name, reply, want string }{
		{"nothing", "", "the reply is empty"},
		{"blanks", " \n", "the reply is empty"},
		{"prose", "three", "is not a JSON object"},
		{"a line before the object", "loading...\n{\"targetReplicas\": 3}", "is not a JSON object"},
		{"two objects", `{"targetReplicas": 3}{"targetReplicas": 4}`, "is not a JSON object"},
		{"a list", `[3]`, "is not a JSON object"},
		{"a bare number", `3`, "is not a JSON object"},
		{"an empty object", `{}`, "has no targetReplicas"},
		{"null", `null`, "is not a JSON object"},
		{"the number twice", `{"targetReplicas": 3, "targetReplicas": 9}`, `has the key "targetReplicas" twice`},
		{"the number twice, in another case", `{"targetReplicas":3,"TARGETREPLICAS":9}`, `has the key "targetReplicas" twice (as "targetReplicas" and "TARGETREPLICAS")`},
		{"a key of user logic's own twice", `{"targetReplicas": 3, "a": 1, "a": 2}`, `has the key "a" twice`},
		{"a tiny fraction", `{"targetReplicas": 1e-400}`, `targetReplicas is "1e-400"`},
		{"a huge exponent", `{"targetReplicas": 1e400}`, `targetReplicas is "1e400"`},
		{"another spelling", `{"target_replicas": 3}`, "has no targetReplicas"},
		{"a null number", `{"targetReplicas": null}`, `targetReplicas is "null"`},
		{"a string", `{"targetReplicas": "3"}`, `targetReplicas is "\"3\""`},
		{"a fraction", `{"targetReplicas": 3.5}`, `targetReplicas is "3.5"`},
		{"a negative number", `{"targetReplicas": -1}`, `targetReplicas is "-1"`},
		{"more than an int32", `{"targetReplicas": 2147483648}`, `targetReplicas is "2147483648"`},
		{"more than an int64", `{"targetReplicas": 99999999999999999999}`, `targetReplicas is "99999999999999999999"`},
		{"a boolean", `{"targetReplicas": true}`, `targetReplicas is "true"`},
		{"an object", `{"targetReplicas": {}}`, `targetReplicas is "{}"`},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := userlogic.DecodeEvaluation(row.reply)
			if err == nil {
				t.Fatalf("got %+v, want an error", got)
			}
			for _, want := range []string{row.want, `print {"targetReplicas": n}`} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
		})
	}
}

func TestWhatIsKeptOfAReplyIsBounded(t *testing.T) {
	long := strings.Repeat("é", 5000)
	evaluation, err := userlogic.DecodeEvaluation(`{"targetReplicas": 3, "reason": "` + long + `"}`)
	if err != nil || len(evaluation.Reason) > 1100 || !strings.HasSuffix(evaluation.Reason, "é…") {
		t.Errorf("a reason of %d bytes ends %q (%v)", len(evaluation.Reason), evaluation.Reason[len(evaluation.Reason)-6:], err)
	}
	if _, err := userlogic.DecodeEvaluation(long); len(err.Error()) > 500 {
		t.Errorf("an error of %d bytes about a long reply", len(err.Error()))
	}
}

func FuzzDecodeEvaluation(f *testing.F) {
	f.Add(`{"targetReplicas": 3, "reason": "x"}`)
	f.Add(`{"targetReplicas": 1e3}`)
	f.Fuzz(func(t *testing.T, reply string) {
		if evaluation, err := userlogic.DecodeEvaluation(reply); err == nil && evaluation.TargetReplicas < 0 {
			t.Errorf("%q became %d replicas", reply, evaluation.TargetReplicas)
		}
	})
}
