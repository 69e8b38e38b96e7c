// How many: enough for the work that all kinds of requests make together.
import { readFileSync } from 'node:fs'

const unitsPerPod = 500 // of work a second, of which a read is one
const full = 0.8 // pods are planned to be so full: the rest is for what comes until the next pods are there

const weights = JSON.parse(readFileSync(new URL('weights.json', import.meta.url)))
const { metrics: [{ value }] } = JSON.parse(readFileSync(0))
const known = JSON.parse(value)

const missing = Object.keys(weights).filter(name => !Number.isFinite(known[name]))
if (missing.length > 0) {
  console.error(`not known: ${missing.join(', ')}; weights.json asks for it, so config.yaml has to`)
  process.exit(1)
}

const parts = Object.entries(weights).map(([name, weight]) => ({ name, work: weight * known[name] }))
const work = parts.reduce((sum, part) => sum + part.work, 0)
const reason = parts.map(part => `${part.name} make ${Math.round(part.work)}`).join(', ')

console.log(JSON.stringify({
  targetReplicas: Math.ceil(work / (unitsPerPod * full)),
  reason: `${reason}: ${Math.round(work)} units of work, ${unitsPerPod * full} for each pod`,
}))
