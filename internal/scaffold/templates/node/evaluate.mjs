// Evaluate: how many replicas should there be?
//
// What metric.mjs printed, and the target, come on standard input as JSON. The reply is a number of replicas, and why.

import { readFileSync } from "node:fs";

const TARGET = 50; // percent of the cpu that they request is what the pods should use

const document = JSON.parse(readFileSync(0, "utf8"));
const { pods, used, requested } = JSON.parse(document.metrics[0].value);

let targetReplicas, reason;
if (requested === 0) {
  targetReplicas = document.resource.spec.replicas;
  reason = `no pod that requests cpu is measured yet, so it stays at ${targetReplicas}`;
} else {
  targetReplicas = Math.ceil((pods * used * 100) / (requested * TARGET));
  reason = `${Math.floor((100 * used) / requested)}% busy, ${TARGET}% wanted`;
}

console.log(JSON.stringify({ targetReplicas, reason }));
