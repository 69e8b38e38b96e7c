package telemetry

import (
	"log/slog"
	"sync"
)

// WarnOnce gives a function that logs an error where the last one was another, or none.
func WarnOnce(log *slog.Logger, message string) func(error) {
	var mutex sync.Mutex
	var last string
	return func(err error) {
		text := ""
		if err != nil {
			text = err.Error()
		}
		mutex.Lock()
		defer mutex.Unlock()
		if text != last && err != nil {
			log.Warn(message, "err", err)
		}
		last = text
	}
}
