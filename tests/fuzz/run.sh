#!/bin/sh
# run.sh TARGET CORPUS FINDINGS: fuzzes for WEIR_FUZZ_SECONDS (15) from a copy of the seeds, so that the repository's own
# stay as they are. An input that breaks the target is left in FINDINGS and printed.
set -eu

target=$1
corpus=$2
findings=$3
name=$(basename "$target")
if [ -z "$(ls -A "$corpus" 2>/dev/null)" ]; then
    echo "no seeds in $corpus"
    exit 1
fi

mkdir -p "$findings"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP
cp -R "$corpus" "$work/corpus"

if "$target" -max_total_time="${WEIR_FUZZ_SECONDS:-15}" -timeout=5 -rss_limit_mb=1024 -print_final_stats=1 \
    -artifact_prefix="$findings/$name-" "$work/corpus" >"$work/log" 2>&1; then
    tail -n 12 "$work/log"
    exit 0
fi
tail -n 100 "$work/log"
for input in "$findings/$name-"*; do
    [ -e "$input" ] || continue
    echo "$input:"
    od -c "$input" | head -n 40
done
exit 1
