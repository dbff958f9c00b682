#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Does what docs/plugin-guide.md tells its reader to do, with an installation and nothing else of Lethe, and compares what the
# same method does in three languages.
#
# usage: test.sh PREFIX [LANGUAGE …]      default: c swift python
#
# A language whose tool is absent is reported as skipped. LETHE_PYTHON names the Python for plugins in it, LIBTORCH the
# folder of LibTorch.
# exit status: 0 all is well or skipped, 1 something is not, 64 wrong usage
set -euo pipefail

prefix=${1-}
if [ ! -x "$prefix/bin/lethe" ]; then
  echo "error: '$prefix/bin/lethe' is not there; write: examples/guide/test.sh PREFIX" >&2
  exit 64
fi
prefix=$(cd "$prefix" && pwd)
shift
[ $# -gt 0 ] || set -- c swift python
same=$(cd "$(dirname "$0")" && pwd)/../out-of-tree/same.py
export PATH="$prefix/bin:$PATH" OMP_NUM_THREADS=1
unset LETHE_SDK LETHE_PLUGIN_PATH
# What somebody has who installed Lethe.
guide=$(cd "$(lethe sdk path)/../examples/guide" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/results"

# The manifest that `lethe plugin new` wrote, with the doc, the needs and the strategies of the guide's.
describe() {
  python3 - "$1" "$guide/manifest.json" <<'END'
import json, sys
made, wanted = (json.load(open(path)) for path in sys.argv[1:])
made.update({key: wanted[key] for key in ("doc", "requires", "strategies")})
json.dump(made, open(sys.argv[1], "w"), indent=2)
END
}

absent() {
  case "$1" in
    c) command -v cc >/dev/null 2>&1 || echo 'there is no cc' ;;
    swift) swift --version >/dev/null 2>&1 || echo 'there is no swift' ;;
    python) "${LETHE_PYTHON:-python3}" -c 'import numpy' >/dev/null 2>&1 || echo 'there is no NumPy' ;;
    *) echo 'the guide does not speak of it' ;;
  esac
}

count=0
for language in "$@"; do
  reason=$(absent "$language")
  if [ -n "$reason" ]; then
    printf '  %-8s skipped: %s\n' "$language" "$reason"
    continue
  fi
  start=$SECONDS
  mkdir "$work/$language"
  # In the background, since a shell takes no notice of `set -e` where the end of a list is asked for.
  (
    cd "$work/$language"
    . "$guide/$language.sh"
    cp runs/*/unlearned.safetensors "$work/results/objective-$language.safetensors"
  ) >"$work/$language.log" 2>&1 &
  if ! wait $!; then
    cat "$work/$language.log" >&2
    echo "error: the guide does not lead to a report in $language" >&2
    exit 1
  fi
  count=$((count + 1))
  printf '  %-8s from nothing to a report in %d s\n' "$language" $((SECONDS - start))
done
if [ "$count" -gt 1 ] && "${LETHE_PYTHON:-python3}" -c 'import numpy' >/dev/null 2>&1; then
  "${LETHE_PYTHON:-python3}" "$same" "$work/results"
fi
