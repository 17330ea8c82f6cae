"""The wire as Python reads it: the same golden files that packages/protocol is tested with."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest

jsonschema = pytest.importorskip("jsonschema")

SCHEMAS = Path(__file__).parents[3] / "schemas"
MESSAGES = json.loads((SCHEMAS / "golden" / "messages.json").read_text())
BINARY = json.loads((SCHEMAS / "golden" / "binary.json").read_text())
RLE = json.loads((SCHEMAS / "golden" / "rle.json").read_text())

CODECS = ["jpeg", "webp", "png", "rgb8"]
OUTCOMES = ["seen", "dropped"]


def validator(family: str):
    return jsonschema.Draft202012Validator(json.loads((SCHEMAS / f"{family}.json").read_text()))


@pytest.mark.parametrize("file", sorted(path.name for path in SCHEMAS.glob("*.json") if path.name != "openapi.json"))
def test_schemas_are_valid_json_schema(file):
    jsonschema.Draft202012Validator.check_schema(json.loads((SCHEMAS / file).read_text()))


@pytest.mark.parametrize("family", sorted(MESSAGES))
def test_golden_messages_pass_and_unknown_fields_do_not(family):
    check = validator(family)
    for example in MESSAGES[family]:
        check.validate(example)
        assert not check.is_valid({**example, "more": 1}), f"[WI2] {example.get('type')} took an unknown field"


def test_a_box_of_three_numbers_is_refused():
    evidence = next(item for item in MESSAGES["evidence"] if item.get("regions"))
    evidence = json.loads(json.dumps(evidence))
    evidence["regions"][0]["box"].pop()
    assert not validator("evidence").is_valid(evidence)


@pytest.mark.parametrize("case", BINARY, ids=lambda case: case["name"])
def test_binary_headers(case):
    data = bytes.fromhex(case["hex"])
    header, payload = case["header"], case["payload"].encode()
    if case["kind"] == "frame":  # [WI3]
        written = struct.pack(
            "<BBBBIHHHHddII", 0xF0, 1, 1, CODECS.index(header["codec"]) + 1, header["frame"], header["stream"], int(header["keep"]),
            header["width"], header["height"], header["mediaTime"], header["receivedAt"], header["verdictsRead"], 0,
        )
    elif case["kind"] == "verdict":  # [WI4]
        written = struct.pack("<BBBBIHHI", 0xF0, 1, 2, OUTCOMES.index(header["outcome"]) + 1, header["frame"], header["stream"], 0, header["epoch"])
    else:
        request = header["request"].encode()
        written = struct.pack("<BBBBIHHI", 0xF0, 1, 4, 0, header["frame"], header["stream"], len(request), 0) + request
    assert data == written + payload


@pytest.mark.parametrize("case", RLE, ids=lambda case: case["name"])
def test_rle_is_what_pycocotools_writes(case):
    coco = pytest.importorskip("pycocotools.mask")
    rle = {"size": case["rle"]["size"], "counts": case["rle"]["counts"].encode()}
    mask = coco.decode(rle)  # (H, W)
    assert int(mask.sum()) == case["area"]
    if "rows" in case:
        assert ["".join(map(str, row)) for row in mask.tolist()] == case["rows"]
    assert coco.encode(np.asfortranarray(mask))["counts"] == rle["counts"]
