package config

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/decode"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/kinds"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config/rule"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics/direct"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/metrics/kubernetes"
)

// Schema is the JSON Schema (draft 2020-12) of a configuration file, made from the tables of keys: what an editor
// completes, explains and checks. Whether a key is there at all is not asked of the file's top, since the environment
// may say it.
func Schema() []byte {
	config, record := Default(), &Record{}
	record.SetDefaults()
	top := decode.ShapeOf(reflect.TypeFor[Config](), map[reflect.Type]string{reflect.TypeFor[Method](): "#/$defs/method"})
	decode.Describe(top, configKeys, &config)
	top.Required = nil
	decode.Describe(top.Properties["scaleTargetRef"], targetKeys, &autoscalingv2.CrossVersionObjectReference{})
	decode.Describe(top.Properties["apiConfig"], apiKeys, &config.APIConfig)
	decode.Describe(top.Properties["record"], recordKeys, record)
	decode.Describe(top.Properties["customPodAutoscaler"], ownerKeys, &Owner{})
	describeSpecs(top.Properties["kubernetesMetricSpecs"].Items)
	if sources := top.Properties["metricSources"]; sources != nil {
		describeSources(sources.Items)
	}
	top.Properties["evaluate"].Ref = "#/$defs/evaluate"
	top.Defs = map[string]*rule.Schema{"method": methodSchema("preMetric"), "evaluate": methodSchema("evaluate")}
	top.Version, top.Title = "https://json-schema.org/draft/2020-12/schema", "Configuration of a Custom Pod Autoscaler"
	text, err := json.MarshalIndent(top, "", "  ")
	if err != nil {
		panic(err) // a default that is no JSON: a mistake of the tables
	}
	return append(text, '\n')
}

// methodSchema is a method of that name, of the kinds that it may be of.
func methodSchema(name string) *rule.Schema {
	m, allowed := &Method{}, kinds.Names(name)
	m.SetDefaults()
	s := decode.ObjectOf(reflect.TypeFor[Method](), nil)
	decode.Describe(s, kinds.MethodKeys, m)
	for name, kind := range kinds.Of[method.Kind](m) {
		if !slices.Contains(allowed, name) {
			delete(s.Properties, name)
			continue
		}
		decode.Describe(s.Properties[name], kind.Description().Keys, kinds.Fresh(kind))
	}
	kind := s.Properties["type"]
	kind.Enum, kind.Description = allowed, "how the program is run; must be "+strings.Join(allowed, " or ")
	return s
}

func describeSpecs(s *rule.Schema) {
	decode.Describe(s, specKeys, &metricSpec{})
	for _, of := range kubernetes.Types() {
		decode.Describe(s.Properties[of.Block], of.Keys, freshSettings(of))
	}
}

func describeSources(s *rule.Schema) {
	decode.Describe(s, kinds.SourceKeys(), kinds.Fresh(&kinds.Source{}))
	decode.Describe(s.Properties["target"], kinds.SourceTargetKeys, &kinds.SourceTarget{})
	for name, kind := range kinds.Of[direct.Kind](&kinds.Source{}) {
		decode.Describe(s.Properties[name], kind.Description().Keys, kinds.Fresh(kind))
	}
}
