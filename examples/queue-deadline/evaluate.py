"""How many: enough for the jobs that come in, and for those that wait to be done within the deadline."""
import json
import math
import sys

JOBS_PER_SECOND = 5  # that one worker does
DEADLINE = 60  # seconds in which what waits has to be done

queue = json.loads(json.load(sys.stdin)["metrics"][0]["value"])

per_second = queue["jobs_per_second"] + queue["jobs_waiting"] / DEADLINE
json.dump(
    {
        "targetReplicas": math.ceil(per_second / JOBS_PER_SECOND),
        "reason": f"{queue['jobs_waiting']:.0f} jobs wait, {queue['jobs_per_second']:.0f} come in each second",
    },
    sys.stdout,
)
