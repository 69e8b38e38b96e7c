// Command bench measures what a pass costs: the real program, as users have it, on a real control plane with 10, 500 and
// 5,000 simulated pods. Each case is a line of a table in cases.go. It is run in the module test/:
//
//	go run ./bench -json FILE -text FILE
//
// A case goes like this:
//
//	counted    one or two passes behind a proxy and with a server as user logic, both of which count and keep what they
//	           are asked: requests to the API server, and documents
//	measured   a pass, the floor of its reads, the floor of its user logic; a pass, the floor of ...
//
// The floors are the same requests by a bare client and the same processes with nothing around them. They take turns
// with the passes, as whatever else the machine does then slows all of them, and the ratio holds.
//
// It has no go.mod of its own: it wants the cluster of test/cluster, and what it takes from elsewhere is what the tests of
// that module take as well.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// options are the flags.
type options struct {
	pods    []int
	only    *regexp.Regexp
	passes  int
	budget  time.Duration
	profile string
	from    []string
	json    string
	text    string
	docs    string
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == serving {
		serve() // the user logic of the kind http is this program, too
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	o, err := parse(os.Args[1:])
	if err == nil {
		err = o.run(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func parse(arguments []string) (o options, err error) {
	flags := flag.NewFlagSet("bench", flag.ExitOnError)
	pods := flags.String("pods", "10,500,5000", "the sizes, separated by commas")
	only := flags.String("run", "", "measure only cases whose name has this regular expression")
	from := flags.String("from", "", "measure nothing, and read what -json has written, of one or more runs, separated by commas")
	flags.IntVar(&o.passes, "passes", 30, "measured passes of a case, 100 at most")
	flags.DurationVar(&o.budget, "budget", 10*time.Second, "end a case early, after three passes, when it has taken this long")
	flags.StringVar(&o.profile, "profile", "", "measure a program that writes CPU and heap profiles into this folder")
	flags.StringVar(&o.json, "json", "", "write the results to this file")
	flags.StringVar(&o.text, "text", "", "write them to this file as go test -bench would, for benchstat")
	flags.StringVar(&o.docs, "update-docs", "", "write the table into this page, between its markers")
	_ = flags.Parse(arguments) // which ends the program where it fails
	if o.only, err = regexp.Compile(*only); err != nil {
		return o, fmt.Errorf("reading -run: %w", err)
	}
	if *from != "" {
		o.from = strings.Split(*from, ",")
	}
	for size := range strings.SplitSeq(*pods, ",") {
		number, err := strconv.Atoi(size)
		if err != nil || number < 1 {
			return o, fmt.Errorf("reading -pods: %q is not a number of pods", size)
		}
		o.pods = append(o.pods, number)
	}
	if o.passes < fewest || o.passes > remembered || flags.NArg() > 0 {
		return o, fmt.Errorf("-passes has to be from %d to %d, and there are no arguments", fewest, remembered)
	}
	return o, nil
}

func (o options) run(ctx context.Context) error {
	found, err := o.report(ctx)
	if len(found.Results) == 0 {
		return err
	}
	fmt.Print(found.table(), "\n", found.judged())
	return errors.Join(err, found.write(o)) // what there is, is not measured again
}

func (o options) report(ctx context.Context) (report, error) {
	if len(o.from) > 0 {
		return readReports(o.from)
	}
	machine, err := thisMachine()
	if err != nil {
		return report{}, err
	}
	results, err := measureAll(ctx, o)
	return report{Machine: machine, Results: results}, err
}
