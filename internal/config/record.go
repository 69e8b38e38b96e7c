package config

import (
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/rule"
)

// Record is where passes are recorded, to be replayed with other user logic.
type Record struct {
	Path    string             `json:"path"`
	MaxSize *resource.Quantity `json:"maxSize"`
}

// leastRecord has room for some passes of a small target.
var leastRecord = resource.MustParse("1Mi")

var recordKeys = []rule.Key{
	{Name: "path", Meaning: "the file; the one before it is called the same, with `.1` at its end", Rule: rule.NotEmpty()},
	{Name: "maxSize", Meaning: "the most that both files take together", Rule: rule.That("must be 1Mi at least", func(r *Record) bool { return r.MaxSize != nil && r.MaxSize.Cmp(leastRecord) >= 0 })},
}

// SetDefaults is called on a fresh Record before it is read.
func (r *Record) SetDefaults() {
	size := resource.MustParse("100Mi")
	r.MaxSize = &size
}
