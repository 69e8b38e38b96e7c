package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/commandline"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/host"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/pass"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/secret"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/text"
	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

func onceCommand(program Program) *cobra.Command {
	var file string
	var cluster host.Cluster
	var apply bool
	command := &cobra.Command{
		Use:   "once",
		Short: "Make one pass, and show each document that goes in and out of user logic",
		Long: `once makes a single pass with the real pipeline: it reads the target, gathers Kubernetes metrics, runs
your programs, and decides. It prints what each program was given and what it replied, the metrics, and the decision
with its reasons; the values of environment variables, commands and what else may be secret in an object
are not printed, although your programs are given them. It scales only with --apply, runs preScale and postScale only then, and writes nothing else.

It knows nothing of earlier passes, so that downscaleStabilization does not hold it back.`,
		Example: `  # what would be done, and why
  custom-pod-autoscaler once --config config.yaml

  # what the evaluate method was given, for a test of your own
  custom-pod-autoscaler once --config config.yaml -o json | jq '.methods[] | select(.method == "evaluate").document'

  # do it
  custom-pod-autoscaler once --config config.yaml --apply`,
		Args: commandline.Args(cobra.NoArgs),
	}
	sources(command, &file, &cluster)
	command.Flags().BoolVar(&apply, "apply", false, "scale the target, instead of only saying how it would be")
	output := commandline.OutputFlag(command, "text", "json", "yaml")
	command.RunE = func(command *cobra.Command, _ []string) error {
		settings, _, err := settingsOf(program, file)
		if err != nil {
			return err
		}
		return once(command.Context(), program.Stdout, cluster, settings, apply, *output)
	}
	return command
}

func once(ctx context.Context, to io.Writer, cluster host.Cluster, settings host.Settings, apply bool, output string) error {
	runType := userlogic.APIDryRun
	if apply {
		runType = userlogic.API
	}
	var runs ended
	pass, err := host.Once(ctx, cluster, settings, runType, runs.add)
	if err != nil && pass.Failure == nil {
		return err
	}
	shown := onePass(pass, runs.list, settings)
	if err := commandline.Print(to, output, shown, shown.text); err != nil {
		return err
	}
	if pass.Failure != nil {
		return fmt.Errorf("the pass failed in the stage %s: %w", pass.Failure.Stage, err)
	}
	return nil
}

// ended are the runs of methods, some of which are side by side.
type ended struct {
	mutex sync.Mutex
	list  []method.Run
}

func (e *ended) add(run method.Run) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.list = append(e.list, run)
}

// passDocument is a pass as once prints it.
type passDocument struct {
	Decision          userlogic.Decision           `json:"decision"`
	KubernetesMetrics []userlogic.KubernetesMetric `json:"kubernetesMetrics,omitempty"`
	Sources           []userlogic.SourceMetric     `json:"sources,omitempty"`
	Methods           []runDocument                `json:"methods"`
}

// runDocument is a run of a method, in the order in which they ended.
type runDocument struct {
	Method   string          `json:"method"`
	Type     string          `json:"type"`
	Document json.RawMessage `json:"document"`
	Reply    string          `json:"reply"`
	Error    string          `json:"error,omitempty"`
	Seconds  float64         `json:"seconds"`
}

func onePass(p pass.Pass, runs []method.Run, settings host.Settings) passDocument {
	ref, gathered := settings.Config.ScaleTargetRef, metrics.DocumentsOf(p.Gathered)
	shown := passDocument{
		Decision:          p.Document(ref.Kind + " " + settings.Config.Namespace + "/" + ref.Name),
		KubernetesMetrics: gathered.Kubernetes, Sources: gathered.Sources, Methods: []runDocument{},
	}
	masker := secret.New(settings.Secrets...)
	for _, run := range runs {
		document := runDocument{Method: run.Name, Type: run.Type, Document: shownDocument(run.Document.Bytes()), Reply: masker.Mask(run.Reply), Seconds: run.Took.Seconds()}
		if run.Err != nil {
			document.Error = run.Err.Error()
		}
		shown.Methods = append(shown.Methods, document)
	}
	return shown
}

// shownDocument is a document without what may be secret in the objects that it has. It is always JSON.
func shownDocument(document json.RawMessage) json.RawMessage {
	shown, err := secret.Object(document)
	if err != nil {
		return json.RawMessage("null")
	}
	return shown
}

func (p passDocument) text(to io.Writer) error {
	for _, metric := range p.KubernetesMetrics {
		fmt.Fprintln(to, "Kubernetes metric", summary(metric))
	}
	for _, metric := range p.Sources {
		fmt.Fprintf(to, "metric %s %s: %v\n", metric.Type, metric.Name, metric.Value)
	}
	if missing := p.Decision.KubernetesMetricsError; missing != "" {
		fmt.Fprintln(to, "warning:", missing)
	}
	for _, run := range p.Methods {
		took := time.Duration(run.Seconds * float64(time.Second)).Round(time.Millisecond)
		fmt.Fprintf(to, "\n%s (%s, %s)\n%s\n", run.Method, run.Type, took, indented(readable(string(run.Document)), "  in   "))
		if run.Error != "" {
			fmt.Fprintln(to, indented(run.Error, "  error  "))
			continue
		}
		fmt.Fprintln(to, indented(readable(run.Reply), "  out  "))
	}
	fmt.Fprintln(to, "\ndecision")
	p.decision(to)
	return nil
}

func (p passDocument) decision(to io.Writer) {
	d := p.Decision
	switch {
	case d.Error != nil:
		fmt.Fprintf(to, "  failed in the stage %s (%s)\n", d.Error.Stage, d.Error.Reason)
	case d.RecommendedReplicas == nil:
		fmt.Fprintf(to, "  %s is left alone\n", d.Target)
	default:
		fmt.Fprintf(to, "  %s: %d -> %s; %d recommended\n", d.Target, *d.CurrentReplicas, cpav1.CountReplicas(*d.DesiredReplicas), *d.RecommendedReplicas)
	}
	for _, reason := range d.Reasons {
		fmt.Fprintf(to, "  %s: %s\n", reason.Reason, reason.Message)
	}
	if d.UserReason != "" {
		fmt.Fprintf(to, "  evaluate says: %q\n", d.UserReason)
	}
	if d.Result == userlogic.Proposed {
		fmt.Fprintln(to, "  a dry run: nothing was changed; --apply scales")
	}
}

// mostLines are as many lines of a document as people read.
const mostLines = 60

// readable is a document or a reply with each field on a line of its own, where it is JSON, cut where it is long.
func readable(written string) string {
	var lines bytes.Buffer
	if json.Indent(&lines, []byte(strings.TrimSpace(written)), "", "  ") == nil && strings.HasPrefix(lines.String(), "{") || strings.HasPrefix(lines.String(), "[") {
		written = lines.String()
	}
	all := strings.Split(strings.TrimRight(written, "\n"), "\n")
	if len(all) > mostLines {
		rest := text.Count(len(all)-mostLines, "more line", "more lines")
		all = append(all[:mostLines], "... "+rest+": -o json has all of it")
	}
	return strings.Join(all, "\n")
}

// indented puts each line of a text behind what its first line begins with.
func indented(text, first string) string {
	return first + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n"+strings.Repeat(" ", len(first)))
}
