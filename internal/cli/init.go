package cli

import (
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/commandline"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/scaffold"
)

func initCommand(program Program) *cobra.Command {
	var values scaffold.Values
	command := &cobra.Command{
		Use:   "init FOLDER",
		Short: "Write a new autoscaler, which works as it is",
		Long: `init writes a new autoscaler into a folder: its configuration, its metric and evaluate programs, a Dockerfile, an
object for the cluster, a simulation to try it with, and a README that says what is what. It keeps the pods of a
workload half busy until you change it, and passes its simulation as it is written.

The folder is made where it is not there. Nothing is ever overwritten.`,
		Example: `  # an autoscaler of the Deployment web, in Python
  custom-pod-autoscaler init web-autoscaler

  # in Go, of a StatefulSet
  custom-pod-autoscaler init queue-autoscaler --language go --kind StatefulSet --name queue --namespace shop

  # as an HTTP server, of an Argo Rollout
  custom-pod-autoscaler init rollout-autoscaler --language http --api-version argoproj.io/v1alpha1 --kind Rollout`,
		Args: commandline.RequiredArgs("into which folder", "web-autoscaler", cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, arguments []string) error {
			return initialize(program.Stdout, arguments[0], values)
		},
	}
	flags := command.Flags()
	flags.StringVar(&values.Language, "language", "python", "what the programs are written in: "+strings.Join(scaffold.Names(), ", ")+" (a server, in Python)")
	flags.StringVar(&values.Name, "name", "web", "name of the workload that is scaled")
	flags.StringVar(&values.Kind, "kind", "Deployment", "its kind")
	flags.StringVar(&values.APIVersion, "api-version", "apps/v1", "the kind's group and version")
	flags.StringVar(&values.Namespace, "namespace", "default", "the namespace that it is in")
	return command
}

func initialize(to io.Writer, folder string, values scaffold.Values) error {
	if folder == "" {
		return commandline.UsageError{Err: fmt.Errorf("the folder has no name; see custom-pod-autoscaler init --help")}
	}
	if err := values.Validate(); err != nil {
		return commandline.UsageError{Err: err}
	}
	files, err := values.Files()
	if err != nil {
		return err
	}
	if err := scaffold.Write(folder, files); err != nil {
		return err
	}
	fmt.Fprintf(to, "An autoscaler of the %s %s is in %s:\n\n", values.Kind, values.Name, folder)
	for _, file := range files {
		fmt.Fprintln(to, "  "+file.Name)
	}
	fmt.Fprintf(to, "\nREADME.md says what each is. Try it, without a cluster:\n\n")
	for _, line := range next(folder, values.Language) {
		fmt.Fprintln(to, "  "+line)
	}
	return nil
}

// next are the commands to type.
func next(folder, language string) (lines []string) {
	if filepath.Clean(folder) != "." {
		lines = append(lines, "cd "+shellWord(folder))
	}
	for _, one := range scaffold.Languages {
		if one.Name == language && one.First != "" {
			lines = append(lines, one.First)
		}
	}
	return append(lines, "custom-pod-autoscaler simulate --config config.yaml --simulation simulation.yaml")
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./][A-Za-z0-9_./-]*$`)

// shellWord is a path as a shell takes it.
func shellWord(path string) string {
	if plainWord.MatchString(path) {
		return path
	}
	if strings.HasPrefix(path, "-") {
		path = "./" + path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
