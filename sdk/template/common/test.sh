#!/bin/sh
# The plugin keeps its contract, does something, and does it again bit for bit. LETHE names another command, KEEP a folder
# for the runs.
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

"$lethe" plugin show org.example.my-method --plugin-path "@BUILT@" >/dev/null
case $("$lethe" plugin --help) in
  *'  check '*) "$lethe" plugin check org.example.my-method --plugin-path "@BUILT@" || fail "the contract is not kept" ;;
  *) echo "my-method: this lethe has no 'plugin check'; the contract is not looked at" ;;
esac
run first
run second
run without @WITHOUT@
cmp -s "$work"/first/*/unlearned.safetensors "$work"/second/*/unlearned.safetensors ||
  fail "the same run gave other weights"
if cmp -s "$work"/first/*/unlearned.safetensors "$work"/without/*/unlearned.safetensors; then
  fail "the run without it (@WITHOUT@) gave the same weights: it does nothing"
fi
echo "my-method: ok"
