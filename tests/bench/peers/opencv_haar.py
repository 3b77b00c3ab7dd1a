"""OpenCV's Haar cascade for frontal faces on pictures with given boxes.

    opencv_haar.py CASCADE.xml FOLDER FOLDER/face_boxes.csv

CASCADE.xml: haarcascade_frontalface_default.xml or another of OpenCV's own (Debian: opencv-data). Counts as
`hadal eigenfaces locate --boxes` does, for the defaults of detectMultiScale and for fewer and more
neighbours: recall and false alarms a picture by overlap of at least 0.5 and by centre. Wants
python3-opencv.
"""
import csv
import sys
import time
from collections import defaultdict
from pathlib import Path

import cv2


def overlap(a, b):
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    both = max(width, 0) * max(height, 0)
    return both / (a[2] * a[3] + b[2] * b[3] - both)


def same_centre(face, found):
    x, y = found[0] + found[2] / 2, found[1] + found[3] / 2
    return (
        face[0] <= x <= face[0] + face[2]
        and face[1] <= y <= face[1] + face[3]
        and found[2] <= 2 * face[2]
        and face[2] <= 2 * found[2]
    )


def hits(faces, detections, is_found):
    left, count = list(faces), 0
    for detection in detections:
        matching = [face for face in left if is_found(face, detection)]
        if matching:
            left.remove(max(matching, key=lambda face: overlap(face, detection)))
            count += 1
    return count


def main(cascade, folder, boxes):
    classifier = cv2.CascadeClassifier(cascade)
    if classifier.empty():
        sys.exit(f"{cascade}: no cascade")
    faces = defaultdict(list)
    for row in csv.DictReader(open(boxes)):
        faces[row["file"]].append([float(row[key]) for key in ("left", "top", "width", "height")])
    pictures = {name: cv2.imread(str(Path(folder) / name), cv2.IMREAD_GRAYSCALE) for name in faces}
    total = sum(len(of) for of in faces.values())
    print("neighbours  criterion  found  recall  false alarms a picture  ms a picture")
    for neighbours in (1, 3, 6):
        start = time.perf_counter()
        detections = {
            name: classifier.detectMultiScale(picture, minNeighbors=neighbours)
            for name, picture in pictures.items()
        }
        ms = 1000 * (time.perf_counter() - start) / len(pictures)
        made = sum(len(of) for of in detections.values())
        for criterion, is_found in (
            ("overlap", lambda face, found: overlap(face, found) >= 0.5),
            ("centre", same_centre),
        ):
            found = sum(hits(faces[name], detections[name], is_found) for name in faces)
            print(
                f"{neighbours:10}  {criterion:9}  {found:2}/{total}  {found / total:6.3f}"
                f"  {(made - found) / len(pictures):22.2f}  {ms:12.0f}"
            )


if __name__ == "__main__":
    main(*sys.argv[1:])
