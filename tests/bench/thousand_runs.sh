#!/usr/bin/env bash
# tests/bench/thousand_runs.sh [PROGRAM] [RUNS]: makes a sweep of RUNS finished, failed and running
# trainings of 100 epochs and tells how long `sweep status`, `table` and `report` take over it, and
# how large the report is. The goal: each under 2 s, the report under 5 MB.
set -euo pipefail
program=${1:-build/hadal}
runs=${2:-1000}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# Ten seeds of every depth and rate; every fiftieth run failed, every ninetieth is under way.
python3 - "$folder" "$runs" <<'PY'
import hashlib, json, os, sys
folder, runs = sys.argv[1], int(sys.argv[2])
plan, cells = [], {}
for i in range(runs):
    seed, depth, rate = i % 10 + 1, 6 * (i // 10 % 20) + 8, ["0.2", "0.1", "0.05", "0.02", "0.01"][i // 200 % 5]
    row = f"resnet depth={depth} learning_rate={rate}" + (f" part={i // 1000}" if i >= 1000 else "")
    name = f"resnet_depth-{depth}_rate-{rate}_seed-{seed}"
    digest = hashlib.sha256(f"{row}/{seed}".encode()).hexdigest()[:16]
    plan.append({"name": name, "labels": [["depth", str(depth)], ["seed", str(seed)]], "seed": seed,
                 "hash": digest, "folder": f"{name}-{digest}"})
    cells.setdefault(row, []).append(digest)
    run = f"{folder}/{name}-{digest}"
    os.makedirs(run)
    with open(f"{run}/spec.textproto", "w") as f:
        f.write(f'name: "{row}, seed {seed}"\nmodel {{ name: "resnet" set: "depth={depth}" }}\n'
                f'data {{ name: "generator" }}\noptimizer {{ learning_rate: {rate} }}\nepochs: 100\nseed: {seed}\n')
    json.dump({"spec_hash": digest, "host": f"reef{i % 8}", "version": "0.1.0"}, open(f"{run}/environment.json", "w"))
    running = i % 90 == 45
    epochs = 40 if running else 100
    with open(f"{run}/metrics.jsonl", "w") as f:
        for e in range(1, epochs + 1):
            error = 80 / e ** 0.5 + seed * 0.1 + depth * 0.01
            f.write(json.dumps({"kind": "epoch", "epoch": e, "step": 390 * e, "learning_rate": float(rate),
                                "train_loss": error / 40, "train_error": error, "validation_loss": error / 35,
                                "validation_error": error + 2, "images_per_second": 412.0, "seconds": 94.2,
                                "bytes_sent": 12345678, "macs": 5678901234}) + "\n")
            if e % 10 == 0:
                f.write(json.dumps({"kind": "event", "what": "checkpoint", "step": 390 * e, "detail": "", "time": 1.8e9 + e}) + "\n")
    if running:
        json.dump({"epoch": 41, "epochs": 100, "step": 15700, "steps": 39000, "loss": 1.5,
                   "images_per_second": 412.0, "seconds_left": 5600.0}, open(f"{run}/progress.json", "w"))
        continue
    failed = i % 50 == 7
    result = {"status": "failed" if failed else "finished", "exit_code": 87 if failed else 0,
              "reason": "loss is not finite at step 7 (layer conv1)" if failed else "", "spec_hash": digest,
              "name": f"{row}, seed {seed}", "ranks": 2, "epochs": 100, "steps": 39000, "seconds": 9420.0 + i,
              "weights_hash": digest, "parameters": 1719866, "bytes_sent": 1, "macs": 1}
    if not failed:
        result["last"] = {"epoch": 100, "train_loss": 0.2, "train_error": error, "validation_error": error + 2, "test_error": error + 2.5}
        result["best_validation"] = {"epoch": 98, "validation_error": error + 1.9, "test_error": error + 2.4}
    json.dump(result, open(f"{run}/result.json", "w"))
open(f"{folder}/sweep.textproto", "w").write('name: "thousand"\ntitle: "A thousand runs"\n')
json.dump({"name": "thousand", "ranks": 2, "runs": plan,
           "cells": [{"row": row, "column": "", "runs": hashes} for row, hashes in cells.items()]},
          open(f"{folder}/plan.json", "w"))
with open(f"{folder}/sweep.jsonl", "w") as f:
    for run in plan:
        for what in ["started", "finished"]:
            f.write(json.dumps({"time": "2026-11-28T12:00:00Z", "what": what, "run": run["name"]}) + "\n")
PY

echo "$runs runs, $(du -sh --apparent-size "$folder" | cut -f1) in $(find "$folder" -type f | wc -l) files"
TIMEFORMAT=%R
for command in "sweep status" "table" "report"; do
  for pass in first second; do
    seconds=$({ time $program $command "$folder" >"$folder/out" 2>&1; } 2>&1)
    printf '%-14s %-7s %6s s\n' "$command" "$pass" "$seconds"
  done
done
printf 'report.html    %s bytes\n' "$(stat -c %s "$folder/report.html")"
