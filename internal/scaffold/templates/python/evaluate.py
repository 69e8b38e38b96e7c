"""Evaluate: how many replicas should there be?

What metric.py printed, and the target, come on standard input as JSON. The reply is a number of replicas, and why.
"""

import json
import math
import sys

TARGET = 50  # percent of the cpu that they request is what the pods should use

document = json.load(sys.stdin)
known = json.loads(document["metrics"][0]["value"])
pods, used, requested = known["pods"], known["used"], known["requested"]

if requested == 0:
    replicas = document["resource"]["spec"]["replicas"]
    reason = f"no pod that requests cpu is measured yet, so it stays at {replicas}"
else:
    replicas = math.ceil(pods * used * 100 / (requested * TARGET))
    reason = f"{100 * used // requested}% busy, {TARGET}% wanted"

json.dump({"targetReplicas": replicas, "reason": reason}, sys.stdout)
