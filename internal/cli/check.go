package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/check"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/commandline"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/decode"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/finding"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/host"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/terminal"
)

// checks are what check is asked to look at besides the configuration itself.
type checks struct {
	strict, urls, cluster bool
}

func checkCommand(program Program) *cobra.Command {
	var file string
	var cluster host.Cluster
	var wanted checks
	command := &cobra.Command{
		Use:   "check",
		Short: "Check a configuration, and what it needs",
		Long: `check loads a configuration as the autoscaler would, and prints each value and where it came from, and what is
wrong with which way out. It looks whether the programs of shell methods and workers are there; with --urls, whether the servers
of http methods answer; and with --cluster, whether the cluster has the target and the metrics, and whether you have
the rights that the autoscaler needs: with its own kubeconfig or in its pod, whether it has.

It ends with 0 where nothing is in the way (warnings are not), 1 where something is, and 2 where the configuration is wrong.`,
		Example: `  custom-pod-autoscaler check --config config.yaml

  # in a pipeline: a key with a typo is an error, and the answer is read by a program
  custom-pod-autoscaler check --config config.yaml --strict -o json

  # against a cluster
  custom-pod-autoscaler check --config config.yaml --cluster --context kind-dev`,
		Args: commandline.Args(cobra.NoArgs),
	}
	sources(command, &file, &cluster)
	flags := command.Flags()
	flags.BoolVar(&wanted.strict, "strict", false, "take keys that nobody reads for errors")
	flags.BoolVar(&wanted.urls, "urls", false, "ask the servers of http methods for an answer (HEAD, without a document)")
	flags.BoolVar(&wanted.cluster, "cluster", false, "check against the cluster, too")
	output := commandline.OutputFlag(command, "text", "json", "yaml")
	command.RunE = func(command *cobra.Command, _ []string) error {
		return runCheck(command.Context(), program, file, cluster, wanted, *output)
	}
	return command
}

func runCheck(ctx context.Context, program Program, file string, cluster host.Cluster, wanted checks, output string) error {
	read := config.Load
	if wanted.strict {
		read = config.LoadStrictly
	}
	loaded, wrong := read(file, program.Environment)
	found := checked{File: loaded.File, Values: loaded.Values(), Warnings: loaded.Warnings, Problems: problems(wrong)}
	found.Checks = append(check.Methods(ctx, loaded.Config, wanted.urls), check.API(loaded.Config.APIConfig)...)
	var unreachable error
	switch {
	case wanted.cluster && wrong != nil: // it would be asked for the wrong things
		found.Checks = append(found.Checks, finding.Item{Check: "cluster", Result: finding.Warning, Says: "is asked when the configuration is right"})
	case wanted.cluster:
		var items []finding.Item
		items, unreachable = host.Check(ctx, cluster, loaded.Config)
		found.Checks = append(found.Checks, items...)
	}
	found.paint = terminal.NewPaint(program.Stdout, program.Environment)
	if err := commandline.Print(program.Stdout, output, found, found.text); err != nil {
		return err
	}
	return cmp.Or(found.outcome(), unreachable)
}

// checked is what check prints.
type checked struct {
	File     string         `json:"file,omitempty"`
	Values   []config.Value `json:"values"`
	Warnings []string       `json:"warnings,omitempty"`
	Problems []problem      `json:"problems,omitempty"`
	Checks   []finding.Item `json:"checks,omitempty"`

	paint terminal.Paint
}

// problem is one of the configuration, with the way out.
type problem struct {
	Key    string `json:"key,omitempty"`
	Value  string `json:"value,omitempty"`
	Rule   string `json:"rule"`
	Source string `json:"source"`
	Fix    string `json:"fix"`
}

func problems(err error) (all []problem) {
	wrong, _ := errors.AsType[decode.Problems](err)
	for _, p := range wrong.List {
		all = append(all, problem{p.Key, p.Value, p.Rule, p.Source, p.WayOut()})
	}
	return all
}

// outcome is the error to end with, if any.
func (c checked) outcome() error {
	switch {
	case len(c.Problems) > 0:
		return commandline.UsageError{Err: errors.New("the configuration is wrong: " + c.summary())}
	case check.Failed(c.Checks):
		return errors.New("something that the configuration needs is not as it should be")
	}
	return nil
}

// text prints one line for each value, and one for each thing that was found.
func (c checked) text(to io.Writer) error {
	table := terminal.NewTable(to, 2)
	for _, value := range c.Values {
		table.Row(value.Key, oneLine(value.Value), value.Source)
	}
	table.Row()
	c.findings(table)
	return table.Flush()
}

func (c checked) findings(to terminal.Table) {
	result := finding.OK
	if len(c.Problems) > 0 {
		result = finding.Error
	}
	c.line(to, result, "configuration", c.summary())
	for _, warning := range c.Warnings {
		c.line(to, finding.Warning, "configuration", warning)
	}
	for _, p := range c.Problems {
		says := p.Rule
		switch {
		case p.Key != "" && p.Value == "":
			says = "missing: " + says
		case p.Key != "":
			says = p.Value + " is not allowed: " + says
		}
		c.line(to, finding.Error, cmp.Or(p.Key, "file"), says+" -> "+p.Fix)
	}
	for _, item := range c.Checks {
		c.line(to, item.Result, item.Check, strings.TrimSuffix(item.Says+" -> "+item.Fix, " -> "))
	}
}

func (c checked) summary() string {
	read := strings.TrimPrefix(c.File+" and the environment", " and ")
	switch len(c.Problems) {
	case 0:
		return "there is nothing wrong with " + read
	case 1:
		return "there is 1 problem with " + read
	}
	return fmt.Sprintf("there are %d problems with %s", len(c.Problems), read)
}

func (c checked) line(to terminal.Table, result finding.Result, what, says string) {
	to.Row(c.paint.In(colours[result], string(result)), what, oneLine(says))
}

var colours = map[finding.Result]terminal.Colour{finding.OK: terminal.Green, finding.Warning: terminal.Yellow, finding.Error: terminal.Red}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
