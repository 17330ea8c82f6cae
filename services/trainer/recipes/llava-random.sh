#!/bin/sh
# The whole of a LLaVA-OneVision 0.5B with random weights: written, checked, exported, so that the service can be tried and measured in its real sizes.
# Usage: recipes/llava-random.sh OUT [PRECISION]      (PYTHON=python3 by default; needs services/trainer[llava]; about 9 GB of memory, 4 GB of disk)
set -eu
out=$(mkdir -p "$1" && cd "$1" && pwd)
precision=${2:-int4}
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$python" -m trainer.backbones.llava_onevision.random_folder "$work"
"$python" -m trainer.cli import llava-onevision "$work"
"$python" -m trainer.cli export "$out" --config llava-onevision --start "$work" --precision "$precision"
