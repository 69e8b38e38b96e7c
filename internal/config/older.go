package config

import (
	"regexp"
	"strings"
)

// olderSpellings are keys of metric specs as autoscaling/v2beta1 had them, which HorizontalPodAutoscalers are still found with.
var olderSpellings = map[string]string{
	"targetAverageUtilization": "target: {type: Utilization, averageUtilization: ...}",
	"targetAverageValue":       "target: {type: AverageValue, averageValue: ...}",
	"targetValue":              "target: {type: Value, value: ...}",
	"averageValue":             "target: {type: AverageValue, averageValue: ...}",
	"metricName":               "metric: {name: ...}",
	"metricSelector":           "metric: {selector: ...}",
	"selector":                 "metric: {selector: ...}",
}

// In v2beta1 the target of an Object metric was the object.
var describedInTarget = regexp.MustCompile(`^kubernetesMetricSpecs\[\d+\]\.object\.target\.(?:apiVersion|kind|name)$`)

// olderSpelling says how a key of v2beta1 is spelt today.
func olderSpelling(key, name string) string {
	today := olderSpellings[name]
	switch {
	case !strings.HasPrefix(key, "kubernetesMetricSpecs["):
		return ""
	case describedInTarget.MatchString(key):
		today = "describedObject: {apiVersion: ..., kind: ..., name: ...}"
	case today == "":
		return ""
	}
	return ": that is how autoscaling/v2beta1 spelt it; in autoscaling/v2 it is " + today
}
