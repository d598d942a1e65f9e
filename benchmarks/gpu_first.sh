#!/bin/sh
# The first look at a GPU, on a machine without network, in nine minutes at most:
#
#     sh benchmarks/gpu_first.sh [--wheels DIR] [--cpu]
#
# Proves that training starts, that the compile cache is lent, that the walls hold, and measures speed; prints the table for
# docs/gpt.md. With --wheels the package and what it needs come from a folder that `pip download -d DIR '.[gpt]'` filled; torch
# may be the machine's own. Without, PYTHON (default: python3) has them. --cpu tries the script itself where there is no GPU.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
python=${PYTHON:-python3}
if [ "${1:-}" = --wheels ]; then
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    "$python" -m venv --system-site-packages "$folder/venv"
    python=$folder/venv/bin/python
    "$python" -m pip install --quiet --no-index --find-links "$2" "$here[gpt]"
    shift 2
fi
timeout "${LIMIT_S:-530}" "$python" "$here/benchmarks/gpu_first.py" "$@"
