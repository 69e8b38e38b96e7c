package main

import (
	"context"
	"sync"
	"sync/atomic"
)

// logic is a kind of user logic: how the program is told to run it, and the same with nothing around it.
type logic struct {
	method   string // the type in the configuration
	settings func(site) func(method, reply string) map[string]any
	floor    func(context.Context, site, benchCase, []document) (floor, error)
}

const shellCat, shellPython, overHTTP, workerPython = "shell-cat", "shell-python", "http", "worker-python"

// logics are all there are.
var logics = map[string]logic{
	shellCat:     {"shell", catSettings, catFloor},
	shellPython:  {"shell", pythonSettings, pythonFloor},
	overHTTP:     {"http", httpSettings, httpFloor},
	workerPython: {"worker", workerSettings, workerFloor},
}

// site is what user logic finds on the machine.
type site struct {
	dir    string // that programs run in
	python string // an interpreter, and no script that looks for one
	server string // the URL of a server that replies with its query
}

// patience is a timeout that no method should reach, in milliseconds.
const patience = 600_000

// document is one that a method was given.
type document struct {
	method string
	text   []byte
}

// floor does what a pass cannot do without, and nothing else.
type floor struct {
	run   func(context.Context) error
	close func()
}

// sideBySide does something with each document, so many at a time.
func sideBySide(atATime int, documents []document, do func(document) error) error {
	var next atomic.Int64
	var working sync.WaitGroup
	errs := make(chan error, atATime)
	for range atATime {
		working.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(documents)); i = next.Add(1) - 1 {
				if err := do(documents[i]); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	working.Wait()
	close(errs)
	return <-errs
}
