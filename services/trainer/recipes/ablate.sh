#!/bin/sh
# The claims (docs/claims.md): ten arms, three seeds. Finished rows are skipped, a half-trained arm goes on from its checkpoint: stop it anywhere.
# Needs the feature cache of recipes/nano.sh. One thread; one to four CPU-minutes an arm.
# Usage: recipes/ablate.sh [--arms tpo,text-only] [--seeds 1] [--steps N --base-steps N]
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
python=${PYTHON:-python3}
cd "$here"
"$python" -m trainer.cli ablate run "$@"
"$python" -m trainer.cli ablate claims --out ../../docs/claims.md
