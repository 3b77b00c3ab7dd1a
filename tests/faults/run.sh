#!/bin/bash
# tests/faults/run.sh [--faults 1000] [--seed 7] [--jobs 2]: the fault test as long as you like; see
# README.md here.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

cmake/setup.sh
exec build/tests/faults/faults "$@"
