package text

import "fmt"

// Count returns a number of things in words, such as "1 pass" and "2 passes".
func Count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
