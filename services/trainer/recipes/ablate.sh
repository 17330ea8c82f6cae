#!/bin/sh
# The claims (docs/claims.md): ten arms, three seeds. Finished rows are skipped, a half-trained arm goes on from its checkpoint: stop it anywhere.
# Needs the feature cache of recipes/nano.sh. One thread, about 5 CPU-minutes an arm on an idle core; --steps and --base-steps make it shorter.
set -eu
cd "$(dirname "$0")/../../.."
fovea-train ablate run "$@"
fovea-train ablate claims --out docs/claims.md
