package decode

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/rule"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/span"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/quantity"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/secret"
)

// Read puts a value where it belongs, and tells whether it has the right shape. It reads as sigs.k8s.io/yaml does,
// which existing files were written for: names in any case, numbers and booleans as text where text is wanted,
// null as if left out.
func (l *Ledger) Read(value any, into reflect.Value, at Place) bool {
	if composite := into.Kind() == reflect.Pointer || into.Kind() == reflect.Slice; value != nil || composite {
		l.origins[at.Key] = origin{source: at.Source}
	}
	object, isObject := value.(map[string]any)
	list, isList := value.([]any)
	switch kind := into.Kind(); {
	case value == nil && (kind == reflect.Pointer || kind == reflect.Slice):
		into.SetZero() // takes away what an earlier layer has set
	case value == nil: // as if left out
	case kind == reflect.Pointer:
		return l.pointer(value, into, at)
	case isObject && kind == reflect.Struct && !readsItself(into):
		l.object(object, into, at)
	case isObject && kind == reflect.Map:
		l.entries(object, into, at)
	case isList && kind == reflect.Slice:
		l.list(list, into, at)
	case !scalar(value, into):
		l.Refuse(at, written(value, into, at), "must be "+shapeOf(into))
		return false
	}
	return true
}

// pointer reads over the defaults of what is pointed to; a value of the wrong shape leaves nothing there.
func (l *Ledger) pointer(value any, into reflect.Value, at Place) bool {
	fresh := reflect.New(into.Type().Elem())
	setDefaults(fresh)
	fits := l.Read(value, fresh.Elem(), at)
	if fits {
		into.Set(fresh)
	}
	return fits
}

func setDefaults(pointer reflect.Value) {
	if defaulted, ok := pointer.Interface().(interface{ SetDefaults() }); ok {
		defaulted.SetDefaults()
	}
}

func (l *Ledger) object(object map[string]any, into reflect.Value, at Place) {
	before := map[string]Place{}
	for _, m := range at.members(object) {
		name, field := rule.FieldNamed(into, m.name)
		if name == "" {
			l.unknown(m, into)
			continue
		}
		if name != m.name {
			l.Warn(m.at, "is read as "+name+", which is how it is spelt")
		}
		m.at.Key = Join(at.Key, name)
		l.warnOfAnother(before, m.at)
		l.Read(m.value, field, m.at)
	}
}

// unknown tells of a key that its object does not have.
func (l *Ledger) unknown(m member, object reflect.Value) {
	if _, ok := object.Addr().Interface().(*metav1.LabelSelector); ok {
		// Without it the selector would select everything.
		l.Refuse(m.at, "a key of a label selector", "must be matchLabels or matchExpressions: to select by a label, write matchLabels: {"+secret.Mask(m.name)+": ...}")
		return
	}
	l.unknownKeys++
	if l.unknownKeys > MostUnknownKeys {
		return
	}
	l.ignore(m.at, cmp.Or(l.older(m), Suggestion(m.name, rule.FieldNames(object.Type()))))
}

// older says how a key is spelt today.
func (l *Ledger) older(m member) string {
	if l.Older == nil {
		return ""
	}
	return l.Older(m.at.Key, m.name)
}

func (l *Ledger) entries(object map[string]any, into reflect.Value, at Place) {
	before := map[string]Place{}
	fresh := reflect.MakeMap(into.Type())
	for _, m := range at.members(object) {
		value := reflect.New(into.Type().Elem()).Elem()
		l.warnOfAnother(before, m.at)
		if l.Read(m.value, value, m.at) {
			fresh.SetMapIndex(reflect.ValueOf(m.name), value)
		}
	}
	into.Set(fresh)
}

func (l *Ledger) list(list []any, into reflect.Value, at Place) {
	fresh := reflect.MakeSlice(into.Type(), len(list), len(list))
	for i, value := range list {
		setDefaults(fresh.Index(i).Addr())
		l.Read(value, fresh.Index(i), at.item(i))
	}
	into.Set(fresh)
}

// warnOfAnother tells of a key that its object has already: the last one counts, as it always did.
func (l *Ledger) warnOfAnother(before map[string]Place, at Place) {
	if earlier, twice := before[at.Key]; twice {
		l.Warn(at, "is set again, over "+earlier.Source)
	}
	before[at.Key] = at
}

// scalar sets text, a number, a boolean, a quantity, or a label selector in its string form.
func scalar(value any, into reflect.Value) bool {
	text, isText := value.(string)
	if selector, ok := into.Addr().Interface().(*metav1.LabelSelector); ok && isText {
		parsed, err := metav1.ParseToLabelSelector(text)
		if err == nil {
			*selector = *parsed
		}
		return err == nil
	}
	switch number, isNumber := value.(json.Number); {
	case isText && span.Is(into):
		return span.Set(into, text)
	case isNumber && (into.CanInt() || into.CanUint()):
		value = whole(number)
	}
	if into.Kind() == reflect.String {
		switch value.(type) {
		case json.Number, bool:
			value = fmt.Sprint(value)
		}
	}
	if _, isQuantity := into.Addr().Interface().(*resource.Quantity); isQuantity && !quantity.Readable(fmt.Sprint(value)) {
		return false
	}
	document, err := json.Marshal(value)
	return err == nil && json.Unmarshal(document, into.Addr().Interface()) == nil
}

// whole spells a number that is whole as an integer: 4.0 is 4, and 3.6e+06, as Helm writes large numbers, is 3600000.
func whole(number json.Number) json.Number {
	if _, err := strconv.ParseInt(string(number), 10, 64); err == nil {
		return number
	}
	float, err := strconv.ParseFloat(string(number), 64)
	if err != nil || float != math.Trunc(float) || math.Abs(float) >= 1<<63 {
		return number
	}
	return json.Number(strconv.FormatInt(int64(float), 10))
}
