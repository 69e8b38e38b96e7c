package cli

import (
	"github.com/spf13/cobra"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/commandline"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config"
)

func schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of the configuration file",
		Long: `schema prints the JSON Schema (draft 2020-12) of the configuration file, by which an editor
completes keys, explains them and marks mistakes.`,
		Example: `  custom-pod-autoscaler schema > config.schema.json
  # and as the first line of config.yaml, for editors that use yaml-language-server:
  # yaml-language-server: $schema=config.schema.json`,
		Args: commandline.Args(cobra.NoArgs),
		RunE: func(command *cobra.Command, _ []string) error {
			_, err := command.OutOrStdout().Write(config.Schema())
			return err
		},
	}
}
