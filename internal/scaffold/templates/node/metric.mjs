// Metric: what is known about the pods?
//
// A JSON document about the target comes on standard input. What is printed is handed to evaluate.mjs as it is.

import { readFileSync } from "node:fs";

const document = JSON.parse(readFileSync(0, "utf8"));

const known = { pods: 0, used: 0, requested: 0 };
// There is one entry for each of kubernetesMetricSpecs in config.yaml, and none while it cannot be read.
for (const { resource: cpu } of document.kubernetesMetrics ?? []) {
  for (const [name, pod] of Object.entries(cpu.pod_metrics_info)) {
    known.pods += 1;
    known.used += pod.Value; // in thousandths of a cpu
    known.requested += cpu.requests[name];
  }
}

console.log(JSON.stringify(known));
