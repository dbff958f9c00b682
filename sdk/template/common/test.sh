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

# The tensors of a safetensors file, without its head, which names the plan.
weights() {
  set -- "$work/$1"/*/unlearned.safetensors
  tail -c +$(($(od -An -tu8 -N8 "$1") + 9)) "$1" | cksum
}

"$lethe" plugin show org.example.my-method --plugin-path "@BUILT@" >/dev/null
"$lethe" plugin check org.example.my-method --plugin-path "@BUILT@" || fail "the contract is not kept"
run first
run second
run without @WITHOUT@
[ "$(weights first)" = "$(weights second)" ] || fail "the same run gave other weights"
[ "$(weights first)" != "$(weights without)" ] || fail "the run without it (@WITHOUT@) gave the same weights: it does nothing"
echo "my-method: ok"
