#!/bin/sh
# The whole of `small`: features once, the stages, export, exam. Meant for one GPU, where it has not been run: how long it takes there is not known.
# Every step resumes where it stopped. On a CPU: lower STEPS (docs/models.md says what was run, and how long it took).
# Usage: recipes/small.sh [OUT]      ALIGN, STEPS, BATCH, CLIPS (of the cache), EXAM (clips of the exam), PRECISION, DEVICE and THREADS may be set
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
python=${PYTHON:-python3}
cache=${FOVEA_CACHE:-$HOME/.cache/fovea}
run=$cache/runs/small
features=$cache/features-imagenet
out=${1:-$run/bundle}
mkdir -p "$out"
out=$(cd "$out" && pwd)
cd "$here"
common="--config small --run $run --features $features --batch ${BATCH:-16} --device ${DEVICE:-auto} --threads ${THREADS:-1}"
"$python" -m trainer.cli import smollm2
"$python" -m trainer.backbones.nanodet_weights
"$python" -m trainer.cli data cache --clips "${CLIPS:-20000}" --photographs 0 --out "$features" --threads "${THREADS:-1}"
[ -e "$run/trained.safetensors" ] || "$python" -m trainer.cli train align --steps "${ALIGN:-4000}" $common
[ -e "$run/whole" ] || "$python" -m trainer.cli train assign,find,heads,together --steps "${STEPS:-12000}" $common
touch "$run/whole"
[ -e "$out/manifest.json" ] || "$python" -m trainer.cli export "$out" --config small --checkpoint "$run/trained.safetensors" --precision "${PRECISION:-int8}" --threads "${THREADS:-1}"
for style in seen held-out; do
  [ -e "$cache/exam/test-$style/clips.jsonl" ] || "$python" -m trainer.cli data build "$cache/exam/test-$style" --style "$style" --count 320
  (cd ../.. && npx fovea model eval "$out" "$cache/exam/test-$style" --limit "${EXAM:-320}")
done
