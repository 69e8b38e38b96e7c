#!/bin/sh
# Evaluate: how many replicas should there be?
#
# What metric.sh printed, and the target, come on standard input as JSON. The reply is a number of replicas, and why.
set -eu

target=50 # percent of the cpu that they request is what the pods should use

numbers=$(jq '(.metrics[0].value | fromjson | .pods, .used, .requested), .resource.spec.replicas')
set -- $numbers
pods=$1 used=$2 requested=$3 current=$4

if [ "$requested" -eq 0 ]; then
	replicas=$current
	reason="no pod that requests cpu is measured yet, so it stays at $current"
else
	wanted=$((requested * target))
	replicas=$(((pods * used * 100 + wanted - 1) / wanted)) # rounded up
	reason="$((100 * used / requested))% busy, $target% wanted"
fi

echo "{\"targetReplicas\": $replicas, \"reason\": \"$reason\"}"
