package telemetry

import (
	"log/slog"
	"strings"
	"sync"
	"time"
	"unicode"
)

const (
	// quiet is how long nothing more is said after a warning: with a request's id in it, every error is another.
	quiet = time.Minute

	// forgotten is how long an error that does not come again is remembered: not everybody says when all is well.
	forgotten = 10 * time.Minute
)

// WarnOnce gives a function that logs an error when it begins, and again when it is another one, but not more than one a
// minute. No error ends the one before.
func WarnOnce(log *slog.Logger, message string) func(error) {
	var mutex sync.Mutex
	var last string
	var seen, warned time.Time
	return func(err error) {
		mutex.Lock()
		defer mutex.Unlock()
		now := time.Now()
		if err == nil || now.Sub(seen) > forgotten {
			last, warned = "", time.Time{}
		}
		if err == nil {
			return
		}
		seen = now
		if kind := withoutNumbers(err); kind != last && now.Sub(warned) >= quiet {
			last, warned = kind, now
			log.Warn(message, "err", err)
		}
	}
}

// withoutNumbers is an error without what makes each of its kind another: ports, counts, times.
func withoutNumbers(err error) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return -1
		}
		return r
	}, err.Error())
}
