// Package commandline holds what the command lines of several programs have in common: mistakes in how a program is called, the
// flags that several commands have, and the signals that end a program. It knows no command.
package commandline

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// UsageError is a mistake in how the program was called: a wrong configuration, flag or argument.
type UsageError struct{ Err error }

func (e UsageError) Error() string { return e.Err.Error() }

func (e UsageError) Unwrap() error { return e.Err }

// FlagError makes a UsageError of an error in a flag, for cobra's SetFlagErrorFunc.
func FlagError(_ *cobra.Command, err error) error { return UsageError{err} }

// Args makes UsageErrors of the errors of check. They suggest commands of a similar name, and name the help.
func Args(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(command *cobra.Command, arguments []string) error {
		if err := check(command, arguments); err != nil {
			return UsageError{fmt.Errorf("%w%s; see %s --help", err, suggestion(command, arguments), command.CommandPath())}
		}
		return nil
	}
}

// RequiredArgs is Args for a command that needs at least one argument. Without any, the error asks the question and shows an
// example.
func RequiredArgs(question, example string, check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(command *cobra.Command, arguments []string) error {
		if len(arguments) == 0 {
			return UsageError{fmt.Errorf("%s? For example: %s %s; see %[2]s --help", question, command.CommandPath(), example)}
		}
		return Args(check)(command, arguments)
	}
}

// suggestion names the commands that are spelled like the one that does not exist.
func suggestion(command *cobra.Command, arguments []string) string {
	if len(arguments) == 0 || !command.HasAvailableSubCommands() {
		return ""
	}
	if command.SuggestionsMinimumDistance <= 0 {
		command.SuggestionsMinimumDistance = 2
	}
	if names := command.SuggestionsFor(arguments[0]); len(names) > 0 {
		return "; did you mean " + strings.Join(names, " or ") + "?"
	}
	return ""
}
