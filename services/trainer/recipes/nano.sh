#!/bin/sh
# Rebuilds the embedded bundle: the eyes, their features once, the stages behind them, export, exam. CPU: about seven hours on one core (steps times what a step took; not run in one piece yet); every step resumes where it stopped.
# The words around the figures (recipes/nano-card.md) tell of the run that ships: of a run of your own, write them anew.
# Usage: recipes/nano.sh [OUT]      LOOK, STEPS, THREADS, DEVICE and CLIPS (of the exam, each style) may be set
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
python=${PYTHON:-python3}
out=${1:-$here/../../packages/model-nano}
cache=${FOVEA_CACHE:-$HOME/.cache/fovea}
look=$cache/runs/nano-look
run=$cache/runs/nano
exam=$cache/exam
cd "$here"
common="--device ${DEVICE:-auto} --threads ${THREADS:-1}"
"$python" -m trainer.backbones.nanodet_weights
steps=${LOOK:-7000}
"$python" -m trainer.cli train look --steps "$steps" --batch 8 --run "$look" $common
# Two shorter legs from there, and the mean of all three: it names more than each of them.
"$python" -m trainer.cli train look --steps $((steps * 2 / 5)) --batch 8 --seed 2 --start "$look/after-look.safetensors" --run "$look-2" $common
"$python" -m trainer.cli train look --steps $((steps * 2 / 5)) --batch 8 --seed 3 --start "$look-2/after-look.safetensors" --run "$look-3" $common
eyes=$look/mean.safetensors
"$python" -m trainer.cli average "$look/after-look.safetensors" "$look-2/after-look.safetensors" "$look-3/after-look.safetensors" --shares 1,2,2 --out "$eyes"
"$python" -m trainer.cli texture "$eyes" --out "$eyes"
"$python" -m trainer.cli data cache --clips 5400 --eyes "$eyes" --threads "${THREADS:-1}"
stages=${STEPS:-4000}
"$python" -m trainer.cli train base,assign,heads,together --steps "$stages" --batch 12 --start "$eyes" --run "$run" $common
# Two short legs from there, each on clips of its own (some 6 GB a cache), and their mean.
for leg in 2 3; do
  "$python" -m trainer.cli data cache --clips 5400 --first $((5400 * (leg - 1))) --eyes "$eyes" --out "$cache/features-own-$leg" --threads "${THREADS:-1}"
  "$python" -m trainer.cli train together --steps $((stages * 9 / 20)) --batch 12 --seed "$leg" --times 0.6 --start "$run/after-together.safetensors" --features "$cache/features-own-$leg" --run "$run-$leg" $common
done
"$python" -m trainer.cli average "$run-2/after-together.safetensors" "$run-3/after-together.safetensors" --out "$run/mean.safetensors"
"$python" -m trainer.cli export "$out" --checkpoint "$run/mean.safetensors" --region 0.5 --absent 0.5 --threads "${THREADS:-1}"
for style in seen held-out; do
  [ -e "$exam/test-$style/clips.jsonl" ] || "$python" -m trainer.cli data build "$exam/test-$style" --style "$style" --count "${CLIPS:-320}"
  [ -e "$exam/later-$style/clips.jsonl" ] || "$python" -m trainer.cli data build "$exam/later-$style" --style "$style" --count 40 --after 8
  [ -e "$exam/shapes-$style/clips.jsonl" ] || "$python" -m trainer.cli data build "$exam/shapes-$style" --style "$style" --count $((${CLIPS:-320} * 3 / 8)) --shapes
  for folder in "test-$style" "later-$style" "shapes-$style"; do
    "$python" -m trainer.cli eval "$exam/$folder" --bundle "$out" --out "$exam/result-$folder" --threads "${THREADS:-1}"
  done
done
"$python" -m trainer.cli eval assets/photos/exam --bundle "$out" --out "$exam/result-photos" --threads "${THREADS:-1}"
"$python" -m trainer.cli card "$out" --template recipes/nano-card.md --seen "$exam/result-test-seen" --seen "$exam/result-later-seen" --seen "$exam/result-shapes-seen" --seen "$exam/result-photos" \
  --held-out "$exam/result-test-held-out" --held-out "$exam/result-later-held-out" --held-out "$exam/result-shapes-held-out"
