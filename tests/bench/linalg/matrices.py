#!/usr/bin/env python3
"""Makes the matrices of the table, as .npy files with known singular values beside them.

  slow    sigma_j = j^(-1/2)
  fast    sigma_j = 10^(-(j-1)/20), not below 1e-4
  mnist   60,000 x 784 pixels;  cifar  50,000 x 3,072 pixels;  faces  400 x 10,304 pixels (ORL)

A made matrix is U diag(sigma) V^T: Gaussian U made orthonormal by Cholesky of its Gram matrix twice,
V by QR, all in float64, rounded to float32 at the end.
"""

import argparse
import glob
import gzip
import os

import numpy as np
from numpy.lib.format import open_memmap

BLOCK = 20000


def spectrum(kind, n):
    j = np.arange(1, n + 1)
    return j ** -0.5 if kind == "slow" else np.maximum(10.0 ** (-(j - 1) / 20), 1e-4)


def blocks(m):
    for first in range(0, m, BLOCK):
        yield slice(first, min(m, first + BLOCK))


def gaussian_block(rows, n, seed):
    return np.random.default_rng([seed, rows.start]).standard_normal((rows.stop - rows.start, n))


def known_spectrum(path, m, n, sigma, dtype, seed=1):
    """U diag(sigma) V^T in blocks of rows, so that the matrix need not fit into memory."""
    right = np.eye(n)
    for _ in range(2):
        gram = np.zeros((n, n))
        for rows in blocks(m):
            u = gaussian_block(rows, n, seed) @ right
            gram += u.T @ u
        right = right @ np.linalg.inv(np.linalg.cholesky(gram).T)
    v, _ = np.linalg.qr(np.random.default_rng([seed, 2**40]).standard_normal((n, n)))
    product = (right * sigma) @ v.T
    out = open_memmap(path + ".part", mode="w+", dtype=dtype, shape=(m, n))
    for rows in blocks(m):
        out[rows] = gaussian_block(rows, n, seed) @ product
    out.flush()
    os.rename(path + ".part", path)
    return right


def outside_columns(m, right, seed=1):
    """A random vector orthogonal to the columns of U, in float64."""
    noise = np.random.default_rng([seed, 2**41]).standard_normal((m, 1))
    for _ in range(2):
        inside = sum((gaussian_block(rows, len(right), seed) @ right).T @ noise[rows]
                     for rows in blocks(m))
        for rows in blocks(m):
            noise[rows] -= gaussian_block(rows, len(right), seed) @ right @ inside
    return noise


def mnist(data):
    raw = os.path.join(data, "MNIST", "raw", "train-images-idx3-ubyte")
    opened = open(raw, "rb") if os.path.exists(raw) else gzip.open(raw + ".gz", "rb")
    with opened as file:
        return np.frombuffer(file.read(), np.uint8, offset=16).reshape(60000, 784)


def cifar(data):
    parts = [np.fromfile(os.path.join(data, "cifar-10-batches-bin", f"data_batch_{i}.bin"), np.uint8)
             for i in range(1, 6)]
    return np.concatenate(parts).reshape(-1, 3073)[:, 1:]


def faces(data):
    def pixels(path):
        with open(path, "rb") as file:
            return np.frombuffer(file.read()[-10304:], np.uint8)

    names = sorted(glob.glob(os.path.join(data, "orl_faces", "s*", "*.pgm")))
    return np.stack([pixels(name) for name in names])


def make(name, folder, data):
    path = os.path.join(folder, name + ".npy")
    if os.path.exists(path):
        return path
    os.makedirs(folder, exist_ok=True)
    if name in ("mnist", "cifar", "faces"):
        pixels = {"mnist": mnist, "cifar": cifar, "faces": faces}[name](data)
        np.save(path + ".part.npy", np.ascontiguousarray(pixels, np.float32))
        os.rename(path + ".part.npy", path)
    elif name == "lstsq":
        right = known_spectrum(path, 200000, 500, np.geomspace(1, 1e-6, 500), np.float64)
        a = np.load(path, mmap_mode="r")
        x = np.random.default_rng(7).standard_normal((500, 1))
        b = a @ x
        residual = outside_columns(len(a), right)
        # x moves by up to eps * condition^2 * |residual|: with 1e-5 of b, 1e-7 is within reach.
        residual *= 1e-5 * np.linalg.norm(b) / np.linalg.norm(residual)
        np.save(path.replace(".npy", "_x.npy"), x)
        np.save(path.replace(".npy", "_b.npy"), b + residual)
    else:
        shape, kind = name.split("_")
        m, n = (int(part) for part in shape.split("x"))
        known_spectrum(path, m, n, spectrum(kind, n), np.float32)
    return path


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="+",
                        help="mnist, cifar, faces, lstsq or ROWSxCOLS_slow, ROWSxCOLS_fast")
    parser.add_argument("--folder", default="/tmp/hadal_linalg")
    parser.add_argument("--data", default=os.environ.get("HADAL_DATA", "data"))
    options = parser.parse_args()
    for each in options.names:
        print(make(each, options.folder, options.data))
