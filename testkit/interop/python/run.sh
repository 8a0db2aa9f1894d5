#!/usr/bin/env bash
# The Python clients against the running product: run.sh <path to the hubplane binary> [--only TEXT] [--rows FILE]
# They are installed into an environment of their own, at the versions and hashes of requirements.txt.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
target=${CARGO_TARGET_DIR:-$here/../../../target}
environment=$target/interop-python
wanted=$(sha256sum "$here/requirements.txt" | cut -c1-16)
if [ "$(cat "$environment/installed" 2>/dev/null)" != "$wanted" ]; then
    rm -rf "$environment"
    python3 -m venv "$environment"
    "$environment/bin/pip" install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement "$here/requirements.txt"
    echo "$wanted" >"$environment/installed"
fi
exec "$environment/bin/python" "$here/main.py" "$@"
