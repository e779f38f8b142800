#!/usr/bin/env bash
# Create the virtual environment: pinned, hash-checked dependencies, then genomark itself.
# usage: scripts/setup.sh [VENV]
set -euo pipefail
cd "$(dirname "$0")/.."
venv=${1:-.venv}
python=${PYTHON:-python3}

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "genomark needs Python 3.11 or newer; '$python' is not. Set PYTHON=/path/to/python3.11" >&2
    exit 1
fi
if [ ! -x "$venv/bin/python" ]; then
    "$python" -m venv "$venv" || {
        echo "Could not create $venv. On Debian and Ubuntu: apt-get install python3-venv" >&2
        exit 1
    }
fi
export PIP_DISABLE_PIP_VERSION_CHECK=1
export UV_LINK_MODE=${UV_LINK_MODE:-copy}
# uv does not read pip's settings: pass on the folder of local wheels, where there is one.
if [ -n "${PIP_FIND_LINKS:-}" ] && [ -z "${UV_FIND_LINKS:-}" ]; then
    export UV_FIND_LINKS=$PIP_FIND_LINKS
fi

echo "Setting up $venv (once; about two minutes)"
"$venv/bin/python" -m pip install --quiet uv 2> >(grep -v '^WARNING: Location' >&2)
uv() { VIRTUAL_ENV="$PWD/$venv" "$venv/bin/python" -m uv --quiet "$@"; }
# Not in the lock, since its CPU and CUDA builds differ in nothing but their hashes. A local wheel is
# a CPU build; elsewhere uv is told to take one.
if [ -z "${UV_FIND_LINKS:-}" ]; then
    export UV_TORCH_BACKEND=${UV_TORCH_BACKEND:-cpu}
fi
uv pip install "torch==2.13.0"
uv pip install --no-deps --require-hashes -r requirements.lock
uv pip install --no-deps --require-hashes -r requirements-track-models.lock
uv pip install --no-deps --editable .
# Compile the kernels now, so that the first run does not wait for it.
"$venv/bin/python" -m genomark.scoring.warm
"$venv/bin/python" -m genomark.probes.warm
"$venv/bin/python" -m genomark.rna.warm
"$venv/bin/python" -m genomark.datasets.warm
"$venv/bin/python" -m genomark.models.warm
echo "Ready. Try: $venv/bin/genomark run"
