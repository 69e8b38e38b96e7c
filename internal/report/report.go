// Package report tells the outside of each pass: a line in the log, a Kubernetes Event, Prometheus series, an entry in the
// record of recent passes, and whether the autoscaler is alive and ready.
//
// A pass that has ended comes in; each of these watches on its own what is news to it. It changes nothing about a pass,
// and keeps none waiting: what goes to a server goes there in the background.
package report
