// Package finding is what came of looking at one thing that an autoscaler needs.
package finding

// Result is what came of it.
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

// Fine is an item with nothing to be done about it.
func Fine(check, says string) Item { return Item{Check: check, Result: OK, Says: says} }

// Warn is an item that scaling can do without.
func Warn(check, says, fix string) Item { return Item{check, Warning, says, fix} }

// Fail is an item without which the autoscaler does not work.
func Fail(check, says, fix string) Item { return Item{check, Error, says, fix} }
