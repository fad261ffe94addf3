"""Annotations in the format of the MOTChallenge."""

from pathlib import Path

import numpy as np

from .readers import numbered_lines, short


def read_boxes(path: str | Path) -> dict[int, np.ndarray]:
    """Rows of a ``gt.txt`` by frame.

    Args:
        path: Lines ``frame,id,left,top,width,height[,conf,class,visibility]``.

    Returns:
        Frame number -> (N, 8) float64: x1, y1, x2, y2, track, conf, class, visibility; missing columns are 1.

    Raises:
        ValueError: A line has another form; says which.
    """
    rows = []
    for number, line in numbered_lines(path):
        try:
            row = [float(part) for part in line.split(',') if part.strip()]
        except ValueError:
            row = []
        if not 6 <= len(row) <= 10 or not np.isfinite(row).all() or row[0] != int(row[0]) or abs(row[0]) > 1e9:
            raise ValueError(f'{path}, line {number}: expected frame,id,left,top,width,height,..., found {short(line)}')
        rows.append((row + [1.0] * 3)[:9])
    table = np.array(rows, dtype=np.float64).reshape(-1, 9)
    table = table[np.argsort(table[:, 0], kind='stable')]
    boxes = np.concatenate([table[:, 2:4], table[:, 2:4] + table[:, 4:6], table[:, 1:2], table[:, 6:]], axis=1)
    frames, starts = np.unique(table[:, 0].astype(np.int64), return_index=True)
    return dict(zip(frames.tolist(), np.split(boxes, starts[1:]), strict=False))
