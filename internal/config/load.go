package config

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/decode"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/rule"
)

const (
	// DefaultFile is read when nothing names another, and LocalFile where that is not there either.
	DefaultFile, LocalFile = "/config.yaml", "config.yaml"

	fileVariable = "configPath"
)

// Loaded is a configuration and how it came about.
type Loaded struct {
	Config   Config
	Tracing  string   // the protocol that traces are sent by; "" if none are
	Warnings []string // each a sentence for the log; they are worth showing when there are problems, too
	File     string   // that was read; "" where there was none

	origins   decode.Origins
	variables map[string]string // of the environment
}

// Source says where the value of a key came from: a line of the file, an environment variable, or "default".
func (l Loaded) Source(key string) string { return l.origins.Source(key) }

// Load reads the file and the environment over Default, and checks the outcome. The file is the one given, else
// the one the variable configPath names, else DefaultFile, else LocalFile; only one that was given has to exist. The error is a
// Problems, with all of them.
func Load(file string, environ []string) (Loaded, error) { return loadWith(file, environ, false) }

// LoadStrictly is Load for which a key that nobody reads is a problem, not only worth a warning.
func LoadStrictly(file string, environ []string) (Loaded, error) {
	return loadWith(file, environ, true)
}

func loadWith(file string, environ []string, strict bool) (Loaded, error) {
	config := Default()
	variables := parseEnviron(environ)
	l := newLedger(cmp.Or(file, variables[fileVariable], defaultFile()), strict)

	note, unread, there := "", false, l.File
	switch err := l.ReadFile(&config); {
	case errors.Is(err, fs.ErrNotExist) && file == "":
		there = ""
		note = fmt.Sprintf("there is no file at %s; only the environment was read", l.File)
		if variables[fileVariable] != "" {
			l.Say(note + ": the environment variable " + fileVariable + " names it")
		}
	case err != nil:
		unread = true
		l.Add(decode.Problem{Rule: err.Error(), Source: l.File})
	}
	readEnvironment(l, &config, variables)
	config.normalize()
	if !l.Origins().Has(stabilizationKey) {
		config.stabilize()
	}
	l.IgnoreRest()
	checkAll(l, &config)
	if unread {
		// Nobody knows what it says, so what seems to be missing may well be there.
		l.DropProblems(func(p decode.Problem) bool { return p.Key != "" && l.Source(p.Key) == decode.FromDefault })
	}
	tracing := readTracing(l, variables)
	return Loaded{Config: config, Tracing: tracing, Warnings: l.Warnings(), File: there, origins: l.Origins(), variables: variables}, l.Result(note, configKeys)
}

// newLedger is that of a configuration.
func newLedger(file string, strict bool) *decode.Ledger {
	l := decode.NewLedger(file, "autoscaler")
	l.Strict, l.Older = strict, olderSpelling
	return l
}

// defaultFile is the first of the two that is there, or else the first.
func defaultFile() string {
	if _, err := os.Stat(DefaultFile); errors.Is(err, fs.ErrNotExist) {
		if info, err := os.Stat(LocalFile); err == nil && info.Mode().IsRegular() {
			return LocalFile
		}
	}
	return DefaultFile
}

// parseEnviron is the environment by name; as for the kernel, what follows the first "=" is the value.
func parseEnviron(environ []string) map[string]string {
	variables := map[string]string{}
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		variables[name] = value
	}
	return variables
}

// readEnvironment reads the variables that are named as keys are, over what the file said.
func readEnvironment(l *decode.Ledger, into *Config, variables map[string]string) {
	for _, k := range configKeys {
		text, set := variables[k.Name]
		if !set {
			continue
		}
		field := rule.Field(into, k.Name)
		at := decode.Place{Key: k.Name, Source: "environment variable " + k.Name}
		value, root, err := parseVariable(text, field.Kind())
		at.Node = root
		if problem := notMeant(l, k.Name, into, value, at, err); problem != "" {
			l.Warn(at, problem)
			continue
		}
		if err != nil {
			l.Refuse(at, "text", err.Error())
			continue
		}
		if field.Kind() != reflect.Struct {
			l.Forget(k.Name) // replaced as a whole; only apiConfig is merged
		}
		l.Read(value, field, at)
	}
}

// version2Keys are those that version 2 had, of which a variable of that name has always been meant for the autoscaler.
var version2Keys = map[string]bool{
	"scaleTargetRef": true, "namespace": true, "metric": true, "evaluate": true, "preMetric": true, "postMetric": true, "preEvaluate": true,
	"postEvaluate": true, "preScale": true, "postScale": true, "runMode": true, "interval": true, "startTime": true, "minReplicas": true,
	"maxReplicas": true, "downscaleStabilization": true, "kubernetesMetricSpecs": true, "requireKubernetesMetrics": true,
	"initialReadinessDelay": true, "cpuInitializationPeriod": true, "logVerbosity": true, "apiConfig": true,
}

// notMeant says why a variable is not the autoscaler's: it has the name of a key that version 2 did not have, so that people may
// have one of their own by that name, and a value that such a key cannot have.
func notMeant(l *decode.Ledger, name string, into *Config, value any, at decode.Place, unread error) string {
	if version2Keys[name] {
		return ""
	}
	trial, attempt := *into, decode.NewLedger(l.File, l.Of)
	if unread != nil {
		attempt.Refuse(at, "text", unread.Error())
	} else {
		attempt.Read(value, rule.Field(&trial, name), at)
		checkAll(attempt, &trial)
	}
	for _, problem := range attempt.Problems() {
		if problem.Key == name || strings.HasPrefix(problem.Key, name+".") {
			return fmt.Sprintf("is a key of the autoscaler, and %s is no value of it (%s), so that the variable is ignored: give yours another name if it is not meant for the autoscaler",
				cmp.Or(problem.Value, "this"), problem.Rule)
		}
	}
	return ""
}

// parseVariable takes text as it is, and reads everything else as YAML or JSON; numbers without a point or an exponent are in base
// ten. What is empty stays so, and is refused where it is read: a variable that is set says something.
func parseVariable(text string, kind reflect.Kind) (any, *yaml.Node, error) {
	trimmed := strings.TrimSpace(text)
	switch kind {
	case reflect.String:
		return text, nil, nil
	case reflect.Int, reflect.Int32, reflect.Int64:
		if n, err := strconv.ParseInt(trimmed, 10, 64); err == nil {
			return json.Number(strconv.FormatInt(n, 10)), nil, nil
		}
		value, root, err := decode.Parse([]byte(trimmed))
		if number, is := value.(json.Number); is && err == nil {
			return number, root, nil
		}
		return trimmed, nil, nil
	}
	if trimmed == "" {
		return "", nil, nil
	}
	return decode.Parse([]byte(text))
}
