#!/bin/sh
# The plugin keeps its contract, its numbers stand in the report, and they are the same again. LETHE names another command,
# KEEP a folder for the runs.
set -eu
cd "$(dirname "$0")"
lethe=${LETHE:-lethe}
work=${KEEP:-$(mktemp -d)}
mkdir -p "$work"
[ -n "${KEEP-}" ] || trap 'rm -rf "$work"' EXIT

fail() {
  echo "my-method: $1" >&2
  exit 1
}

run() {
  place=$1
  shift
  "$lethe" run recipe.yaml --quiet --no-tensorboard --output "$work/$place" "$@" >"$work/$place.txt" 2>&1 ||
    { cat "$work/$place.txt" >&2; fail "a run failed"; }
}

# The lines of the plugin's numbers: model, number, set and value.
numbers() { grep 'org.example.my-method' "$work/$1"/*/metrics.csv | cut -d, -f4-8; }

"$lethe" plugin show org.example.my-method --plugin-path "@BUILT@" >/dev/null
# The rules are about shared libraries: a plugin in Python is held to them by the kit.
if [ ! -e my_method.py ]; then
  "$lethe" plugin check org.example.my-method --plugin-path "@BUILT@" || fail "the contract is not kept"
fi
run first
run second
run without @WITHOUT@
[ "$(numbers first | wc -l)" -ge 3 ] || fail "the report has no number of it for every model"
[ "$(numbers first)" = "$(numbers second)" ] || fail "the same run gave other numbers"
[ -z "$(numbers without || true)" ] || fail "the run without it (@WITHOUT@) has its numbers"
echo "my-method: ok"
