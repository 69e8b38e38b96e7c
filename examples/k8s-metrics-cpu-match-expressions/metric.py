"""Metric: how busy are the pods, in percent of the cpu that they request?

Reads what the autoscaler knows about the target from standard input, and prints one number.
"""

import json
import sys

known = json.load(sys.stdin)
cpu = known["kubernetesMetrics"][0]["resource"]
pods = cpu["pod_metrics_info"]

if not pods:
    sys.exit("no pod has been measured yet")

used = sum(pod["Value"] for pod in pods.values())
requested = sum(cpu["requests"][name] for name in pods)

if requested == 0:
    sys.exit("the pods request no cpu, so there is nothing to be busy against")

json.dump({"replicas": len(pods), "utilization": round(100 * used / requested)}, sys.stdout)
