package experiment

import (
	_ "embed"
	"encoding/json"
	"html/template"
	"io"
	"math"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/simulation"
)

//go:embed report.html
var reportPage string

var reportTemplate = template.Must(template.New("report").Parse(reportPage))

// plotted is a course as the page's script reads it: a column for each value, and texts by their place in a list, since most
// passes say the same as the one before.
type plotted struct {
	Name   string               `json:"name"`
	Values map[string][]float64 `json:"values"`
	Texts  []string             `json:"texts"`
	Text   []int                `json:"text"`
	Failed []int                `json:"failed"` // the passes that failed
}

// WriteReport writes one page with all there is to see of the courses: it needs no other file, and no network.
func (s Simulated) WriteReport(to io.Writer) error {
	data := make([]plotted, len(s.Courses))
	for i, course := range s.Courses {
		data[i] = plot(course)
	}
	text, err := json.Marshal(data)
	if err != nil {
		return err
	}
	return reportTemplate.Execute(to, map[string]any{
		"Duration": s.Settings.Duration.Duration, "Seed": s.Settings.Seed, "Courses": s.Courses, "Figures": s.Courses[0].Figures,
		"Data": template.JS(text), // in a script that is not run, where JSON has escaped all that could end it
	})
}

func plot(course simulation.Course) plotted {
	p := plotted{Name: course.Name, Values: map[string][]float64{}}
	places := map[string]int{}
	for _, row := range course.Rows {
		for name, value := range map[string]float64{
			"seconds": row.Seconds, "load": row.Load, "capacity": row.Capacity, "utilization": 100 * row.Utilization, "backlog": row.Backlog,
			"ready": float64(row.Ready), "current": float64(row.Current), "recommended": float64(row.Recommended), "desired": float64(row.Desired),
		} {
			p.Values[name] = append(p.Values[name], math.Round(value*100)/100)
		}
		text := row.Failure
		if text == "" && row.Reasons != "" {
			text = row.Reasons + ": " + row.Explanation
			if row.UserReason != "" {
				text += " (" + row.UserReason + ")"
			}
		}
		if row.Failure != "" {
			p.Failed = append(p.Failed, len(p.Text))
		}
		place, known := places[text]
		if !known {
			place = len(p.Texts)
			places[text] = place
			p.Texts = append(p.Texts, text)
		}
		p.Text = append(p.Text, place)
	}
	return p
}
