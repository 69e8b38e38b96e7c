package terminal

import (
	"fmt"
	"io"
	"strings"
)

// wide is how many columns a line of bars has, so that all of it fits into 80.
const wide = 50

// Bars writes a line of bars, from 0 to the most of the values; each bar is the highest of its part of them.
func Bars(to io.Writer, name string, values []float64) {
	const bars = "▁▂▃▄▅▆▇█"
	heights, most := make([]float64, min(wide, len(values))), 0.0
	for i, value := range values {
		column := i * len(heights) / len(values)
		heights[column] = max(heights[column], value)
		most = max(most, value)
	}
	var line strings.Builder
	levels := []rune(bars)
	for _, height := range heights {
		level := 0
		if most > 0 {
			level = int(height / most * float64(len(levels)-1))
		}
		line.WriteRune(levels[level])
	}
	fmt.Fprintf(to, "%-12s %s  up to %.4g\n", name, line.String(), most)
}
