#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Begins, builds, checks and runs a plugin of every role in every language, with an installation and nothing else of Lethe.
#
#   make install PREFIX=/tmp/lethe && examples/out-of-tree/test.sh /tmp/lethe
#
# usage: test.sh PREFIX [--all] [LANGUAGE …]      default: c cpp swift rust python
#   --all   every role in Swift as well, where a build takes longest; without it two of them
#
# Where Rust's tool is absent, or fails, Rust is reported as skipped; any other language must be there. LETHE_PYTHON names the Python for plugins in it,
# LIBTORCH the folder of LibTorch; else both are found as users' are.
# exit status: 0 all is well, 1 something is not, 64 wrong usage
set -euo pipefail

prefix=${1-}
if [ ! -x "$prefix/bin/lethe" ]; then
  echo "error: '$prefix/bin/lethe' is not there; write: examples/out-of-tree/test.sh PREFIX" >&2
  exit 64
fi
prefix=$(cd "$prefix" && pwd)
shift
all=no
languages=()
for word in "$@"; do
  case "$word" in
    --all) all=yes ;;
    c | cpp | swift | rust | python) languages+=("$word") ;;
    *)
      echo "error: unknown language '$word'; there are c cpp swift rust python" >&2
      exit 64
      ;;
  esac
done
[ ${#languages[@]} -gt 0 ] || languages=(c cpp swift rust python)

same=$(cd "$(dirname "$0")" && pwd)/same.py
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir results
# The tools of the machine, and of Lethe only what was installed.
export PATH="$prefix/bin:$PATH"
unset LETHE_SDK LETHE_PLUGIN_PATH
export OMP_NUM_THREADS=1
if [ "$(command -v lethe)" != "$prefix/bin/lethe" ]; then
  echo "error: '$(command -v lethe)' is found before '$prefix/bin/lethe'" >&2
  exit 1
fi
case "$(lethe sdk path)" in
  "$prefix"/*) ;;
  *)
    echo "error: the kit is '$(lethe sdk path)', outside of '$prefix'" >&2
    exit 1
    ;;
esac

failed=0
problem() {
  printf 'error: %s\n' "$1" >&2
  failed=1
}

# Why a language cannot be used here, or nothing.
absent() {
  case "$1" in
    c) command -v cc >/dev/null 2>&1 || echo 'there is no cc' ;;
    cpp) command -v c++ >/dev/null 2>&1 || echo 'there is no c++' ;;
    swift) swift --version >/dev/null 2>&1 || echo 'there is no swift' ;;
    # A cargo that is only a launcher without a toolchain counts as absent.
    rust) cargo --version >/dev/null 2>&1 || echo 'there is no cargo, or it does not run' ;;
    python)
      local python=${LETHE_PYTHON:-python3}
      "$python" -c 'import numpy' >/dev/null 2>&1 || "$python" -c 'import torch' >/dev/null 2>&1 ||
        echo "'$python' has neither NumPy nor torch"
      ;;
  esac
}

build() {
  case "$1" in
    c | cpp) make -s ;;
    swift) swift build -q -c release ;;
    rust) cargo build -q --release ;;
    python) ;;
  esac
}

# What a built plugin must be: one exported symbol, one manifest, no path of this machine.
inspect() {
  local library=$1 id=$2 symbols notes paths
  [ -e "$library" ] || { problem "the build of $id made no $library"; return; }
  symbols=$(nm -D --defined-only "$library" | awk '{print $NF}')
  [ "$symbols" = lethe_plugin_abi1 ] || problem "$id exports '${symbols//$'\n'/ }' instead of lethe_plugin_abi1 alone"
  notes=$(readelf -S -W "$library" | awk '/\.note\.lethe\.manifest/ && / NOTE /' | wc -l)
  [ "$notes" -eq 1 ] || problem "$id has $notes sections .note.lethe.manifest instead of one"
  paths=$(readelf -d -W "$library" | grep -E 'R(UN)?PATH.*\[.*/' | grep -vF '[$ORIGIN]' || true)
  [ -z "$paths" ] || problem "$id looks for libraries in a folder of this machine: $paths"
  readelf -d -W "$library" | grep -q 'NODELETE' || problem "$id may be unloaded"
}

camel() { sed -E 's/(^|-)(.)/\U\2/g' <<<"$1"; }

try() {
  local language=$1 role=$2 name=$1-$2 library
  lethe plugin new "$name" --lang "$language" --role "$role" >new.log 2>&1 || { cat new.log >&2; problem "$name cannot be begun"; return; }
  (cd "$name" && build "$language" >build.log 2>&1) || { cat "$name/build.log" >&2; problem "$name does not build"; return; }
  case "$language" in
    c | cpp) library=$name/lib$name.so ;;
    swift) library=$name/.build/release/lib$(camel "$name").so ;;
    rust) library=$name/target/release/lib${name//-/_}.so ;;
    python) library= ;;
  esac
  [ -z "$library" ] || inspect "$library" "$name"
  (cd "$name" && KEEP="$work/$name/runs" ./test.sh >test.log 2>&1) ||
    { cat "$name/test.log" >&2; problem "$name fails its test"; return; }
  if [ "$role" = metric ]; then
    mkdir -p "$work/numbers"
    # Model, set and value of each number, of which the last digits depend on the order of sums.
    awk -F, '$6 ~ /^confidence\(/ { printf "%s %s %.6f\n", $4, $7, $8 }' "$name"/runs/first/*/metrics.csv \
      >"$work/numbers/$language"
  else
    mv "$name"/runs/first/*/unlearned.safetensors "$work/results/$role-$language.safetensors"
  fi
  printf '  %-8s %-11s %3d s\n' "$language" "$role" $((SECONDS - start))
}

for language in "${languages[@]}"; do
  reason=$(absent "$language")
  if [ -n "$reason" ]; then
    printf '  %-8s skipped: %s\n' "$language" "$reason"
    [ "$language" = rust ] || problem "$language was not tried: $reason"
    continue
  fi
  roles=(objective reweighter mask updater procedure metric)
  if [ "$language" = swift ] && [ "$all" = no ]; then roles=(objective procedure); fi
  if [ "$language" = python ]; then roles=(objective reweighter mask updater metric); fi
  for role in "${roles[@]}"; do
    start=$SECONDS
    try "$language" "$role"
  done
done

# One method, written in several languages with the same operators, changes the weights in the same way, bit for bit (procedures differ by roundings). The
# head of a safetensors file names the plan, and so the plugin.
weights() { tail -c +$(($(od -An -tu8 -N8 "$1") + 9)) "$1" | cksum; }
for role in objective reweighter mask updater; do
  count=$(for file in results/"$role"-{c,cpp,swift,rust}.safetensors; do
    [ ! -e "$file" ] || weights "$file"
  done | sort -u | wc -l)
  [ "$count" -le 1 ] || problem "the $role gives $count different results in C, C++, Swift and Rust"
done
# A metric gives the same numbers in every language.
if [ -d numbers ]; then
  count=$(for file in numbers/*; do sort "$file" | cksum; done | sort -u | wc -l)
  [ "$count" -eq 1 ] || problem "the metric gives $count different lists of numbers in $(ls numbers | tr '\n' ' ')"
  [ -s "$(ls -d numbers/* | head -n 1)" ] || problem 'the metric gives no number'
fi
# Python has operators of its own, which round in another order.
if "${LETHE_PYTHON:-python3}" -c 'import numpy' >/dev/null 2>&1; then
  "${LETHE_PYTHON:-python3}" "$same" results || problem 'one method gives different results in different languages'
fi

# CMake builds the same plugin from the installed package.
if command -v cmake >/dev/null 2>&1 && [ -d cpp-objective ]; then
  rm -f cpp-objective/libcpp-objective.so
  (cd cpp-objective && cmake -S . -B build >cmake.log 2>&1 && cmake --build build >>cmake.log 2>&1) ||
    { cat cpp-objective/cmake.log >&2; problem 'cmake does not build cpp-objective'; }
  inspect cpp-objective/libcpp-objective.so 'cpp-objective by cmake'
else
  echo '  cmake    skipped: there is no cmake'
fi
# pkg-config names the same folders as the command.
if command -v pkg-config >/dev/null 2>&1 && [ -d c-objective ]; then
  export PKG_CONFIG_PATH="$prefix/lib/pkgconfig"
  (cd c-objective && cc -O2 -I. $(pkg-config --cflags lethe) -o libpkg.so c-objective.c $(pkg-config --libs lethe)) ||
    problem 'pkg-config does not lead to the kit'
  inspect c-objective/libpkg.so 'c-objective by pkg-config'
fi
case "$(lethe plugin --help)" in
  *'  check '*) ;;
  *) echo "  'lethe plugin check' skipped: this lethe has none" ;;
esac

[ "$failed" -eq 0 ] || exit 1
printf 'every plugin was built and run outside of the tree, in %d s\n' "$SECONDS"
