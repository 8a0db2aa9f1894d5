#!/usr/bin/env bash
# The official .NET client against the running product: `run.sh <path to the hubplane binary> [--only TEXT]`.
# Uses the SDK beside the repository where there is one (../shared/dotnet), else the one on the PATH.
set -euo pipefail
binary=$(realpath "$1")
cd "$(dirname "${BASH_SOURCE[0]}")"
offline=../../../../shared/dotnet/env.sh
if [ -x "$offline" ]; then
    environment=$("$offline")
    eval "$environment"
fi
out=${CARGO_TARGET_DIR:-../../../target}/interop-dotnet
dotnet build Interop.csproj --configuration Release --output "$out" --verbosity quiet --nologo
exec dotnet "$out/Interop.dll" "$binary" "${@:2}"
