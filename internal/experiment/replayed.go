package experiment

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/recording"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/secret"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/telemetry"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/terminal"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/text"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/unit"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// ShownDifferences is how many differences Text writes: as many as people read.
const ShownDifferences = 20

// Replay reads recordings, file by file, and decides each pass again with a configuration. It logs warnings to stderr, and shows its
// progress there if it is a terminal.
func Replay(ctx context.Context, loaded config.Loaded, files []string, stderr io.Writer) (*Replayed, error) {
	log := telemetry.NewLogger(stderr, slog.LevelWarn, false, secret.New(loaded.Secrets()...).Mask)
	again, err := unit.NewReplay(loaded.Config, log, loaded.Secrets()...)
	if err != nil {
		return nil, err
	}
	defer again.Close()
	replayed := &Replayed{asked: loaded.Config}
	began := time.Now()
	progress := terminal.NewProgress(stderr, "pass", "passes")
	defer progress.End()
	for _, name := range files {
		torn, err := readFile(name, func(entry recording.Entry) error {
			replayed.saw(entry)
			defer progress.Step()
			return again.Replay.Entry(ctx, entry)
		})
		if err != nil {
			return nil, fmt.Errorf("reading the recording %s: %w", name, err)
		}
		replayed.Unreadable += torn
	}
	replayed.Comparison, replayed.took = again.Replay.Comparison, time.Since(began)
	if replayed.Differences == nil {
		replayed.Differences = []recording.Difference{}
	}
	return replayed, nil
}

func readFile(name string, each func(recording.Entry) error) (torn int, err error) {
	file, err := os.Open(name)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	return recording.Read(file, each)
}

// Replayed is what came of a replay.
type Replayed struct {
	Target string    `json:"target"`
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
	recording.Comparison
	Unreadable int `json:"unreadable"` // lines

	asked config.Config
	took  time.Duration
}

func (r *Replayed) saw(entry recording.Entry) {
	if r.From.IsZero() {
		r.From = entry.Decision.Time
	}
	if entry.Target != nil {
		r.Target = entry.Target.Kind + " " + entry.Target.Namespace + "/" + entry.Target.Name
	}
	r.To = entry.Decision.Time
}

// Text writes the result for people. Unless all is set, equal differences are written once, and only the first ShownDifferences.
func (r *Replayed) Text(to io.Writer, all bool) error {
	fmt.Fprintf(to, "%s, from %s to %s\n", r.Target, r.From.UTC().Format(time.DateTime), r.To.UTC().Format(time.DateTime+" UTC"))
	fmt.Fprintf(to, "%s in %s: %s\n", text.Count(r.Passes, "pass", "passes"), terminal.Round(r.took), r.outcome())
	for _, note := range r.notes() {
		fmt.Fprintln(to, "note:", note)
	}
	if err := r.figures(to); err != nil {
		return err
	}
	if all {
		for _, d := range r.Differences {
			describeDifference(to, d, "")
		}
		return nil
	}
	groups := grouped(r.Differences)
	shown, told := groups[:min(len(groups), ShownDifferences)], 0
	for _, g := range shown {
		describeDifference(to, g.first, g.times())
		told += g.count
	}
	if told < len(r.Differences) {
		fmt.Fprintf(to, "\n%s more: --all shows them\n", text.Count(len(r.Differences)-told, "difference", "differences"))
	} else if len(groups) < len(r.Differences) {
		fmt.Fprintln(to, "\nEqual differences are shown once: --all shows each.")
	}
	return nil
}

// figures sets those of what was decided beside those of what is decided now.
func (r *Replayed) figures(to io.Writer) error {
	table := terminal.NewTable(to, 2)
	table.Row()
	table.Row("", "was", "now")
	table.Row("pod_hours", fmt.Sprintf("%.4g", r.Was.PodHours), fmt.Sprintf("%.4g", r.Now.PodHours))
	table.Row("scalings", fmt.Sprint(r.Was.Scalings), fmt.Sprint(r.Now.Scalings))
	table.Row("flaps", fmt.Sprint(r.Was.Flaps), fmt.Sprint(r.Now.Flaps))
	table.Row("peak_replicas", fmt.Sprint(r.Was.Peak), fmt.Sprint(r.Now.Peak))
	return table.Flush()
}

// group are differences that are equal but for their times: the same numbers, for the same reasons.
type group struct {
	first recording.Difference
	last  time.Time
	count int
}

func (g group) times() string {
	if g.count == 1 {
		return ""
	}
	return fmt.Sprintf(" (%d passes, until %s)", g.count, g.last.UTC().Format(time.DateTime))
}

// grouped puts equal differences together, in the order of their first.
func grouped(all []recording.Difference) (groups []*group) {
	known := map[string]*group{}
	for _, d := range all {
		key := fmt.Sprint(replicasOf(d.Was), replicasOf(d.Now), d.Why, words(d.Was), words(d.Now))
		g, is := known[key]
		if !is {
			g = &group{first: d}
			known[key], groups = g, append(groups, g)
		}
		g.count, g.last = g.count+1, d.Was.Time
	}
	return groups
}

// words are the reasons of a decision, without what differs from pass to pass.
func words(d userlogic.Decision) (all []string) {
	for _, reason := range d.Reasons {
		all = append(all, reason.Reason)
	}
	return all
}

func (r *Replayed) outcome() string {
	differ := len(r.Differences)
	if differ+r.Opening == 0 {
		return "all are decided as they were"
	}
	var more, fewer, fail, recover int
	for _, d := range r.Differences {
		switch was, now := d.Was.DesiredReplicas, d.Now.DesiredReplicas; {
		case d.Now.Error != nil:
			fail++
		case d.Was.Error != nil:
			recover++
		case was != nil && now != nil && *now > *was:
			more++
		case was != nil && now != nil && *now < *was:
			fewer++
		}
	}
	return fmt.Sprintf("%d as they were, %d otherwise (more replicas in %d, fewer in %d; %d fail, %d that failed do not)", r.Passes-differ-r.Opening, differ, more, fewer, fail, recover)
}

// notes are what limits the comparison.
func (r *Replayed) notes() (notes []string) {
	asked := fmt.Sprintf("%s %s/%s", r.asked.ScaleTargetRef.Kind, r.asked.Namespace, r.asked.ScaleTargetRef.Name)
	if r.Target != "" && r.Target != asked {
		notes = append(notes, fmt.Sprintf("the configuration is for %s", asked))
	}
	if r.Opening > 0 {
		notes = append(notes, fmt.Sprintf("%s at the beginning had more replicas, perhaps for what was recommended before the recording began (downscaleStabilization)", text.Count(r.Opening, "pass", "passes")))
	}
	if r.Unknown > 0 {
		notes = append(notes, text.Count(r.Unknown, "pass", "passes")+" had not read the target: there is nothing to decide by")
	}
	if r.Unreadable > 0 {
		notes = append(notes, text.Count(r.Unreadable, "line", "lines")+" could not be read, as when an autoscaler is killed while it writes")
	}
	return notes
}

func describeDifference(to io.Writer, d recording.Difference, times string) {
	fmt.Fprintf(to, "\n%s  %s -> %s: %s%s\n", d.Was.Time.UTC().Format(time.DateTime), replicasOf(d.Was), replicasOf(d.Now), d.Why, times)
	fmt.Fprintf(to, "  was  %s\n  now  %s\n", because(d.Was), because(d.Now))
	for _, change := range d.Metrics {
		fmt.Fprintf(to, "  metric of %s: was %q, now %q\n", change.Resource, strings.TrimSpace(change.Was), strings.TrimSpace(change.Now))
	}
}

func replicasOf(d userlogic.Decision) string {
	if d.DesiredReplicas == nil || d.Error != nil {
		return "failed"
	}
	return fmt.Sprint(*d.DesiredReplicas)
}

func because(d userlogic.Decision) string {
	if d.Error != nil {
		return fmt.Sprintf("failed in the stage %s (%s)", d.Error.Stage, d.Error.Reason)
	}
	words := make([]string, len(d.Reasons))
	for i, reason := range d.Reasons {
		words[i] = fmt.Sprintf("%s (%s)", reason.Message, reason.Reason)
	}
	text := strings.Join(words, "; ")
	if d.UserReason != "" {
		text += fmt.Sprintf("; evaluate says: %q", d.UserReason)
	}
	return text
}
