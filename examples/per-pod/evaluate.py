"""How many servers: room for the players, and for those who may join before another server has started.

A server that is closing takes no new players, and is needed besides until its last have left. After that it is one too many.
"""
import json
import math
import sys

SLOTS = 10  # of a server
FREE = 8  # slots that are kept free, over all servers

servers = [json.loads(metric["value"]) for metric in json.load(sys.stdin)["metrics"]]
if not servers:
    sys.exit("there is no server to ask")

open_to_all = [server for server in servers if server["state"] != "closing"]
players = sum(server["players"] for server in open_to_all)
closing = sum(server["state"] == "closing" and server["players"] > 0 for server in servers)

json.dump(
    {
        "targetReplicas": math.ceil((players + FREE) / SLOTS) + closing,
        "reason": f"open servers: {len(open_to_all)}, their players: {players}, still closing: {closing}",
    },
    sys.stdout,
)
