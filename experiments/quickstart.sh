#!/bin/bash
# experiments/quickstart.sh: from a fresh machine to a result table. Installs what is missing,
# builds, trains a small sweep on the built-in data set with two MPI ranks a run, prints the table.
# Run again, it goes on where it stopped, or shows the table at once when all runs are there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

sweep=experiments/quickstart/quickstart.textproto
runs=runs/quickstart
hadal=build/hadal
started=$SECONDS

part() {
  local begun=$SECONDS name=$1
  shift
  echo "== $name: $*"
  "$@"
  echo "== $name took $((SECONDS - begun)) s"
}

part "set up and build" cmake/setup.sh hadal
part "train" "$hadal" sweep run "$sweep" --runs "$(dirname "$runs")"
part "table" "$hadal" table "$runs"
part "report" "$hadal" report "$runs"
echo "== all in all $((SECONDS - started)) s"
