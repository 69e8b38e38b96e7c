"""Evaluate: how many replicas keep the pods half busy?

Reads the replies of metric.py from standard input, and prints the number of replicas.
"""

import json
import math
import sys

TARGET_UTILIZATION = 50  # percent
TOLERANCE = 5  # percent: nothing changes for less

known = json.load(sys.stdin)
measured = json.loads(known["metrics"][0]["value"])
utilization = measured["utilization"]

replicas = known["resource"]["spec"]["replicas"]
if abs(utilization - TARGET_UTILIZATION) > TOLERANCE:
    replicas = math.ceil(measured["replicas"] * utilization / TARGET_UTILIZATION)

json.dump({"targetReplicas": replicas, "reason": f"{utilization}% busy, {TARGET_UTILIZATION}% wanted"}, sys.stdout)
