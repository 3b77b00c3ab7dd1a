#!/usr/bin/env python3
"""Images per second of whole training steps on one core: Hadal beside PyTorch.

Two programs at a time, A-B-B-A, `--rounds` times; each turn is the median of `--steps` steps by
processor time. A ratio is the median over rounds of (A + A) / (B + B), so what slows the machine
for a while slows both. Prints one table.
"""

import argparse
import os
import statistics
import subprocess
import sys


class Contestant:
    """A program that prints "ready", then one number per line it is sent."""

    def __init__(self, command):
        environment = dict(os.environ, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, env=environment)
        line = self.process.stdout.readline()
        if line.strip() != "ready":
            sys.exit(f"{' '.join(command)}: {self.process.stderr.read().strip()[-500:]}")

    def turn(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def spread(values):
    return f"{statistics.median(values):8.1f} ({min(values):.0f}-{max(values):.0f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench", help="the program train_step_bench")
    parser.add_argument("--depths", type=int, nargs="+", default=[20, 110])
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=PYTHON:LAYOUT:MODE",
                        help="a Python with torch, nchw or channels_last, eager or compile")
    options = parser.parse_args()
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "peers",
                          "torch_train_step.py")

    print(f"{'net':10} {'peer':34} {'hadal img/s':>22} {'peer img/s':>22}  ratio (rounds)")
    for depth in options.depths:
        sizes = [str(options.batch), str(options.steps)]
        for peer in options.peer:
            name, rest = peer.split("=")
            python, layout, mode = rest.split(":")
            ours = Contestant([options.bench, "resnet", *sizes, f"depth={depth}", "--serve"])
            theirs = Contestant([python, script, str(depth), *sizes, layout, mode])
            a, b, ratios = [], [], []
            for _ in range(options.rounds):
                turns = [ours.turn(), theirs.turn(), theirs.turn(), ours.turn()]
                a += [turns[0], turns[3]]
                b += [turns[1], turns[2]]
                ratios.append((turns[0] + turns[3]) / (turns[1] + turns[2]))
            ours.end()
            theirs.end()
            print(f"resnet{depth:<4} {name + ' ' + layout + ' ' + mode:34} {spread(a):>22} "
                  f"{spread(b):>22}  {statistics.median(ratios):.2f} "
                  f"({min(ratios):.2f}-{max(ratios):.2f})", flush=True)


main()
