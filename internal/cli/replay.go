package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/app"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/commandline"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/recording"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/secret"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/telemetry"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/terminal"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/text"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// shownDifferences are as many as people read.
const shownDifferences = 20

// replay is what the command is given.
type replay struct {
	program  Program
	config   string
	files    []string
	all      bool
	exitCode bool
	output   *string
}

func replayCommand(program Program) *cobra.Command {
	r := replay{program: program}
	command := &cobra.Command{
		Use:   "replay FILE...",
		Short: "Run other user logic over recorded passes, and show where it decides otherwise",
		Long: `replay takes a recording, which an autoscaler writes whose configuration has the key record, and decides each of
its passes anew by the configuration of --config: with its user logic, its limits and its stabilization, and with what
was known then. It shows the passes in which that comes to another number, and why.

No cluster is needed. The target, its metrics and, where metric runs for each pod, its pods are those of the recording,
and so is the time that user logic is told; preScale and postScale do not run. The values of environment variables,
commands and what else may be secret in the target and its pods were not recorded.`,
		Example: `  # what would a new evaluate have done?
  custom-pod-autoscaler replay passes.jsonl --config new.yaml

  # the older file, too, and every difference, for a program to read
  custom-pod-autoscaler replay passes.jsonl.1 passes.jsonl --config new.yaml -o json

  # as a test that a change of the code changes no decision
  custom-pod-autoscaler replay passes.jsonl --config config.yaml --exit-code`,
		Args: commandline.RequiredArgs("which recordings", "passes.jsonl --config config.yaml", cobra.MinimumNArgs(1)),
	}
	flags := command.Flags()
	flags.StringVarP(&r.config, "config", "c", "", "the configuration that decides now: "+configHelp)
	flags.BoolVar(&r.all, "all", false, fmt.Sprintf("show all differences, and not only the first %d", shownDifferences))
	flags.BoolVar(&r.exitCode, "exit-code", false, "end with 1 if any pass is decided otherwise")
	r.output = commandline.OutputFlag(command, "text", "json", "yaml")
	command.RunE = func(command *cobra.Command, files []string) error {
		r.files = files
		return r.run(command.Context())
	}
	return command
}

func (r replay) run(ctx context.Context) error {
	loaded, err := config.Load(r.config, r.program.Environment)
	if err != nil {
		return commandline.UsageError{Err: err}
	}
	if err := method.AdoptOrphans(); err != nil {
		return fmt.Errorf("becoming the parent of user logic's orphans: %w", err)
	}
	log := telemetry.NewLogger(r.program.Stderr, slog.LevelWarn, false, secret.New(loaded.Secrets()...).Mask)
	again, err := app.NewReplay(loaded.Config, log, loaded.Secrets()...)
	if err != nil {
		return err
	}
	defer again.Close()
	shown, err := r.replay(ctx, again.Replay, loaded.Config)
	if err != nil {
		return err
	}
	if err := commandline.Print(r.program.Stdout, *r.output, shown, shown.text); err != nil {
		return err
	}
	if r.exitCode && len(shown.Differences) > 0 {
		return errors.New(text.Count(len(shown.Differences), "pass is", "passes are") + " decided otherwise (--exit-code)")
	}
	return nil
}

// replay goes through the files in their order.
func (r replay) replay(ctx context.Context, again *recording.Replay, settings config.Config) (*replayed, error) {
	shown := &replayed{all: r.all, asked: settings}
	began := time.Now()
	progress := terminal.NewProgress(r.program.Stderr, "pass", "passes")
	defer progress.End()
	for _, name := range r.files {
		torn, err := readFile(name, func(entry recording.Entry) error {
			shown.saw(entry)
			defer progress.Step()
			return again.Entry(ctx, entry)
		})
		if err != nil {
			return nil, fmt.Errorf("reading the recording %s: %w", name, err)
		}
		shown.Unreadable += torn
	}
	shown.Comparison, shown.took = again.Comparison, time.Since(began)
	if shown.Differences == nil {
		shown.Differences = []recording.Difference{}
	}
	return shown, nil
}

func readFile(name string, each func(recording.Entry) error) (torn int, err error) {
	file, err := os.Open(name)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	return recording.Read(file, each)
}

// replayed is what replay prints.
type replayed struct {
	Target string    `json:"target"`
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
	recording.Comparison
	Unreadable int `json:"unreadable"` // lines

	asked config.Config
	took  time.Duration
	all   bool
}

func (r *replayed) saw(entry recording.Entry) {
	if r.From.IsZero() {
		r.From = entry.Decision.Time
	}
	if entry.Target != nil {
		r.Target = entry.Target.Kind + " " + entry.Target.Namespace + "/" + entry.Target.Name
	}
	r.To = entry.Decision.Time
}

func (r *replayed) text(to io.Writer) error {
	fmt.Fprintf(to, "%s, from %s to %s\n", r.Target, r.From.UTC().Format(time.DateTime), r.To.UTC().Format(time.DateTime+" UTC"))
	fmt.Fprintf(to, "%s in %s: %s\n", text.Count(r.Passes, "pass", "passes"), terminal.Round(r.took), r.outcome())
	for _, note := range r.notes() {
		fmt.Fprintln(to, "note:", note)
	}
	if err := r.figures(to); err != nil {
		return err
	}
	if r.all {
		for _, d := range r.Differences {
			describeDifference(to, d, "")
		}
		return nil
	}
	groups := grouped(r.Differences)
	shown, told := groups[:min(len(groups), shownDifferences)], 0
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
func (r *replayed) figures(to io.Writer) error {
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

func (r *replayed) outcome() string {
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
func (r *replayed) notes() (notes []string) {
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
