package config

// Method is one piece of user logic: what to run, and how long it may take.
type Method struct {
	Type          string       `json:"type"`
	Timeout       Milliseconds `json:"timeout"`
	MaxReplyBytes int64        `json:"maxReplyBytes"`
	Shell         *Shell       `json:"shell,omitempty"`
	HTTP          *HTTP        `json:"http,omitempty"`
	Worker        *Worker      `json:"worker,omitempty"`
	HPA           *HPA         `json:"hpa,omitempty"`
}

// methodForms are all ways there are: a new one is a file with its keys and defaults, a field of Method, and a
// line here and in methodKeys.
var methodForms = []form[Method]{shellForm, httpForm, workerForm, hpaForm}

const exampleMethod = `{type: shell, shell: {command: ["-c", "..."]}}`

var methodKeys = []key[Method]{
	{"type", "how the program is run", "must be " + names(methodForms), func(m *Method) bool { return find(methodForms, m.Type) != nil }},
	{"timeout", "the longest that one run may take", positiveMilliseconds, func(m *Method) bool { return m.Timeout.positive() }},
	{"maxReplyBytes", "a longer reply is an error", "must be more than 0 bytes", func(m *Method) bool { return m.MaxReplyBytes > 0 }},
	{"shell", "the program to run", "required when type is shell", func(m *Method) bool { return m.Type != ShellMethod || m.Shell != nil }},
	{"http", "the request to make", "required when type is http", func(m *Method) bool { return m.Type != HTTPMethod || m.HTTP != nil }},
	{"worker", "the program to keep running", "required when type is worker", func(m *Method) bool { return m.Type != WorkerMethod || m.Worker != nil }},
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
