// Package check looks for what would keep a configuration from working: programs and servers that are not there, and, of a
// cluster, the target, the metrics APIs and the rights.
//
// A configuration that has passed its rules comes in, one Item for each thing that was looked at goes out. It runs no user
// logic and changes nothing.
package check

// Result is what came of looking at one thing.
type Result string

// The results. What only takes away something that scaling can do without is a warning.
const (
	OK      Result = "ok"
	Warning Result = "warning"
	Error   Result = "error"
)

// Item is one thing that was looked at.
type Item struct {
	Check  string `json:"check"`
	Result Result `json:"result"`
	Says   string `json:"says"`
	Fix    string `json:"fix,omitempty"` // the way out, where the words do not have it
}

// Failed tells whether any of them is an error.
func Failed(items []Item) bool {
	for _, item := range items {
		if item.Result == Error {
			return true
		}
	}
	return false
}

func ok(check, says string) Item { return Item{check, OK, says, ""} }

func failed(check string, err error) Item { return Item{check, Error, err.Error(), ""} }
