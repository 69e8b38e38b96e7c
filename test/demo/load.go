package main

import (
	"math"
	"time"
)

// hill is a load that rises and falls, in thousandths of a cpu:
//
//	high           ______
//	             /        \
//	low   ____ /            \ ______________________
//	      0          38 % 46 % 56 %            length
//
// It is low for long, as replicas come down late: metrics are ten to twenty seconds behind, and then comes the
// downscale stabilization.
type hill struct {
	low, high float64
	length    time.Duration
}

// at is the load at a time since the start.
func (h hill) at(t time.Duration) int {
	part := float64(t) / float64(h.length)
	rise, fall := smooth(part/0.38), smooth((part-0.46)/0.10)
	return int(math.Round(h.low + (h.high-h.low)*(rise-fall)))
}

// smooth goes from 0 to 1 while x does, slow at both ends.
func smooth(x float64) float64 {
	x = max(0, min(1, x))
	return (1 - math.Cos(math.Pi*x)) / 2
}

// share is what each of the pods carries of a load, as even as whole thousandths are.
func share(load, pods int) int {
	if pods == 0 {
		return 0
	}
	return (load + pods - 1) / pods
}

// percent is how busy pods are that request so much cpu each, and share a load. No pods are not busy.
func percent(load, pods, request int) int {
	if pods == 0 || request == 0 {
		return 0
	}
	return int(math.Round(100 * float64(load) / float64(pods*request)))
}
