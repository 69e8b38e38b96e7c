package config

import (
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/rule"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/span"
)

// Method is one piece of user logic: what to run, and how long it may take.
type Method struct {
	Type          string            `json:"type"`
	Timeout       span.Milliseconds `json:"timeout"`
	MaxReplyBytes int64             `json:"maxReplyBytes"`
	Shell         *Shell            `json:"shell,omitempty"`
	HTTP          *HTTP             `json:"http,omitempty"`
	Worker        *Worker           `json:"worker,omitempty"`
	HPA           *HPA              `json:"hpa,omitempty"`
}

// methodForms are all ways there are: a new one is a file with its keys and defaults, a field of Method, and a
// line here and in methodKeys.
var methodForms = []form[Method]{shellForm, httpForm, workerForm, hpaForm}

const exampleMethod = `{type: shell, shell: {command: ["-c", "..."]}}`

var methodKeys = []key[Method]{
	{"type", "how the program is run", rule.OneOf(names(methodForms)...)},
	{"timeout", "the longest that one run may take", positiveMilliseconds},
	{"maxReplyBytes", "a longer reply is an error", rule.MoreThanZero().Noting(" bytes")},
	{"shell", "the program to run", rule.RequiredOfType(ShellMethod)},
	{"http", "the request to make", rule.RequiredOfType(HTTPMethod)},
	{"worker", "the program to keep running", rule.RequiredOfType(WorkerMethod)},
	{name: "hpa", meaning: "how the proposal is made, when type is hpa"},
}

// setDefaults is called on a fresh Method before it is read, so that what is left out is told from what is set to zero.
func (m *Method) setDefaults() { m.Timeout, m.MaxReplyBytes = 5_000, 1<<20 }

func (m *Method) check(l *ledger, under string) {
	check(l, under, methodKeys, m)
	if form := find(methodForms, m.Type); form != nil {
		form.check(l, under, m)
	}
}
