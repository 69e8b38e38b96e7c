package main

import "time"

// What the example says, and the demo does not change.
const (
	wantedPercent = 50 // TARGET_UTILIZATION of evaluate.py
	maxReplicas   = 10 // of config.yaml
)

// sample is what there was at one moment.
type sample struct {
	at            time.Duration // since the start
	load          int           // thousandths of a cpu
	ready, wanted int           // replicas
	measured      int           // how busy metrics-server says the pods are, in percent of what they request
}

// story is what has happened so far. It only grows.
type story struct {
	load    hill
	request int // what a pod requests, in thousandths of a cpu
	began   time.Time
	samples []sample
	passes  []pass
}

// now is the newest sample.
func (s *story) now() sample {
	if len(s.samples) == 0 {
		return sample{}
	}
	return s.samples[len(s.samples)-1]
}

// news are the passes worth a line: those that scaled, or kept the replicas for another reason than before. The last
// word of a reason is its newest, so that one sees it go on.
func (s *story) news() []pass {
	var news []pass
	for _, p := range s.passes {
		n := len(news)
		switch {
		case n == 0 || !p.tellsNothingNew(news[n-1]):
			news = append(news, p)
		case !news[n-1].scales():
			news[n-1] = p
		}
	}
	return news
}
