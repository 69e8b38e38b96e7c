"""How many: what the schedule has for now, or what the pods' cpu asks for, whichever is more."""
import datetime
import json
import math
import os
import sys
import zoneinfo

BUSY = 0.6  # the part of the requested cpu that pods are to use
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def local_time(timezone):
    """The time of the pass, on the clock of a zone."""
    try:
        zone = zoneinfo.ZoneInfo(timezone)
    except (ValueError, zoneinfo.ZoneInfoNotFoundError) as error:
        sys.exit(f"schedule.json: timezone: {error}: it is written as in Europe/Berlin, and needs tzdata")
    if "CPA_TIME" not in os.environ:
        sys.exit("CPA_TIME is not set: the autoscaler sets it, to the time of the pass")
    return datetime.datetime.fromisoformat(os.environ["CPA_TIME"]).astimezone(zone)


def minutes(text):
    """The minutes from midnight until "07:30"."""
    hour, minute = text.split(":")
    return 60 * int(hour) + int(minute)


def holds(row, now):
    first, last = (DAYS.index(day) for day in (row["days"].split("-") * 2)[:2])  # "sat" is from sat to sat
    within = (now.weekday() - first) % 7 <= (last - first) % 7  # "sat-mon" goes over the week's end
    return within and minutes(row["from"]) <= 60 * now.hour + now.minute < minutes(row["to"])


def by_schedule(schedule, now):
    """The last row that now is in: its replicas and its name."""
    replicas, name = schedule["otherwise"], "otherwise"
    for row in schedule["rows"]:
        try:
            if holds(row, now):
                replicas, name = row["replicas"], row["name"]
        except (KeyError, ValueError) as error:
            sys.exit(f"schedule.json: a row that cannot be read ({error!r}): {json.dumps(row)}")
    return replicas, name


def by_load(known):
    """How many the pods' cpu asks for, and why."""
    cpu = next((metric["resource"] for metric in known.get("kubernetesMetrics", [])), {})
    pods = cpu.get("pod_metrics_info") or {}
    requested = sum(cpu["requests"][name] for name in pods)
    if requested == 0:  # the schedule still holds, but nothing is known that would let any go
        replicas = known["resource"]["spec"]["replicas"]
        return replicas, f"cpu is not known, and none of {replicas} is taken away"
    busy = sum(pod["Value"] for pod in pods.values()) / requested
    replicas = math.ceil(round(len(pods) * busy / BUSY, 6))  # rounded first: 0.3 / 0.1 is not quite 3 for a computer
    return replicas, f"{len(pods)} pods are {busy:.0%} busy, which asks for {replicas}"


with open("schedule.json") as file:
    schedule = json.load(file)
now = local_time(schedule["timezone"])
planned, name = by_schedule(schedule, now)
needed, why = by_load(json.loads(json.load(sys.stdin)["metrics"][0]["value"]))

json.dump(
    {"targetReplicas": max(planned, needed), "reason": f"{now:%a %H:%M}, {name}: {planned} at least; {why}"},
    sys.stdout,
)
