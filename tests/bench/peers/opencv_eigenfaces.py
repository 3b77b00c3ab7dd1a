"""OpenCV's EigenFaceRecognizer on the splits of `hadal eigenfaces identify --splits N --out FOLDER`.

    opencv_eigenfaces.py FACES FOLDER/splits.csv [components ...]

Prints the share of test pictures recognised (mean and standard deviation over splits), and medians
of wall time to train and to identify one picture. 0 components: all. Wants python3-opencv.
"""
import csv
import statistics
import sys
import time
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np


def main(faces, splits, *components):
    pictures = {}
    parts = defaultdict(lambda: defaultdict(list))
    for row in csv.DictReader(open(splits)):
        parts[row["seed"]][row["part"]].append(row["picture"])
        name = row["picture"]
        if name not in pictures:
            pictures[name] = cv2.imread(str(Path(faces) / name), cv2.IMREAD_GRAYSCALE)
    people = {person: i for i, person in enumerate(sorted({Path(n).parent.name for n in pictures}))}
    label = {name: people[Path(name).parent.name] for name in pictures}
    for k in [int(c) for c in components] or [50, 0]:
        shares, train_s, identify_s = [], [], []
        for part in parts.values():
            recognizer = cv2.face.EigenFaceRecognizer_create(num_components=k)
            labels = np.array([label[n] for n in part["train"]])
            start = time.perf_counter()
            recognizer.train([pictures[n] for n in part["train"]], labels)
            train_s.append(time.perf_counter() - start)
            right = 0
            for name in part["test"]:
                start = time.perf_counter()
                answer, _ = recognizer.predict(pictures[name])
                identify_s.append(time.perf_counter() - start)
                right += answer == label[name]
            shares.append(right / len(part["test"]))
        print(f"OpenCV {cv2.__version__}, {k or 'all'} components: "
              f"{statistics.mean(shares):.4f} ± {statistics.stdev(shares):.4f} (n = {len(shares)}), "
              f"train {1e3 * statistics.median(train_s):.1f} ms, "
              f"identify {1e6 * statistics.median(identify_s):.0f} us")


if __name__ == "__main__":
    main(*sys.argv[1:])
