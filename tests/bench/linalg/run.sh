#!/bin/bash
# Builds the benches, makes the matrices (kept in /tmp/hadal_linalg, or --folder) and prints one table: Hadal's SVD and
# least squares beside the peers', time and error. Needs python3-numpy and python3-sklearn; a Python
# with newer peers is taken from PEERS_PYTHON when it is set:
#
#   python3 -m venv /tmp/peers && /tmp/peers/bin/pip install numpy scipy scikit-learn fbpca torch
#   PEERS_PYTHON=/tmp/peers/bin/python HADAL_DATA=... tests/bench/linalg/run.sh [options of compare.py]
set -euo pipefail
root=$(cd "$(dirname "$0")/../../.." && pwd)
build=${HADAL_BENCH_BUILD:-$root/build/bench}
python=${PEERS_PYTHON:-/usr/bin/python3}

cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DHADAL_BENCHMARKS=ON >/dev/null
ninja -C "$build" svd_bench lstsq_bench >/dev/null
exec "$python" "$root/tests/bench/linalg/compare.py" "$build/tests/bench/svd_bench" \
  "$build/tests/bench/lstsq_bench" --python "$python" "$@"
