package commandline

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"
)

// OutputFlag adds -o, which has to be one of the formats. The first is the default.
func OutputFlag(command *cobra.Command, formats ...string) *string {
	output := command.Flags().StringP("output", "o", formats[0], "format of the output: "+strings.Join(formats, ", "))
	_ = command.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp)) // the flag is there
	command.PreRunE = func(*cobra.Command, []string) error {
		if !slices.Contains(formats, *output) {
			return UsageError{fmt.Errorf("-o is %q: it has to be one of %s", *output, strings.Join(formats, ", "))}
		}
		return nil
	}
	return output
}

// Print writes a document in a format of OutputFlag: as JSON, as YAML, or, in any other format, by calling text.
func Print(out io.Writer, format string, document any, text func(io.Writer) error) error {
	switch format {
	case "json":
		encoder := json.NewEncoder(out)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		return encoder.Encode(document)
	case "yaml":
		body, err := yaml.Marshal(document)
		if err == nil {
			_, err = out.Write(body)
		}
		return err
	}
	return text(out)
}
