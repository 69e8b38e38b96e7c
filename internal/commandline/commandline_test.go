package commandline

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// program has two commands: get, which has -o, and init, which needs a folder.
func program(out io.Writer) *cobra.Command {
	nothing := func(*cobra.Command, []string) error { return nil }
	root := &cobra.Command{Use: "program", Args: Args(cobra.NoArgs), RunE: nothing, SilenceErrors: true, SilenceUsage: true}
	root.SetFlagErrorFunc(FlagError)
	get := &cobra.Command{Use: "get", Args: Args(cobra.NoArgs)}
	output := OutputFlag(get, "text", "json", "yaml")
	get.RunE = func(*cobra.Command, []string) error {
		return Print(out, *output, map[string]string{"a": "<b>"}, func(to io.Writer) error {
			_, err := fmt.Fprintln(to, "a is <b>")
			return err
		})
	}
	root.AddCommand(get, &cobra.Command{Use: "init", Args: RequiredArgs("into which folder", "web", cobra.ExactArgs(1)), RunE: nothing})
	return root
}

func TestUsageErrors(t *testing.T) {
	for _, row := range []struct{ name, line, want string }{
		{"no mistake", "init folder", ""},
		{"an argument is missing", "init", "into which folder? For example: program init web; see program init --help"},
		{"one too many", "init a b", "accepts 1 arg(s), received 2; see program init --help"},
		{"a command of a similar name", "gte", `unknown command "gte" for "program"; did you mean get?; see program --help`},
		{"an unknown flag", "get --nope", "unknown flag: --nope"},
		{"an unknown format", "get -o xml", `-o is "xml": it has to be one of text, json, yaml`},
	} {
		t.Run(row.name, func(t *testing.T) {
			command := program(io.Discard)
			command.SetArgs(strings.Fields(row.line))
			got := ""
			if err := command.Execute(); err != nil {
				if _, usage := errors.AsType[UsageError](err); !usage {
					t.Errorf("%T is no UsageError", err)
				}
				got = err.Error()
			}
			if got != row.want {
				t.Errorf("got  %q\nwant %q", got, row.want)
			}
		})
	}
}

func TestOutputFormats(t *testing.T) {
	for line, want := range map[string]string{
		"get":         "a is <b>\n",
		"get -o json": "{\n  \"a\": \"<b>\"\n}\n",
		"get -o yaml": "a: <b>\n",
	} {
		var out strings.Builder
		command := program(&out)
		command.SetArgs(strings.Fields(line))
		if err := command.Execute(); err != nil || out.String() != want {
			t.Errorf("%s: got %q, %v, want %q", line, &out, err, want)
		}
	}
}
