package recording

import "time"

// Figures are those of a course of decisions.
type Figures struct {
	PodHours float64 `json:"podHours"`
	Scalings int     `json:"scalings"`
	Flaps    int     `json:"flaps"` // scalings that took back the one before within flapping
	Peak     int32   `json:"peakReplicas"`
}

const flapping = 10 * time.Minute

// course adds up the figures, decision by decision. Where none was made, it stays as it is.
type course struct {
	Figures
	known    bool
	replicas int32
	at       time.Time // of the last decision

	turned    time.Time // when the last scaling was
	direction int32
}

func (c *course) decided(at time.Time, replicas *int32) {
	if c.known {
		c.PodHours += float64(c.replicas) * at.Sub(c.at).Hours()
	}
	c.at = at
	if replicas == nil {
		return
	}
	if change := *replicas - c.replicas; c.known && change != 0 {
		if c.Scalings > 0 && (change > 0) != (c.direction > 0) && at.Sub(c.turned) <= flapping {
			c.Flaps++
		}
		c.Scalings++
		c.turned, c.direction = at, change
	}
	c.known, c.replicas, c.Peak = true, *replicas, max(c.Peak, *replicas)
}
