"""What is known of one game server: how many players it has, and whether more may join.

It is run once for each pod, and "resource" is that pod. The Kubernetes metrics are those of all pods: this one's is picked by its name.
"""
import json
import sys

known = json.load(sys.stdin)
pod = known["resource"]
name = pod["metadata"]["name"]
annotations = pod["metadata"].get("annotations", {})
ready = any(c["type"] == "Ready" and c["status"] == "True" for c in pod.get("status", {}).get("conditions", []))

if not ready:
    state, players = "starting", 0  # nobody can have joined
else:
    metrics = known.get("kubernetesMetrics") or sys.exit("the players of the servers are not known")
    measured = (metrics[0]["pods"]["pod_metrics_info"] or {}).get(name)
    if measured is None:
        sys.exit(f"{name} is ready, but its players are not known")
    players = round(measured["Value"] / 1000)  # values are in thousandths
    state = "closing" if annotations.get("example.com/closing") == "true" else "open"

json.dump({"state": state, "players": players}, sys.stdout)
