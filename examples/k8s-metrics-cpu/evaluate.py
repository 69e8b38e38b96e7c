"""Evaluate: how many replicas keep the pods half busy?

Reads the replies of metric.py from standard input, and prints the number of replicas.
"""

import json
import math
import sys

TARGET_UTILIZATION = 50  # percent

measured = json.loads(json.load(sys.stdin)["metrics"][0]["value"])
utilization = measured["utilization"]

json.dump(
    {
        "targetReplicas": math.ceil(measured["replicas"] * utilization / TARGET_UTILIZATION),
        "reason": f"{utilization}% busy, {TARGET_UTILIZATION}% wanted",
    },
    sys.stdout,
)
