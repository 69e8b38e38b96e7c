"""What is known: the load, and the most that is expected until pods that are started at the next pass are ready."""
import datetime
import json
import math
import os
import sys

import history
import holtwinters


def setting(name, default):
    """A number of seconds from the environment."""
    text = os.environ.get(name, default)
    if not text.isdecimal() or int(text) == 0:
        sys.exit(f"{name} is {text!r}: it has to be a whole number of seconds, and more than 0")
    return int(text)


SEASON = setting("SEASON", "7200")  # after which the load comes again
STEP = setting("STEP", "300")  # of the history: the interval of the autoscaler
LEAD = setting("LEAD", "480")  # from when a pod is made until it is ready

for needed in ("HISTORY", "CPA_TIME"):
    if not os.environ.get(needed):
        sys.exit(f"{needed} is not set: HISTORY is the path of a file for the history, CPA_TIME the time of the pass")
metrics = json.load(sys.stdin).get("kubernetesMetrics")
if not metrics:
    sys.exit("requests_per_second is not known")
load = metrics[0]["external"]["current"]["average_value"] / 1000  # values are in thousandths
now = datetime.datetime.fromisoformat(os.environ["CPA_TIME"]).timestamp()

season = round(SEASON / STEP)
values = history.add(os.environ["HISTORY"], STEP, 4 * season, now, load)
coming = holtwinters.forecast(values, season, ahead=math.ceil((LEAD + STEP) / STEP))

json.dump({"load": load, "expected": max(coming) if coming else None, "seasons": len(values) / season}, sys.stdout)
