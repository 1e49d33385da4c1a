#!/bin/sh
# One study on 1, 2, 4 and 8 ranks, with one thread and with two inside a rank, has the trials of a plain run: the exports are equal byte for byte.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/mpi.sh"
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
study=tests/fixtures/resume.yaml

run() # name, words before the verb
{
    name=$1
    shift
    "$@" search $study -o "$dir/$name.db" --set search.budget.evaluations=200 --set search.lag=24 -j "$threads" -q \
        > "$dir/$name.log" 2>&1 || { cat "$dir/$name.log"; return 1; }
    "$DOVETAIL" export "$dir/$name.db" --all --format jsonl > "$dir/$name.jsonl"
}
threads=2
ok 'run plain "$DOVETAIL"' "a plain run ends well"
ok '[ "$(wc -l < "$dir/plain.jsonl")" -eq 200 ]' "a plain run makes 200 trials"
for case in 1x1 2x1 4x1 8x1 3x2; do
    threads=${case#*x}
    ok 'run $case ranks "${case%x*}" "$DOVETAIL-mpi"' "$case ends well"
    ok 'cmp "$dir/plain.jsonl" "$dir/$case.jsonl"' "$case (ranks x threads) has the trials of a plain run"
done

# A verb that evaluates nothing runs once; the others leave in peace.
n=$(ranks 3 "$DOVETAIL-mpi" version | wc -l)
ok '[ "$n" -eq "$("$DOVETAIL" version | wc -l)" ]' "version is printed by one rank"
# What the study names must be the same for all ranks: an error before anything is evaluated, said once.
ranks 3 "$DOVETAIL-mpi" search "$dir/none.yaml" > "$dir/none.log" 2>&1
status=$?
ok '[ $status -eq 66 ]' "a missing study ends with 66, not $status"
ok '[ "$(grep -c "none.yaml" "$dir/none.log")" -eq 1 ]' "and is said once"
ok '! pgrep -f "$dir" > /dev/null' "no process is left"
summary
