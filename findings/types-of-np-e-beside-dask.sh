#!/usr/bin/env bash
# mypy 2.4.1 with numpy 2.4.6, and dask 2026.8.0 installed: np.e in a file that imports dask.array.
#
# Expected: a float, as in every other file; the program runs.
# Seen: "Trying to read deleted variable "e"", in this file and in those that import it. dask/array/__init__.py imports e from numpy and, further down, has "except ImportError as e:", after
# which the name is deleted; mypy marks the variable that was imported, numpy's own.
# Without the errors: follow_imports = "skip" for dask.* (and distributed.*, which imports it).
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q mypy==2.4.1 numpy==2.4.6 "dask[array]==2026.8.0"
cd "$folder"
printf 'import numpy as np\n\nx: float = 3 + np.e\n' > constants.py
{ echo 'import dask.array'; cat constants.py; } > cluster.py
venv/bin/python cluster.py
# Without the import of Dask there is no error.
venv/bin/mypy --cache-dir=alone constants.py
if seen=$(venv/bin/mypy --cache-dir=beside cluster.py); then
  echo "changed: no error"; exit 1
fi
echo "$seen"
grep -q 'cluster.py:4: error: Trying to read deleted variable "e"' <<< "$seen"
printf '[mypy]\n[mypy-dask.*]\nfollow_imports = skip\n' > mypy.ini
venv/bin/mypy --cache-dir=skipped cluster.py
