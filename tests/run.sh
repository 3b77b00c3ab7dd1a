#!/bin/bash
# tests/run.sh [--label unit|mpi|cluster|slow] [CTest options]: installs what is missing, builds the
# tests, runs them through CTest. Tests on real data look in HADAL_DATA and skip with a word where a
# set is not there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

options=()
while [ $# -gt 0 ]; do
  case $1 in
    --label) options+=(--label-regex "^${2:?--label wants a label: unit, mpi, …}\$") && shift 2 ;;
    *) options+=("$1") && shift ;;
  esac
done

cmake/setup.sh
exec ctest --test-dir build --parallel 2 --output-on-failure --timeout 300 --no-tests=error \
  ${options[@]+"${options[@]}"}
