// What is known: each metric by its name.
import { readFileSync } from 'node:fs'

const { kubernetesMetrics = [] } = JSON.parse(readFileSync(0))

const known = kubernetesMetrics.map(({ spec, external }) =>
  [spec.external.metric.name, external.current.average_value / 1000]) // values are in thousandths

console.log(JSON.stringify(Object.fromEntries(known)))
