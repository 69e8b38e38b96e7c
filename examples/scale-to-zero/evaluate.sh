# How many: a worker does ten jobs a second. Eight are planned for it, so that it catches up on what came in while it started.
jobs=$(sed -n 's/.*"value":"\([0-9]*\).*/\1/p')
echo "{\"targetReplicas\": $(((jobs + 7) / 8)), \"reason\": \"$jobs jobs come in each second\"}"
