#!/bin/sh
# Rebuilds the embedded bundle: features once, four stages, export, exam. CPU: about two hours on one core; every step resumes where it stopped.
# Usage: recipes/nano.sh [OUT]      STEPS, BATCH, THREADS and DEVICE may be set
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
python=${PYTHON:-python3}
out=${1:-$here/../../packages/model-nano}
cd "$here"
"$python" -m trainer.backbones.nanodet_weights
"$python" -m trainer.cli data cache --clips "${CLIPS:-5400}" --photographs 600 --threads "${THREADS:-1}"
"$python" -m trainer.cli train all --config nano --steps "${STEPS:-3000}" --batch "${BATCH:-8}" --device "${DEVICE:-auto}" --threads "${THREADS:-1}"
"$python" -m trainer.cli export "$out" --config nano --threads "${THREADS:-1}"
cache=${FOVEA_CACHE:-$HOME/.cache/fovea}
for style in seen held-out; do
  [ -e "$cache/exam/test-$style/clips.jsonl" ] || "$python" -m trainer.cli data build "$cache/exam/test-$style" --style "$style" --count 320
  "$python" -m trainer.cli eval "$cache/exam/test-$style" --bundle "$out" --out "$cache/exam/result-$style" --threads "${THREADS:-1}"
done
