#!/usr/bin/env python3
"""Hadal's SVD and least squares beside the peers': time and error in one table.

Two contestants at a time, each holding the matrix in memory, A-B-B-A, `--rounds` times with the
same number of threads. A ratio is the median over rounds of (peer + peer) / (ours + ours), wall
time. Errors are of what each last gave, in float64:

  SVD             |A - U S V^T|_2 / sigma_{k+1}, 1 is the best possible; largest relative error of a
                  singular value; largest entry of |U^T U - I|
  least squares   |x - x*| / |x*|

Where other programs share the cores, --processor-time with --threads 1 compares the seconds of
processor time that the contestants took (in steps of 1/100 s) instead.

Where ours is the less accurate by more than 1e-3 (least squares: above 1e-7) the line says that it
does not count.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

from matrices import blocks, make

HERE = os.path.dirname(os.path.abspath(__file__))
K = 50
# matrix: what ours is asked for besides K components, and its peers.
CASES = [
    ("100000x1000_slow", [], ["sklearn randomized_svd default", "numpy covariance"]),
    ("100000x1000_fast", [], ["sklearn randomized_svd n_iter=2 QR", "torch svd_lowrank"]),
    ("100000x1000_slow", ["--exact"], ["numpy covariance"]),
    ("100000x1000_fast", ["--exact"], ["numpy covariance"]),
    ("mnist", ["--centre"], ["numpy centred covariance", "sklearn PCA default"]),
    ("mnist_u8", ["--centre"], ["numpy centred covariance", "sklearn PCA default"]),
    ("cifar", [], ["sklearn randomized_svd default", "numpy covariance"]),
    ("2000000x100_fast", [], ["numpy covariance", "sklearn randomized_svd n_iter=2 QR", "fbpca"]),
    ("faces", ["--exact"], ["numpy short-side covariance", "sklearn randomized_svd default"]),
    ("lstsq", [], ["numpy lstsq", "normal equations"]),
]


# Seconds before a turn: for 0.14 s after a product NumPy's OpenBLAS keeps a core busy waiting for
# the next one, and would take it from whoever runs then.
PAUSE = 0.2

# What a peer's name begins with: the module it takes.
NEEDS = {"sklearn": "sklearn", "torch": "torch", "fbpca": "fbpca"}


class Contestant:
    """A program that prints "ready", then the seconds of one run for every line it is sent."""

    processor_time = False

    def __init__(self, command, threads):
        environment = dict(os.environ, OMP_NUM_THREADS=str(threads),
                           OPENBLAS_NUM_THREADS=str(threads))
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, env=environment)
        self.expect("ready")

    def ask(self, line=""):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def expect(self, wanted, line=None):
        answer = self.process.stdout.readline().strip() if line is None else self.ask(line)
        if answer != wanted:
            sys.exit(f"{' '.join(self.process.args)}: {self.process.stderr.read().strip()[-500:]}")

    def turn(self):
        time.sleep(PAUSE)
        before = self.processor_seconds()
        seconds = float(self.ask())
        return self.processor_seconds() - before if self.processor_time else seconds

    def processor_seconds(self):
        with open(f"/proc/{self.process.pid}/stat") as file:
            user, system = file.read().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def result(self):
        """What the last run gave: U, sigma and V^T, or x."""
        with tempfile.TemporaryDirectory() as folder:
            self.expect("saved", "save " + folder)
            names = ["x"] if os.path.exists(os.path.join(folder, "x.npy")) else ["u", "s", "vt"]
            return [np.load(os.path.join(folder, name + ".npy")) for name in names]

    def end(self):
        self.process.stdin.close()
        self.process.wait()


class Judge:
    """What is true of a (centred) matrix: its Gram matrix on the short side, its singular values."""

    def __init__(self, path, centre):
        a = np.load(path, mmap_mode="r")
        self.wide = a.shape[0] < a.shape[1]
        self.a = a.T if self.wide else a
        n = self.a.shape[1]
        self.gram = np.zeros((n, n))
        for rows in blocks(len(self.a)):
            part = self.a[rows].astype(np.float64)
            self.gram += part.T @ part
        self.mean = np.mean(self.a, axis=0, dtype=np.float64) if centre else np.zeros(n)
        self.gram -= len(self.a) * np.outer(self.mean, self.mean)
        self.sigma = np.sqrt(np.maximum(np.linalg.eigvalsh(self.gram)[::-1], 0))

    def errors(self, u, s, vt):
        orthogonality = np.abs(u.T.astype(np.float64) @ u - np.eye(len(s))).max()
        if self.wide:
            u, vt = vt.T, u.T
        p = np.float64(u) * s
        vt = np.float64(vt)
        cross = np.zeros((self.a.shape[1], len(s)))
        for rows in blocks(len(self.a)):
            cross += self.a[rows].astype(np.float64).T @ p[rows]
        cross -= np.outer(self.mean, p.sum(axis=0))
        residual = self.gram - cross @ vt - (cross @ vt).T + vt.T @ (p.T @ p) @ vt
        spectral = np.sqrt(np.linalg.eigvalsh(residual)[-1])
        true = self.sigma[:len(s)]
        return spectral / self.sigma[len(s)], (np.abs(s - true) / true).max(), orthogonality


def solution_error(path, x):
    true = np.load(path.replace(".npy", "_x.npy"))
    return np.linalg.norm(x.reshape(true.shape) - true) / np.linalg.norm(true)


def duel(ours, peer, rounds):
    """Medians of ours and the peer's seconds, and the ratios by round."""
    mine, theirs, ratios = [], [], []
    for _ in range(rounds):
        a, b, c, d = ours.turn(), peer.turn(), peer.turn(), ours.turn()
        mine += [a, d]
        theirs += [b, c]
        ratios.append((b + c) / (a + d))
    return statistics.median(mine), statistics.median(theirs), ratios


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("svd_bench")
    parser.add_argument("lstsq_bench")
    parser.add_argument("--python", default=sys.executable, help="the Python of the peers")
    parser.add_argument("--folder", default="/tmp/hadal_linalg", help="where the matrices are kept")
    parser.add_argument("--data", default=os.environ.get("HADAL_DATA", "data"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cases", nargs="+", help="only these matrices")
    parser.add_argument("--peers", default="", help="only those that have this in their name")
    parser.add_argument("--processor-time", action="store_true")
    options = parser.parse_args()
    Contestant.processor_time = options.processor_time

    print(f"{'matrix':26} {'peer':34} {'ours s':>8} {'peer s':>8}  {'ratio (rounds)':20} "
          f"{'error ours':>12} {'peer':>10}   sigma ours, peer   U^T U - I ours, peer")
    judge, judged = None, None
    for name, extra, peers in CASES:
        if options.cases and name not in options.cases:
            continue
        path = make(name.replace("_u8", ""), options.folder, options.data)
        if name.endswith("_u8"):
            as_bytes = path.replace(".npy", "_u8.npy")
            if not os.path.exists(as_bytes):
                np.save(as_bytes, np.load(path).astype(np.uint8))
        else:
            as_bytes = path
        least_squares = name == "lstsq"
        bench = options.lstsq_bench if least_squares else options.svd_bench
        command = [bench, as_bytes, str(K), "--threads", str(options.threads), *extra]
        ours = Contestant(command, options.threads)
        wanted = (path, "--centre" in extra)
        if not least_squares and judged != wanted:
            judge, judged = Judge(*wanted), wanted
        for peer_name in [each for each in peers if options.peers in each]:
            needs = NEEDS.get(peer_name.split()[0])
            if needs and subprocess.run([options.python, "-c", f"import {needs}"],
                                        stderr=subprocess.DEVNULL).returncode:
                print(f"{name:26} {peer_name:34} left out: {options.python} has no {needs}")
                continue
            peer = Contestant([options.python, os.path.join(HERE, "peers.py"), peer_name, path,
                               str(K)], options.threads)
            mine, theirs, ratios = duel(ours, peer, options.rounds)
            if least_squares:
                errors = [solution_error(path, c.result()[0]) for c in (ours, peer)]
                tail = f"{errors[0]:12.1e} {errors[1]:10.1e}"
                worse = errors[0] > 1.001 * errors[1] and errors[0] > 1e-7
            else:
                (e1, s1, o1), (e2, s2, o2) = (judge.errors(*c.result()) for c in (ours, peer))
                tail = f"{e1:12.5f} {e2:10.5f}   {s1:8.1e} {s2:8.1e}   {o1:8.1e} {o2:8.1e}"
                worse = e1 > e2 + 1e-3
            print(f"{' '.join([name, *extra]):26} {peer_name:34} {mine:8.3f} {theirs:8.3f}  "
                  f"{statistics.median(ratios):5.2f} ({min(ratios):.2f}-{max(ratios):.2f})".ljust(100) +
                  f"{tail}{'   ours is less accurate: no row' if worse else ''}", flush=True)
            peer.end()
        ours.end()


if __name__ == "__main__":
    main()
