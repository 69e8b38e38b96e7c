"""For a simulation only: what Argo would have written into the Rollout, with a canary under way from 00:02 to 00:08."""
import json
import os
import sys

STEPS = [{"setWeight": 20}, {"pause": {"duration": "5m"}}]

known = json.load(sys.stdin)
rollout = known["resource"]
rollout["spec"]["strategy"] = {"canary": {"steps": STEPS}}
under_way = "00:02" <= os.environ["CPA_TIME"][11:16] < "00:08"
rollout["status"]["currentStepIndex"] = 1 if under_way else len(STEPS)

json.dump(known, sys.stdout)
