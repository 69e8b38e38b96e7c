package userlogic

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Evaluation is the evaluate method's reply: how many replicas there should be and, if it likes, why.
type Evaluation struct {
	TargetReplicas int32  `json:"targetReplicas"`
	Reason         string `json:"reason,omitempty"`
}

// maxReason bounds the reason that is kept with a decision; it is logged with every decision.
const maxReason = 1024

// errWanted ends every refusal of a reply, so that its author sees what to print instead.
var errWanted = errors.New(`print {"targetReplicas": n}, n a whole number from 0 to 2147483647, and nothing else on standard output`)

// DecodeEvaluation reads the evaluate method's reply. It is strict about the number of replicas, since guessing one
// scales somebody's workload, and lenient about everything else: keys that it does not know are user logic's own.
func DecodeEvaluation(reply string) (Evaluation, error) {
	if strings.TrimSpace(reply) == "" {
		return Evaluation{}, fmt.Errorf("the reply is empty: %w", errWanted)
	}
	var read struct {
		TargetReplicas json.RawMessage `json:"targetReplicas"`
		Reason         any             `json:"reason"`
	}
	if err := json.Unmarshal([]byte(reply), &read); err != nil {
		return Evaluation{}, fmt.Errorf("the reply %s is not a JSON object: %v: %w", short(reply), err, errWanted)
	}
	if read.TargetReplicas == nil {
		return Evaluation{}, fmt.Errorf("the reply %s has no targetReplicas: %w", short(reply), errWanted)
	}
	replicas, err := strconv.ParseInt(string(read.TargetReplicas), 10, 64)
	if err != nil || replicas < 0 || replicas > math.MaxInt32 {
		return Evaluation{}, fmt.Errorf("targetReplicas is %s in the reply: %w", short(string(read.TargetReplicas)), errWanted)
	}
	reason, _ := read.Reason.(string)
	return Evaluation{TargetReplicas: int32(replicas), Reason: clip(reason, maxReason)}, nil
}

// short is user code's text as an error shows it: quoted, and no longer than a line.
func short(text string) string { return strconv.Quote(clip(strings.TrimSpace(text), 80)) }

// clip cuts text at a character's boundary.
func clip(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}
