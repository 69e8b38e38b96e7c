"""Makes a worker of a function: cpa_worker.serve(function), where function(document) gives the reply, text or anything that JSON can say.

An exception fails its document only. What the function prints goes to standard error, and the time of the pass is in CPA_TIME.
"""
import json
import os
import traceback


def plain(value):
    """Numbers and arrays of numpy and the like, which json does not know."""
    for name in ("tolist", "item"):
        if hasattr(value, name):
            return getattr(value, name)()
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def serve(function):
    requests, replies = os.fdopen(os.dup(0), encoding="utf-8"), os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # what is read and printed elsewhere is no part of the conversation
    os.dup2(2, 1)
    requests.readline()
    print('{"cpaWorker":{"version":1}}', file=replies, flush=True)
    for request in map(json.loads, requests):
        os.environ.update({"CPA_TIME": request.get("time", ""), "TRACEPARENT": request.get("traceparent", "")})
        try:
            answer = json.dumps({"id": request["id"], "reply": function(request["document"])}, allow_nan=False, default=plain)
        except Exception as error:
            traceback.print_exc()
            answer = json.dumps({"id": request["id"], "error": repr(error)})
        print(answer, file=replies, flush=True)
