#!/usr/bin/env python3
"""A peer as a contestant of compare.py: holds a matrix in memory, prints "ready", and for every line
it reads runs once and prints the seconds; for "save FOLDER" it writes what the last run gave: u.npy, s.npy and vt.npy, or x.npy.

  peers.py METHOD MATRIX [K]
"""

import os
import sys
import time

import numpy as np


def covariance(a, k, centre=False):
    mean = a.mean(axis=0) if centre else None
    gram = a.T @ a
    if centre:
        gram -= len(a) * np.outer(mean, mean)
    values, vectors = np.linalg.eigh(gram)
    v = np.ascontiguousarray(vectors[:, :-k - 1:-1])
    s = np.sqrt(np.maximum(values[::-1][:k], 0))
    y = a @ v
    if centre:
        y -= mean @ v
    return y / s, s, v.T


def short_side_covariance(a, k):
    values, vectors = np.linalg.eigh(a @ a.T)
    u = np.ascontiguousarray(vectors[:, :-k - 1:-1])
    s = np.sqrt(np.maximum(values[::-1][:k], 0))
    return u, s, (u.T @ a) / s[:, None]


def sklearn_svd(**options):
    def svd(a, k):
        from sklearn.utils.extmath import randomized_svd

        return randomized_svd(a, k, random_state=0, **options)

    return svd


def sklearn_pca(a, k):
    from sklearn.decomposition import PCA

    model = PCA(k, random_state=0)
    scores = model.fit_transform(a)
    return scores / model.singular_values_, model.singular_values_, model.components_


def fbpca_svd(a, k):
    import fbpca

    return fbpca.pca(a, k, raw=True)


def torch_lowrank(a, k):
    import torch

    torch.manual_seed(0)
    u, s, v = torch.svd_lowrank(torch.from_numpy(a), q=k + 10, niter=2)
    return u[:, :k].numpy(), s[:k].numpy(), v[:, :k].numpy().T


def lapack_lstsq(a, b):
    return np.linalg.lstsq(a, b, rcond=None)[0]


def normal_equations(a, b):
    gram = np.zeros((a.shape[1],) * 2)
    right = np.zeros((a.shape[1], b.shape[1]))
    for first in range(0, len(a), 8192):
        rows = a[first:first + 8192]
        gram += rows.T @ rows
        right += rows.T @ b[first:first + 8192]
    return np.linalg.solve(gram, right)


METHODS = {
    "numpy covariance": covariance,
    "numpy centred covariance": lambda a, k: covariance(a, k, centre=True),
    "numpy short-side covariance": short_side_covariance,
    "sklearn randomized_svd default": sklearn_svd(),
    "sklearn randomized_svd n_iter=2 QR": sklearn_svd(n_iter=2, power_iteration_normalizer="QR"),
    "sklearn PCA default": sklearn_pca,
    "fbpca": fbpca_svd,
    "torch svd_lowrank": torch_lowrank,
    "numpy lstsq": lapack_lstsq,
    "normal equations": normal_equations,
}


def main():
    method, path = sys.argv[1:3]
    a = np.load(path)
    second = np.load(path.replace(".npy", "_b.npy")) if "lstsq" in path else int(sys.argv[3])
    run = METHODS[method]
    result = run(a, second)
    print("ready", flush=True)
    for line in sys.stdin:
        if line.startswith("save "):
            names = ["u", "s", "vt"] if isinstance(result, tuple) else ["x"]
            for name, values in zip(names, result if isinstance(result, tuple) else (result,)):
                np.save(os.path.join(line[5:].strip(), name + ".npy"), values)
            print("saved", flush=True)
            continue
        start = time.perf_counter()
        result = run(a, second)
        print(time.perf_counter() - start, flush=True)


if __name__ == "__main__":
    main()
