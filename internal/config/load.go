package config

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

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

	origins   map[string]origin
	variables map[string]string // of the environment
}

// Source says where the value of a key came from: a line of the file, an environment variable, or "default".
func (l Loaded) Source(key string) string { return cmp.Or(l.origins[key].source, fromDefault) }

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
	l := &ledger{file: cmp.Or(file, variables[fileVariable], defaultFile()), origins: map[string]origin{}, strict: strict, of: "autoscaler"}

	note, unread, there := "", false, l.file
	switch err := l.readFile(&config); {
	case errors.Is(err, fs.ErrNotExist) && file == "":
		there = ""
		note = fmt.Sprintf("there is no file at %s; only the environment was read", l.file)
		if variables[fileVariable] != "" {
			l.warnings = append(l.warnings, note+": the environment variable "+fileVariable+" names it")
		}
	case err != nil:
		unread = true
		l.problems = append(l.problems, Problem{Rule: err.Error(), Source: l.file})
	}
	l.readEnvironment(&config, variables)
	config.normalize()
	if _, set := l.origins[stabilizationKey]; !set {
		config.stabilize()
	}
	l.ignoreRest()
	l.checkAll(&config)
	if unread {
		// Nobody knows what it says, so what seems to be missing may well be there.
		l.problems = slices.DeleteFunc(l.problems, func(p Problem) bool { return p.Key != "" && l.source(p.Key) == fromDefault })
	}
	tracing := l.readTracing(variables)
	return Loaded{Config: config, Tracing: tracing, Warnings: l.warnings, File: there, origins: l.origins, variables: variables}, l.result(note)
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

// ReadFile reads another file over what is there, as a configuration is read: every value that cannot be read, and every key that
// nobody reads, is a problem with its line. It tells which keys the file has. The file's contents are those of the kind that it is of.
func ReadFile(file, of string, into any) (has func(key string) bool, err error) {
	l := &ledger{file: file, origins: map[string]origin{}, strict: true, of: of}
	if err := l.readFile(into); err != nil {
		l.problems = append(l.problems, Problem{Rule: err.Error(), Source: file})
	}
	l.ignoreRest()
	has = func(key string) bool { _, set := l.origins[key]; return set }
	if len(l.problems) == 0 {
		return has, nil
	}
	return has, Problems{Of: of, List: l.problems}
}

func (l *ledger) readFile(into any) error {
	text, err := readBounded(l.file)
	if err != nil {
		return err
	}
	value, root, err := parse(text)
	if err != nil || value == nil {
		return err
	}
	object, ok := value.(map[string]any)
	if !ok {
		return errors.New("must be an object: keys and their values")
	}
	l.object(object, reflect.ValueOf(into).Elem(), place{source: l.file, file: l.file, node: root})
	return nil
}

// readEnvironment reads the variables that are named as keys are, over what the file said.
func (l *ledger) readEnvironment(into *Config, variables map[string]string) {
	for _, k := range configKeys {
		text, set := variables[k.Name]
		if !set {
			continue
		}
		field := rule.Field(into, k.Name)
		at := place{key: k.Name, source: "environment variable " + k.Name}
		value, root, err := parseVariable(text, field.Kind())
		at.node = root
		if problem := l.notMeant(k.Name, into, value, at, err); problem != "" {
			l.warn(at, problem)
			continue
		}
		if err != nil {
			l.refuse(at, "text", err.Error())
			continue
		}
		if field.Kind() != reflect.Struct {
			l.forget(k.Name) // replaced as a whole; only apiConfig is merged
		}
		l.read(value, field, at)
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
func (l *ledger) notMeant(name string, into *Config, value any, at place, unread error) string {
	if version2Keys[name] {
		return ""
	}
	trial, attempt := *into, &ledger{file: l.file, origins: map[string]origin{}}
	if unread != nil {
		attempt.refuse(at, "text", unread.Error())
	} else {
		attempt.read(value, rule.Field(&trial, name), at)
		attempt.checkAll(&trial)
	}
	for _, problem := range attempt.problems {
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
		value, root, err := parse([]byte(trimmed))
		if number, is := value.(json.Number); is && err == nil {
			return number, root, nil
		}
		return trimmed, nil, nil
	}
	if trimmed == "" {
		return "", nil, nil
	}
	return parse([]byte(text))
}
