package plan

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/operator/desired"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/quantity"
)

// holds tells whether all that is wanted is there, as the API server writes it: it leaves out what is empty, adds defaults
// and what others have set, and has a spelling of its own for amounts.
func holds(there, wanted any) bool {
	if there == nil {
		return isEmpty(wanted)
	}
	switch wanted := wanted.(type) {
	case map[string]any:
		object, ok := there.(map[string]any)
		for key, value := range wanted {
			ok = ok && holds(object[key], value)
		}
		return ok
	case []any:
		list, ok := there.([]any)
		return ok && holdsList(list, wanted)
	}
	return reflect.DeepEqual(there, wanted) || sameAmount(there, wanted)
}

// holdsList compares what has names by its name, as the API server merges such lists, and all else by its place. A name may
// be there more than once: a volume is mounted at several places.
func holdsList(there, wanted []any) bool {
	if len(wanted) == 0 || len(wanted) != len(there) && desired.NameOf(wanted[0]) == "" {
		return len(wanted) == len(there)
	}
	for i, one := range wanted {
		name := desired.NameOf(one)
		if name == "" && (i >= len(there) || !holds(there[i], one)) {
			return false
		}
		if name != "" && !slices.ContainsFunc(there, func(other any) bool { return desired.NameOf(other) == name && holds(other, one) }) {
			return false
		}
	}
	return true
}

func isEmpty(value any) bool {
	switch value := value.(type) {
	case map[string]any:
		for _, one := range value {
			if !isEmpty(one) {
				return false
			}
		}
		return true
	case []any:
		return len(value) == 0
	}
	return value == nil || reflect.ValueOf(value).IsZero()
}

// sameAmount tells two spellings of one quantity: 0.5 and 500m. Any text may come here, also one that only looks like a quantity.
func sameAmount(there, wanted any) bool {
	one, oneErr := quantity.Parse(fmt.Sprint(there))
	other, otherErr := quantity.Parse(fmt.Sprint(wanted))
	return oneErr == nil && otherErr == nil && one.Cmp(other) == 0
}
