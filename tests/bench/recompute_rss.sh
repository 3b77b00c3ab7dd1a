#!/bin/bash
# Memory that `hadal plan` states for ResNet-1202 at batch 128, beside the peak resident set of a real
# step with recompute. Fails when the peak exceeds the stated bytes by more than 10 % + 500 MiB, or 3 GiB.
#
#   tests/bench/recompute_rss.sh [recompute_every [data set]]      HADAL=path of the program
#
# With the built-in generator, so that there are few test images to evaluate; with cifar10 (all of it
# in memory) the run is stopped as soon as the step is done.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
hadal=${HADAL:-$root/build/hadal}
every=${1:-10}
data=${2:-generator}
run=$(mktemp -d)
trap 'rm -rf "$run"' EXIT
spec=$root/experiments/resnet/resnet1202_c10.textproto
set=(--set logical_shards=1 --set "recompute_every=$every")

"$hadal" plan "$spec" --brief "${set[@]}" | tee "$run/plan" | sed -n '/^memory  *[0-9.]* .*per rank/,$p'
bytes_in() { sed 's/.*(\([0-9,]*\) bytes).*/\1/; s/,//g' <<<"$1"; }
stated=$(bytes_in "$(grep "recompute_every: $every\$" "$run/plan")")

set+=(--set steps=1 --set data.name="$data")
[[ $data == generator ]] && set+=(--set data.train=128 --set data.test=128)
"$hadal" train "$spec" "${set[@]}" --out "$run/run" >"$run/log" 2>&1 &
training=$!
peak=0
while kill -0 "$training" 2>/dev/null; do
  now=$(awk '/VmHWM/ { print $2 * 1024 }' "/proc/$training/status" 2>/dev/null || true)
  [[ -n $now ]] && peak=$now
  if [[ $data != generator ]] && grep -q '^epoch' "$run/log"; then
    kill -KILL "$training"
    break
  fi
  sleep 0.05
done
grep '^epoch' "$run/log" || { cat "$run/log" >&2; exit 1; }

allowed=$((stated + stated / 10 + (500 << 20)))
[[ $allowed -lt $((3 << 30)) ]] || allowed=$((3 << 30))
mib() { awk "BEGIN { printf \"%.1f MiB\", $1 / 1048576 }"; }
echo "stated $(mib "$stated"), peak resident $(mib "$peak"), allowed $(mib "$allowed")"
[[ $peak -le $allowed ]] || { echo "too much" >&2; exit 1; }
