"""The logic of an autoscaler, as a server.

A JSON document about the target is POSTed to /metric, and what that answers is handed to /evaluate.
Any web framework would do: this one comes with Python.
"""

import json
import math
import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TARGET = 50  # percent of the cpu that they request is what the pods should use


def metric(document):
    """What is known about the pods?"""
    pods = used = requested = 0
    # There is one entry for each of kubernetesMetricSpecs in config.yaml, and none while it cannot be read.
    for kubernetes_metric in document.get("kubernetesMetrics", []):
        cpu = kubernetes_metric["resource"]
        for name, pod in cpu["pod_metrics_info"].items():
            pods += 1
            used += pod["Value"]  # in thousandths of a cpu
            requested += cpu["requests"][name]
    return {"pods": pods, "used": used, "requested": requested}


def evaluate(document):
    """How many replicas should there be?"""
    known = json.loads(document["metrics"][0]["value"])  # what metric answered
    pods, used, requested = known["pods"], known["used"], known["requested"]
    if requested == 0:
        replicas = document["resource"]["spec"]["replicas"]
        reason = f"no pod that requests cpu is measured yet, so it stays at {replicas}"
    else:
        replicas = math.ceil(pods * used * 100 / (requested * TARGET))
        reason = f"{100 * used // requested}% busy, {TARGET}% wanted"
    return {"targetReplicas": replicas, "reason": reason}


class Handler(BaseHTTPRequestHandler):
    methods = {"/metric": metric, "/evaluate": evaluate}

    def do_POST(self):
        method = self.methods.get(self.path)
        if method is None:
            self.send_error(404)
            return
        try:
            document = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.answer(200, json.dumps(method(document)))
        except Exception as error:  # the autoscaler logs it, and scales nothing this time
            self.answer(500, f"{type(error).__name__}: {error}")

    def do_HEAD(self):  # check --urls asks for it
        self.send_response(200 if self.path in self.methods else 404)
        self.end_headers()

    def answer(self, status, text):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, *_):
        """Not a line for each request."""


if __name__ == "__main__":
    for stop in (signal.SIGINT, signal.SIGTERM):  # Ctrl-C, and the end of the pod
        signal.signal(stop, lambda *_: sys.exit())
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8080"))), Handler)
    server.daemon_threads = True
    print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
