package autoscaler_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	dashboardFile = "docs/dashboards/custom-pod-autoscaler.json"
	seriesPage    = "docs/metrics.md"
)

// dashboard is what is checked of Grafana's JSON.
type dashboard struct {
	ID         *int
	UID        string
	Title      string
	Panels     []panel
	Templating struct{ List []variable }
}

type panel struct {
	Title, Description string
	Datasource         datasource
	FieldConfig        struct{ Defaults struct{ Unit string } }
	Targets            []struct{ Expr string }
}

type variable struct {
	Name, Type string
	Query      any // an object with the query in it, but text for the variable that is the data source
}

type datasource struct{ UID string }

var (
	ourSeries = regexp.MustCompile(`custom_pod_autoscaler_\w+`)
	headings  = regexp.MustCompile(`(?m)^## (custom_pod_autoscaler_\w+)\n\n.* A (counter|gauge|histogram)\.$`)
)

// dashboardProblems compares the text of a dashboard with that of the page of all series.
func dashboardProblems(text, page string) []string {
	var d dashboard
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		return []string{err.Error()}
	}
	var problems []string
	if d.ID != nil || d.UID == "" || d.Title != "Custom Pod Autoscaler" {
		problems = append(problems, "it is imported anywhere only with a null id, and found again by its uid and title")
	}
	for _, panel := range d.Panels {
		problems = append(problems, panel.problems()...)
	}
	return append(problems, d.misses(page)...)
}

// misses are series that are asked for and not served, and families that are served and not shown.
func (d dashboard) misses(page string) (problems []string) {
	families, series := familiesOf(page)
	shown := ourSeries.FindAllString(d.queries(), -1)
	for _, name := range slices.Concat(shown, ourSeries.FindAllString(d.choices(), -1)) {
		if !slices.Contains(series, name) {
			problems = append(problems, "a query asks for "+name+", which is not served")
		}
	}
	for _, family := range families {
		if !slices.ContainsFunc(shown, func(name string) bool { return name == family || strings.HasPrefix(name, family+"_") }) {
			problems = append(problems, "no panel shows "+family)
		}
	}
	return problems
}

func (p panel) problems() (problems []string) {
	if p.Title == "" || p.Description == "" || p.FieldConfig.Defaults.Unit == "" {
		problems = append(problems, fmt.Sprintf("panel %q lacks a title, a description or a unit", p.Title))
	}
	if p.Datasource.UID != "${datasource}" {
		problems = append(problems, fmt.Sprintf("panel %q is tied to the data source %q", p.Title, p.Datasource.UID))
	}
	return problems
}

// queries are those of the panels.
func (d dashboard) queries() string {
	var queries strings.Builder
	for _, panel := range d.Panels {
		for _, target := range panel.Targets {
			queries.WriteString(target.Expr + "\n")
		}
	}
	return queries.String()
}

// choices are the queries of the variables.
func (d dashboard) choices() string { return fmt.Sprint(d.Templating.List) }

// familiesOf gives the names on the page, and those of the series that they stand for: a histogram is never served under
// its own name.
func familiesOf(page string) (families, series []string) {
	for _, heading := range headings.FindAllStringSubmatch(page, -1) {
		name, kind := heading[1], heading[2]
		families = append(families, name)
		if kind == "histogram" {
			series = append(series, name+"_bucket", name+"_sum", name+"_count")
		} else {
			series = append(series, name)
		}
	}
	return families, series
}

func TestTheDashboardShowsEverySeries(t *testing.T) {
	page := read(t, seriesPage)
	if families, _ := familiesOf(page); len(families) == 0 || len(families) != strings.Count(page, "\n## custom_pod_autoscaler_") {
		t.Fatalf("of the headings of %s, %d were understood", seriesPage, len(families))
	}
	for _, problem := range dashboardProblems(read(t, dashboardFile), page) {
		t.Errorf("%s: %s", dashboardFile, problem)
	}
}

// A check that cannot fail is none.
func TestADashboardThatIsWrongIsNoticed(t *testing.T) {
	text, page := read(t, dashboardFile), read(t, seriesPage)
	for _, row := range []struct{ name, old, changed, says string }{
		{"a renamed series", "custom_pod_autoscaler_passes_total", "custom_pod_autoscaler_pass_total", "asks for custom_pod_autoscaler_pass_total"},
		{"a family in no panel", "custom_pod_autoscaler_min_replicas", "up", "no panel shows custom_pod_autoscaler_min_replicas"},
		{"a histogram by its name", "stage_duration_seconds_bucket", "stage_duration_seconds", "asks for custom_pod_autoscaler_stage_duration_seconds,"},
		{"a renamed series of a variable", "label_values(custom_pod_autoscaler_info,", "label_values(custom_pod_autoscaler_about,", "asks for custom_pod_autoscaler_about"},
		{"a panel without a title", `"title": "Replicas"`, `"title": ""`, "lacks a title"},
		{"a panel without a description", `"description": "Where`, `"about": "Where`, `"Stage durations, median" lacks`},
		{"a fixed data source", `"uid": "${datasource}"`, `"uid": "P1809F7CD0C75ACF3"`, "is tied to the data source"},
		{"an id", `"id": null`, `"id": 7`, "null id"},
		{"no JSON", "{", "", "invalid character"},
	} {
		problems := dashboardProblems(strings.ReplaceAll(text, row.old, row.changed), page)
		if !slices.ContainsFunc(problems, func(problem string) bool { return strings.Contains(problem, row.says) }) {
			t.Errorf("%s: got %q, want %q", row.name, problems, row.says)
		}
	}
}
