#!/usr/bin/env bash
# The official Java client against the running product:
#   run.sh <path to the hubplane binary> [--only TEXT] [--rows FILE]
# Maven brings what it needs; MessagePack is a package of its own, which not every repository has.
set -euo pipefail
binary=$(realpath "$1")
shift
rows=()
while [ $# -gt 0 ]; do
    case $1 in
        --rows) rows+=("$1" "$(realpath -m "$2")") ;;
        *) rows+=("$1" "$2") ;;
    esac
    shift 2
done
cd "$(dirname "${BASH_SOURCE[0]}")"
target=${CARGO_TARGET_DIR:-../../../target}
mkdir -p "$target/interop-java"
out=$(realpath "$target/interop-java")

build() {
    mvn --quiet --batch-mode --define style.color=never "$@" "-Dout=$out" compile dependency:build-classpath "-Dmdep.outputFile=$out/classpath"
}
if ! build --activate-profiles messagepack >"$out/messagepack.log" 2>&1; then
    echo "without MessagePack: $(grep --max-count=1 --only-matching 'Could not find.*\|was not found.*' "$out/messagepack.log" || echo "see $out/messagepack.log")"
    build
fi
exec java -cp "$out/classes:$(cat "$out/classpath")" interop.Main "$binary" ${rows[@]+"${rows[@]}"}
