# How many: a worker looks after four tenants. What metric.sh printed is in the document that is read here.
tenants=$(sed -n 's/.*"value":"\([0-9]*\).*/\1/p')
test -n "$tenants" || { echo "evaluate was not told the number of tenants" >&2; exit 1; }
echo "{\"targetReplicas\": $(((tenants + 3) / 4)), \"reason\": \"$tenants tenants, 4 for each worker\"}"
