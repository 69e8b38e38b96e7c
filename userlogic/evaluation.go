package userlogic

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
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
	keys, err := keysOf(reply)
	if err != nil {
		return Evaluation{}, fmt.Errorf("the reply %s %w: %w", short(reply), err, errWanted)
	}
	target, found := keys["targetReplicas"]
	if !found {
		return Evaluation{}, fmt.Errorf("the reply %s has no targetReplicas: %w", short(reply), errWanted)
	}
	replicas, ok := wholeNumber(target)
	if !ok || replicas < 0 || replicas > math.MaxInt32 {
		return Evaluation{}, fmt.Errorf("targetReplicas is %s in the reply: %w", short(string(target)), errWanted)
	}
	var reason string
	_ = json.Unmarshal(keys["reason"], &reason) // any other shape is user logic's own
	return Evaluation{TargetReplicas: int32(replicas), Reason: clip(reason, maxReason)}, nil
}

// keysOf are the keys of a JSON object, those that mean something in their own spelling. A key that is there twice is refused, for
// nobody knows which of them is meant.
func keysOf(reply string) (map[string]json.RawMessage, error) {
	if err := json.Unmarshal([]byte(reply), new(json.RawMessage)); err != nil {
		return nil, notAnObject(err)
	}
	read := json.NewDecoder(strings.NewReader(reply))
	if start, err := read.Token(); err != nil || start != json.Delim('{') {
		return nil, notAnObject(nil)
	}
	keys, written := map[string]json.RawMessage{}, map[string]string{}
	for read.More() {
		name, err := read.Token()
		if err != nil {
			return nil, notAnObject(err)
		}
		var value json.RawMessage
		if err := read.Decode(&value); err != nil {
			return nil, notAnObject(err)
		}
		as := name.(string)
		key := as
		for _, known := range []string{"targetReplicas", "reason"} {
			if strings.EqualFold(as, known) {
				key = known
			}
		}
		if before, twice := written[key]; twice {
			return nil, fmt.Errorf("has the key %s twice (as %s and %s)", short(key), short(before), short(as))
		}
		keys[key], written[key] = value, as
	}
	return keys, nil
}

// notAnObject says where a reply is not JSON, if it is that.
func notAnObject(why error) error {
	if syntax, ok := errors.AsType[*json.SyntaxError](why); ok {
		return fmt.Errorf("is not a JSON object: it goes wrong at byte %d", syntax.Offset)
	}
	return errors.New("is not a JSON object")
}

// wholeNumber reads a JSON number that is whole, however it is written: 3, 3.0 or 3e0.
func wholeNumber(text json.RawMessage) (int64, bool) {
	number, _, err := big.ParseFloat(string(text), 10, 64, big.ToNearestEven)
	if err != nil || !number.IsInt() {
		return 0, false
	}
	whole, accuracy := number.Int64()
	return whole, accuracy == big.Exact
}

// short is user code's text as an error shows it: quoted, and no longer than a line.
func short(text string) string { return strconv.Quote(clip(strings.TrimSpace(text), 80)) }

// clip cuts text at a character's boundary. It repeats internal/text.Clip, since this package imports no other of the module.
func clip(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}
