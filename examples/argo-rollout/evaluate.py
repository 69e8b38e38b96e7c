"""How many: enough for the requests, and not fewer than there are while a canary is being judged."""
import json
import math
import sys

REQUESTS_PER_SECOND = 100  # that one pod serves
FULL = 0.8  # pods are planned to be so full


def canary(rollout):
    """The step that a canary is in, such as "step 2 of 4", or nothing.

    Argo counts the steps that are done, so that there is no canary when all are. A Rollout that is new has no status yet, one with the
    strategy blueGreen has no steps, and one that was aborted has gone back to the version before.
    """
    steps = ((rollout["spec"].get("strategy") or {}).get("canary") or {}).get("steps") or []
    status = rollout.get("status") or {}
    done = status.get("currentStepIndex")
    if done is None or done >= len(steps) or status.get("abort"):
        return None
    return f"step {done + 1} of {len(steps)}"


known = json.loads(json.load(sys.stdin)["metrics"][0]["value"])
if not known.get("kubernetesMetrics"):
    sys.exit("requests_per_second is not known")
requests = known["kubernetesMetrics"][0]["external"]["current"]["average_value"] / 1000  # values are in thousandths

rollout = known["resource"]
replicas = math.ceil(requests / (REQUESTS_PER_SECOND * FULL))
reason = f"{requests:.0f} requests a second ask for {replicas}"

current, step = rollout["spec"].get("replicas", 1), canary(rollout)
if step and current > replicas:
    replicas = current
    reason += f", but a canary is in {step}: none of {current} is taken away"

json.dump({"targetReplicas": replicas, "reason": reason}, sys.stdout)
