#!/usr/bin/env bash
# Indexes a generated state with driftmgr and lists it with terraform, in turns, and prints the ratios of time and memory.
# Usage: tfstate/benches/state.sh [INSTANCES [ROUNDS]]
# DRIFTMGR names the program to measure (default: the example `state_list`); TERRAFORM names terraform.
set -euo pipefail
cd "$(dirname "$0")/../.."
instances=${1:-100000} rounds=${2:-5} terraform=${TERRAFORM:-terraform}

cargo build --quiet --release -p tfstate --examples
target=$(cargo metadata --format-version 1 --no-deps --offline | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$target/release/examples/generate_state" "$instances" >"$work/big.tfstate"
: >"$work/cli.tfrc"
export TF_CLI_CONFIG_FILE="$work/cli.tfrc" CHECKPOINT_DISABLE=1

if [ -n "${DRIFTMGR:-}" ]; then ours=("$DRIFTMGR" state list "$work/big.tfstate"); else
    ours=("$target/release/examples/state_list" "$work/big.tfstate"); fi
theirs=("$terraform" state list "-state=$work/big.tfstate")

measure() { # NAME OUTPUT COMMAND...: one line of wall seconds, CPU seconds, peak KiB
    local name=$1 output=$2
    shift 2
    /usr/bin/time -f '%e %U %S %M' -o "$work/time" "$@" >"$output"
    awk '{ printf "%s %.2f %s\n", $1, $2 + $3, $4 }' "$work/time" >>"$work/$name"
}
for _ in $(seq "$rounds"); do
    measure theirs "$work/theirs.txt" "${theirs[@]}"
    measure ours "$work/ours.txt" "${ours[@]}"
done
cmp "$work/theirs.txt" "$work/ours.txt"

median() { sort -n -k "$2,$2" "$work/$1" | awk -v column="$2" '{ line[NR] = $column } END { print line[int((NR + 1) / 2)] }'; }
printf '%s instances, %s MB, median of %s rounds in turns, the same %s lines from both\n' \
    "$instances" "$(($(stat -c %s "$work/big.tfstate") / 1000000))" "$rounds" "$(wc -l <"$work/ours.txt")"
column=0
for what in 'wall s' 'CPU s' 'peak KiB'; do
    column=$((column + 1))
    printf '%-9s terraform %-9s driftmgr %-9s %s\n' "$what" "$(median theirs $column)" "$(median ours $column)" \
        "$(awk -v a="$(median theirs $column)" -v b="$(median ours $column)" 'BEGIN { printf "1/%.1f", a / b }')"
done
