"""How many: enough for the load that is expected when new pods are ready, and never too few for that of now.

With the argument "reactive" what is expected is left out.
"""
import json
import math
import sys

REQUESTS_PER_SECOND = 100  # that one pod serves
FULL = 0.9  # pods are planned to be so full

document = json.load(sys.stdin)
measured = json.loads(document["metrics"][0]["value"])
load, expected = measured["load"], measured["expected"]

most = load
reason = f"{load:.0f} requests a second"
if expected is not None and "reactive" not in sys.argv[1:]:
    most = max(load, expected)
    reason += f", up to {expected:.0f} expected"
replicas = math.ceil(most / (REQUESTS_PER_SECOND * FULL))

if expected is None:
    replicas = max(replicas, document["resource"]["spec"]["replicas"])
    reason += f", {measured['seasons']:.0%} of a season known: none is taken away yet"

json.dump({"targetReplicas": replicas, "reason": reason}, sys.stdout)
