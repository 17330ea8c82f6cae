#!/bin/sh
# From nothing to an exported bundle in minutes on two cores: every line of the trainer runs once, accuracy is no aim.
# Usage: recipes/tiny.sh [OUT]      (OUT: where the bundle goes, ./tiny-bundle where it is not given; PYTHON=python3 by default; a venv with `pip install -e services/trainer`)
set -eu
case ${1:-tiny-bundle} in /*) out=$1 ;; *) out=$PWD/${1:-tiny-bundle} ;; esac
here=$(cd "$(dirname "$0")/.." && pwd)
python=${PYTHON:-python3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$here"
"$python" -m trainer.backbones.nanodet_weights
"$python" -m trainer.cli data cache --clips 40 --photographs 6 --out "$work/features" --threads 2
"$python" -m trainer.cli data cache --clips 20 --first 40 --photographs 0 --out "$work/more" --threads 2
"$python" -m trainer.cli train all --config tiny --steps 24 --batch 4 --run "$work/run" --features "$work/features" --threads 2
"$python" -m trainer.cli train together --config tiny --steps 2 --batch 4 --seed 2 --times 0.6 --start "$work/run/after-together.safetensors" --run "$work/leg" --features "$work/more" --threads 2
"$python" -m trainer.cli average "$work/run/after-together.safetensors" "$work/leg/after-together.safetensors" --out "$work/mean.safetensors"
"$python" -m trainer.cli export "$out" --config tiny --checkpoint "$work/mean.safetensors" --version 0.0.0-tiny --threads 2
"$python" -m trainer.cli data build "$work/exam" --split dev --count 2
"$python" -m trainer.cli eval "$work/exam" --bundle "$out" --threads 2
echo "bundle: $out      (npm start -- --bundle $out)"
