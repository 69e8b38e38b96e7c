"""How many: so that nine in ten pods are no more than 70% busy."""
import json
import math

import cpa_worker

WANTED = 70  # percent


def evaluate(known):
    busy = sorted(json.loads(metric["value"])["busy"] or 0 for metric in known["metrics"])
    measured = [percent for percent in busy if percent]
    if not measured:
        raise ValueError("no pod has been measured yet")
    ninth = measured[len(measured) * 9 // 10 - 1]
    return {
        "targetReplicas": math.ceil(len(measured) * ninth / WANTED),
        "reason": f"nine in ten of {len(measured)} pods are {ninth}% busy at most, {WANTED}% wanted",
    }


if __name__ == "__main__":
    cpa_worker.serve(evaluate)
