package kubectl

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	cpav1 "github.com/custom-pod-autoscaler/autoscaler/v3/api/v1"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/commandline"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/plugin"
)

func pauseCommand(where *place) *cobra.Command {
	var replicas int32
	var long, timeout time.Duration
	var wait bool
	command := oneName(where, &cobra.Command{
		Use:   "pause NAME",
		Short: "Stop an autoscaler, and hold its target",
		Long: `pause stops an autoscaler, and has the operator hold its target at the replicas that it has, or at so
many as --replicas says, until it is resumed or for so long. It waits until that is so.`,
		Example: `  # hold it at what it has, until it is resumed
  kubectl cpa pause web-autoscaler

  # at three replicas
  kubectl cpa pause web-autoscaler --replicas 3

  # for two hours
  kubectl cpa pause web-autoscaler --replicas 3 --for 2h`,
		RunE: func(command *cobra.Command, arguments []string) error {
			if replicas < 0 {
				return commandline.UsageError{Err: errors.New("--replicas has to be a number, from 0: how many replicas should the target be held at?")}
			}
			if long < 0 || long == 0 && command.Flags().Changed("for") {
				return commandline.UsageError{Err: fmt.Errorf("--for is %s: it has to be longer than nothing", long)}
			}
			objects, namespace, err := where.objects()
			if err != nil {
				return err
			}
			if !command.Flags().Changed("replicas") {
				if replicas, err = objects.Replicas(command.Context(), namespace, arguments[0]); err != nil {
					return fmt.Errorf("%w; --replicas says how many replicas to hold it at", err)
				}
			}
			until := plugin.Until(time.Now(), long)
			if err := objects.Pause(command.Context(), namespace, arguments[0], replicas, until); err != nil {
				return err
			}
			done := "paused"
			if !command.Flags().Changed("replicas") {
				done += ", its target held at " + cpav1.CountReplicas(replicas)
			}
			return waited(command, wait, timeout, done, func(ctx context.Context) error {
				return objects.Await(ctx, namespace, arguments[0], plugin.Paused(replicas, until))
			})
		},
	})
	command.Flags().Int32Var(&replicas, "replicas", 0, "how many replicas the target is held at (default: as many as it has)")
	command.Flags().DurationVar(&long, "for", 0, "for how long, such as 90m or 2h (default: until it is resumed)")
	waitFlags(command, &wait, &timeout)
	return command
}

func resumeCommand(where *place) *cobra.Command {
	var timeout time.Duration
	var wait bool
	command := oneName(where, &cobra.Command{
		Use:     "resume NAME",
		Short:   "Let a paused autoscaler go on",
		Long:    "resume lets a paused autoscaler go on. It waits until its target is not held any more.",
		Example: "  kubectl cpa resume web-autoscaler",
		RunE: func(command *cobra.Command, arguments []string) error {
			objects, namespace, err := where.objects()
			if err != nil {
				return err
			}
			if err := objects.Resume(command.Context(), namespace, arguments[0]); err != nil {
				return err
			}
			return waited(command, wait, timeout, "resumed", func(ctx context.Context) error {
				return objects.Await(ctx, namespace, arguments[0], plugin.Resumed)
			})
		},
	})
	waitFlags(command, &wait, &timeout)
	return command
}

func waitFlags(command *cobra.Command, wait *bool, timeout *time.Duration) {
	command.Flags().BoolVar(wait, "wait", true, "wait until the operator has done it")
	command.Flags().DurationVar(timeout, "timeout", time.Minute, "how long to wait")
}

// waited waits, unless it should not, and says what has come of it.
func waited(command *cobra.Command, wait bool, timeout time.Duration, done string, await func(context.Context) error) error {
	name := command.Flags().Arg(0)
	if !wait {
		fmt.Fprintf(command.OutOrStdout(), "%s is to be %s; the operator has yet to do it\n", name, done)
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(command.Context(), timeout, fmt.Errorf("it has not done it within %s (--timeout)", timeout))
	defer cancel()
	if err := await(ctx); err != nil {
		return err
	}
	fmt.Fprintf(command.OutOrStdout(), "%s is %s\n", name, done)
	return nil
}
