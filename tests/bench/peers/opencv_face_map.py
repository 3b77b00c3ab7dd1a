"""What the correlations of a face map cost by OpenCV: k windows against one picture, one scale.

    opencv_face_map.py [WIDTH HEIGHT [WINDOW_WIDTH WINDOW_HEIGHT [COMPONENTS [THREADS]]]]

matchTemplate(TM_CCORR), which takes Fourier transforms for windows of this size. Random values, as
in face_map_bench; medians of wall and processor time. Wants python3-opencv.
"""
import statistics
import sys
import time

import cv2
import numpy as np


def main(width=320, height=240, window_width=92, window_height=112, components=50, threads=1):
    cv2.setNumThreads(threads)
    random = np.random.default_rng(1)
    picture = random.random((height, width), dtype=np.float32)
    windows = random.random((components, window_height, window_width), dtype=np.float32)

    def face_map():
        total = np.zeros((height - window_height + 1, width - window_width + 1), np.float32)
        for window in windows:
            total += cv2.matchTemplate(picture, window, cv2.TM_CCORR) ** 2
        return total

    face_map()
    wall, processor = [], []
    for _ in range(15):
        starts = time.perf_counter(), time.process_time()
        face_map()
        wall.append(time.perf_counter() - starts[0])
        processor.append(time.process_time() - starts[1])
    print(
        f"{width}x{height}, window {window_width}x{window_height}, {components} correlations,"
        f" {threads} thread(s): wall {1000 * statistics.median(wall):.1f} ms,"
        f" processor {1000 * statistics.median(processor):.1f} ms"
    )


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
