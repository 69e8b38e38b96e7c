"""Metric and evaluate as a server: python3 server.py [PORT]

POST /metric is given what is known of the target, and replies with the average use of cpu over the last minute. POST /evaluate is given that
reply, and says how many replicas. The history is kept in memory: after a restart it begins anew.
"""
import collections
import datetime
import json
import math
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MINUTE = datetime.timedelta(minutes=1)
TARGET_UTILIZATION = 50  # percent
LONGEST = 16 << 20  # bytes of a document

histories = collections.defaultdict(list)  # of each autoscaler: (time, use)
lock = threading.Lock()  # calls are answered side by side


class Refused(Exception):
    """What is said instead of a reply, with a status that is not one of successCodes."""

    def __init__(self, status, words):
        super().__init__(words)
        self.status = status


def metric(document, autoscaler, now):
    """The average use, in thousandths of a cpu, and what a pod requests."""
    metrics = document.get("kubernetesMetrics")
    if not metrics or not metrics[0]["resource"]["pod_metrics_info"]:
        raise Refused(503, "no pod has been measured yet")
    cpu = metrics[0]["resource"]
    request = sum(cpu["requests"].values()) / len(cpu["requests"]) if cpu["requests"] else 0
    if request == 0:
        raise Refused(422, "the pods request no cpu, so there is nothing to be busy against")
    used = sum(pod["Value"] for pod in cpu["pod_metrics_info"].values())
    with lock:
        # What is later than now is of another run, such as a simulation before this one.
        history = [(at, use) for at, use in histories[autoscaler] if now - 2 * MINUTE < at < now] + [(now, used)]
        histories[autoscaler] = history
    uses = [use for at, use in history if at > now - MINUTE]
    known = {"average": sum(uses) / len(uses), "request": request}
    return 200 if history[0][0] <= now - MINUTE else 202, known


def evaluate(document, *_):
    """As many replicas as are half busy with the average use."""
    known = json.loads(document["metrics"][0]["value"])
    replicas = math.ceil(known["average"] / known["request"] * 100 / TARGET_UTILIZATION)
    return 200, {"targetReplicas": replicas, "reason": f"{known['average']:.0f}m of cpu in the last minute"}


METHODS = {"/metric": metric, "/evaluate": evaluate}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # the connection is kept for the next pass
    timeout = 60  # seconds, after which it is closed
    wbufsize = -1  # head and body are sent at once

    def do_POST(self):
        try:
            status, reply = self.answer(self.document())
        except Refused as refusal:
            status, reply = refusal.status, str(refusal)
        except (AttributeError, LookupError, TypeError, ValueError, ZeroDivisionError) as error:
            status, reply = 400, f"the document is not what {self.path} is given: {error!r}"
        self.reply(status, reply if isinstance(reply, str) else json.dumps(reply))

    def do_HEAD(self):  # check --urls asks for it
        self.reply(200 if self.path in METHODS else 404, "")

    def document(self):
        length = int(self.headers.get("Content-Length") or 0)
        if length > LONGEST:
            self.close_connection = True  # the rest is not read
            raise Refused(413, f"the document is longer than {LONGEST} bytes")
        return json.loads(self.rfile.read(length))

    def answer(self, document):
        if self.path not in METHODS:
            raise Refused(404, f"there is no {self.path}")
        if not (autoscaler := self.headers.get("X-Autoscaler")):
            raise Refused(400, "the header X-Autoscaler says whose history it is, and is missing")
        # The time of the pass, which is not that of the clock in a simulation.
        now = datetime.datetime.fromisoformat(self.headers["Cpa-Time"])
        return METHODS[self.path](document, autoscaler, now)

    def reply(self, status, text):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json" if status < 300 else "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):  # a line for each call would drown the others
        pass


def main():
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8080
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)  # the containers of a pod share their loopback; nobody else is served
    server.daemon_threads = True
    for number in (signal.SIGTERM, signal.SIGINT):  # as the first process of a container it would not be ended otherwise
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"listening on 127.0.0.1:{server.server_port}", file=sys.stderr, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
