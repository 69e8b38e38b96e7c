"""How many: servers for all who play, and spare ones for those who come, as the fleet itself says."""
import json
import math
import sys


def setting(spec, name, default, least):
    """A field of the fleet's spec, or what holds where it is not there."""
    value = spec.get(name, default)
    if type(value) is not int or value < least:
        sys.exit(f"spec.{name} is {json.dumps(value)}: it has to be a whole number, and {least} at least")
    return value


known = json.loads(json.load(sys.stdin)["metrics"][0]["value"])
if not known.get("kubernetesMetrics"):
    sys.exit("the number of players is not known")
players = known["kubernetesMetrics"][0]["external"]["current"]["average_value"] / 1000  # values are in thousandths

spec = known["resource"].get("spec") or {}
per_server = setting(spec, "playersPerServer", default=10, least=1)
spare = setting(spec, "spareServers", default=1, least=0)

json.dump(
    {
        "targetReplicas": math.ceil(players / per_server) + spare,
        "reason": f"{players:.0f} players, {per_server} for each server, and {spare} spare",
    },
    sys.stdout,
)
