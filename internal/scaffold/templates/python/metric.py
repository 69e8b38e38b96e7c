"""Metric: what is known about the pods?

A JSON document about the target comes on standard input. What is printed is handed to evaluate.py as it is.
"""

import json
import sys

document = json.load(sys.stdin)

pods = used = requested = 0
# There is one entry for each of kubernetesMetricSpecs in config.yaml, and none while it cannot be read.
for metric in document.get("kubernetesMetrics", []):
    cpu = metric["resource"]
    for name, pod in cpu["pod_metrics_info"].items():
        pods += 1
        used += pod["Value"]  # in thousandths of a cpu
        requested += cpu["requests"][name]

json.dump({"pods": pods, "used": used, "requested": requested}, sys.stdout)
