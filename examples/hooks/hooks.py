"""All hooks: python3 hooks.py NAME, with the document of that hook on standard input.

A hook says what is wrong and fails, which ends the pass before anything is scaled. Of the others each keeps the journal: the file that the
environment variable journal names, or standard error, which the autoscaler logs.
"""
import json
import os
import sys

MAINTENANCE = os.environ.get("maintenanceFile", "/maintenance/on")
WEBHOOK = os.environ.get("webhook")  # is told of each scaling


def pre_metric(document):
    """Nothing is measured or scaled while somebody works on the cluster."""
    if os.path.exists(MAINTENANCE):
        sys.exit(f"nothing is scaled while {MAINTENANCE} is there")
    return "begins"


def post_metric(document):
    """What was measured is kept, for whoever asks later why."""
    cpu = document["kubernetesMetrics"][0]["resource"]
    used = sum(pod["Value"] for pod in cpu["pod_metrics_info"].values())
    return f"{used}m of cpu, {cpu['ready_pod_count']} of {cpu['total_pods']} pods measured"


def pre_evaluate(document):
    """That no pod is ready is no idle time, but an outage: what was measured in it is not judged."""
    ready = document["resource"].get("status", {}).get("readyReplicas", 0)
    if ready == 0:
        sys.exit("no pod is ready: this is an outage, not a load to go by")
    return f"{ready} ready"


def post_evaluate(document):
    """What was asked for is kept beside it, before limits and stabilization."""
    evaluation = document["evaluation"]
    return f"{evaluation['targetReplicas']} wanted: {evaluation.get('reason', 'no reason given')}"


def pre_scale(document):
    """Announces, or refuses: pods are not taken away from a Deployment that is being rolled out."""
    before, after = document["currentReplicas"], document["evaluation"]["targetReplicas"]
    status = document["resource"].get("status", {})  # what is 0 is left out of it
    rolling = "observedGeneration" in status and status.get("updatedReplicas", 0) < status.get("replicas", 0)  # a simulated one has no rollouts
    if after < before and rolling:
        sys.exit(f"not scaled down from {before} to {after} in the middle of a rollout")
    return f"{before} -> {after}" if after != before else f"stays at {after}"


def post_scale(document):
    """Tells the webhook. The target is scaled by now, so that one which is away is no reason to fail."""
    before, after = document["currentReplicas"], document["evaluation"]["targetReplicas"]
    if after == before:
        return "nothing to tell"
    if not WEBHOOK:
        return "nobody to tell"
    import http.client, urllib.request  # here, since it takes a while to load them

    text = json.dumps({"text": f"{document['scaleTargetRef']['name']}: {before} -> {after} replicas"})
    try:
        request = urllib.request.Request(WEBHOOK, text.encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=2):
            return "told the webhook"
    except (OSError, ValueError, http.client.HTTPException) as error:
        return f"the webhook was not told: {error}"


HOOKS = {
    "preMetric": pre_metric, "postMetric": post_metric, "preEvaluate": pre_evaluate,
    "postEvaluate": post_evaluate, "preScale": pre_scale, "postScale": post_scale,
}


def main():
    if len(sys.argv) != 2 or sys.argv[1] not in HOOKS:
        sys.exit(f"usage: hooks.py {'|'.join(HOOKS)}")
    words = HOOKS[sys.argv[1]](json.load(sys.stdin))
    line = f"{os.environ.get('CPA_TIME', '')} {sys.argv[1]} {words}"
    if path := os.environ.get("journal"):
        try:
            with open(path, "a", encoding="utf-8") as journal:
                print(line, file=journal)
            return
        except OSError as error:
            line += f" (not in the journal: {error})"
    print(line, file=sys.stderr)


if __name__ == "__main__":
    main()
