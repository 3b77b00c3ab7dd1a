#!/bin/bash
# Whole training steps on one core, Hadal beside PyTorch, in one table. Debian's python3-torch must
# be installed; a Python with a current torch is taken from TORCH_PYTHON when it is set:
#
#   python3 -m venv /tmp/torch && /tmp/torch/bin/pip install torch
#   TORCH_PYTHON=/tmp/torch/bin/python tests/bench/run_cpu.sh [options of compare.py]
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${HADAL_BENCH_BUILD:-$root/build/bench}

cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DHADAL_BENCHMARKS=ON >/dev/null
ninja -C "$build" train_step_bench >/dev/null

peers=()
if /usr/bin/python3 -c 'import torch' 2>/dev/null; then
  for layout in channels_last nchw; do
    peers+=(--peer "debian=/usr/bin/python3:$layout:eager")
  done
else
  echo "apt-get install python3-torch: Debian's PyTorch is left out" >&2
fi
if [[ -n ${TORCH_PYTHON:-} ]]; then
  for layout in channels_last nchw; do
    for mode in eager compile; do
      peers+=(--peer "current=$TORCH_PYTHON:$layout:$mode")
    done
  done
fi
exec python3 "$root/tests/bench/compare.py" "$build/tests/bench/train_step_bench" "${peers[@]}" "$@"
