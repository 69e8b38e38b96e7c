#!/bin/sh
# Metric: what is known about the pods?
#
# A JSON document about the target comes on standard input. What is printed is handed to evaluate.sh as it is.
set -eu

# There is one entry for each of kubernetesMetricSpecs in config.yaml, and none while it cannot be read.
# Values are in thousandths of a cpu.
exec jq -c '
  [.kubernetesMetrics[]?.resource | .requests as $requests
    | .pod_metrics_info | to_entries[] | {used: .value.Value, requested: $requests[.key]}]
  | {pods: length, used: (map(.used) | add // 0), requested: (map(.requested) | add // 0)}'
