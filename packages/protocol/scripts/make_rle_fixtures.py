"""Writes schemas/golden/rle.json with pycocotools: the RLE that packages/protocol/src/mask.ts must equal byte for byte.

    python packages/protocol/scripts/make_rle_fixtures.py
"""

import json
from pathlib import Path

import numpy as np
from pycocotools import mask as coco

random = np.random.default_rng(7)


def ellipse(height: int, width: int) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return ((x - width / 2) / (width / 3)) ** 2 + ((y - height / 2) / (height / 4)) ** 2 < 1


masks = {
    "empty": np.zeros((5, 7)),
    "full": np.ones((5, 7)),
    "one pixel": np.eye(1),
    "first pixel set": np.array([[1, 0, 0], [0, 0, 0]]),
    "last pixel set": np.array([[0, 0, 0], [0, 0, 1]]),
    "one row": np.array([[0, 1, 1, 0, 1]]),
    "one column": np.array([[0], [1], [1], [0]]),
    "checkerboard": np.indices((6, 9)).sum(axis=0) % 2,
    "noise": random.random((13, 17)) < 0.5,
    "sparse noise": random.random((40, 64)) < 0.02,
    "ellipse": ellipse(60, 80),
    "two blobs": np.roll(ellipse(60, 80), 25, axis=1) | (random.random((60, 80)) < 0.002),
    "large runs": np.pad(np.ones((200, 150)), ((300, 220), (400, 90))),
    "long stripes": np.tile((np.arange(1000) // 333 % 2)[:, None], (1, 70)),
}

cases = []
for name, mask in masks.items():
    mask = np.asfortranarray(mask.astype(np.uint8))  # (H, W), column-major as pycocotools wants it
    rle = coco.encode(mask)
    rows = ["".join(map(str, row)) for row in mask.tolist()] if mask.size <= 5000 else None
    # large masks are told by rectangles of ones, [y0, x0, y1, x1], instead of by their pixels
    cases.append(
        {
            "name": name,
            "rle": {"size": list(map(int, rle["size"])), "counts": rle["counts"].decode()},
            "area": int(coco.area(rle)),
            "bbox": [float(v) for v in coco.toBbox(rle)],
            **({"rows": rows} if rows else {"rectangles": [[300, 400, 500, 550]] if name == "large runs" else [[333, 0, 666, 70], [999, 0, 1000, 70]]}),
        }
    )

target = Path(__file__).parents[3] / "schemas" / "golden" / "rle.json"
target.parent.mkdir(parents=True, exist_ok=True)
target.write_text(json.dumps(cases, indent=1) + "\n")
print(f"{len(cases)} cases → {target}")
