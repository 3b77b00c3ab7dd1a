#!/bin/bash
# Weak scaling, two MPI ranks against one, each bound to a core, batch 64 per rank: ResNet-20 and
# ResNet-110. Wants a machine with nothing else on its cores.
#
#   tests/bench/scaling.sh [rounds]      rounds of four steps of each way, interleaved
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${HADAL_BENCH_BUILD:-$root/build/bench}
rounds=${1:-15}

cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DHADAL_BENCHMARKS=ON >/dev/null
ninja -C "$build" scaling_bench >/dev/null

export OMP_NUM_THREADS=1
echo "load before: $(cut -d' ' -f1-3 /proc/loadavg)"
for depth in 20 110; do
  mpirun -np 2 --bind-to core "$build/tests/bench/scaling_bench" resnet "$rounds" 64 depth=$depth
done
echo "load after: $(cut -d' ' -f1-3 /proc/loadavg)"
