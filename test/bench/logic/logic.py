"""User logic of the benchmarks: it reads its document, and says always the same.

    logic.py REPLY          a shell method: one document on standard input
    logic.py REPLY worker   a worker: a document in each line
"""
import json
import sys


def answer(document):
    assert document["resource"]
    return sys.argv[1]


def worker():
    greeting = json.loads(sys.stdin.readline())
    assert 1 in greeting["cpaWorker"]["versions"]
    print(json.dumps({"cpaWorker": {"version": 1}}), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps({"id": asked["id"], "reply": answer(asked["document"])}), flush=True)


if sys.argv[2:] == ["worker"]:
    worker()
else:
    print(answer(json.load(sys.stdin)))
