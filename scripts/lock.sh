#!/usr/bin/env bash
# Resolve requirements.lock anew: every platform, hashes, no download addresses.
# torch is left out: its CPU and CUDA builds have the same version and different hashes.
# usage: scripts/lock.sh [VENV]
set -euo pipefail
cd "$(dirname "$0")/.."
venv=${1:-.venv}
if [ -n "${PIP_FIND_LINKS:-}" ] && [ -z "${UV_FIND_LINKS:-}" ]; then
    export UV_FIND_LINKS=$PIP_FIND_LINKS
fi
"$venv/bin/python" -m uv --quiet pip compile pyproject.toml --extra dev --universal \
    --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
    --no-header --no-annotate \
    --excludes scripts/left-out-of-lock.txt --output-file requirements.lock
"$venv/bin/python" -m uv --quiet pip compile scripts/without-their-dependencies.txt --no-deps \
    --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
    --no-header --no-annotate --output-file requirements-track-models.lock
