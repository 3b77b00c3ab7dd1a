#!/bin/bash
# tests/gpu/run.sh: all that wants a CUDA device, with one command on a machine that has one. Builds
# what is missing, runs the tests of label gpu (each program in one process; those of NCCL start two
# ranks, on one GPU where there is one), then trains a ResNet-20 for 40 steps on the CPU and twice on
# the GPU and compares. Prints what device it was. BUILD names the build folder (default: build); with
# BUILD_ALREADY=1, and in a bundle, nothing is built.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
if [ -x bin/hadal ]; then  # a bundle
  hadal=bin/hadal tests=tests
else
  build=${BUILD:-build}
  hadal=$build/hadal tests=$build
  if [ -z "${BUILD_ALREADY:-}" ]; then
    cmake -S . -B "$build" -DCMAKE_BUILD_TYPE=Release -DHADAL_CUDA=ON
    cmake --build "$build" --parallel "$(nproc)" \
      --target hadal hadal_cuda gpu_test nccl_test
  fi
fi
nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader || true

status=0
[ ! -x bin/mpirun ] || export HADAL_MPIRUN=$PWD/bin/mpirun
"$tests/gpu_test" || status=$?
"$tests/nccl_test" || status=$?

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
export HADAL_CUDNN_PLANS=$out/plans  # engines are measured once, then stay
for run in cpu:cpu gpu:cuda:0 again:cuda:0; do
  "$hadal" train tests/gpu/train.textproto --device "${run#*:}" --out "$out/${run%%:*}" \
    || status=$?
done
python3 - "$out" <<'END' || status=$?
import json, sys
def read(run):
    folder = f"{sys.argv[1]}/{run}"
    lines = [json.loads(line) for line in open(f"{folder}/metrics.jsonl")]
    return [line for line in lines if "train_loss" in line], json.load(open(f"{folder}/result.json"))
(cpu, cpu_result), (gpu, gpu_result), (again, again_result) = read("cpu"), read("gpu"), read("again")
ok = True
for here, there in zip(cpu, gpu):
    near = abs(here["train_loss"] - there["train_loss"]) < 0.05 * here["train_loss"]
    ok &= near
    print(f"epoch {here['epoch']}: loss {here['train_loss']:.5f} on the CPU, {there['train_loss']:.5f} on the GPU,"
          f" {here['images_per_second']:.0f} and {there['images_per_second']:.0f} images/s"
          f"{'' if near else ': NOT near each other'}")
same = gpu_result["weights_hash"] == again_result["weights_hash"]
print("two trainings on the GPU: " + ("the same bits" if same else "DIFFERENT BITS"))
sys.exit(0 if ok and same and gpu else 1)
END
echo "convolutions: $(grep -c . "$HADAL_CUDNN_PLANS") passes, of which $(grep -c -- '= -1$' "$HADAL_CUDNN_PLANS" || true) found no engine of cuDNN and ran plain loops"
exit $status
