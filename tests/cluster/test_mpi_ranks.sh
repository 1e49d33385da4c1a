#!/bin/sh
# One study on 1, 2, 4 and 8 ranks, with one thread and with two inside a rank, has the trials of a plain run: the exports are equal byte for byte.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/mpi.sh"
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
threads=2

run() # name, study, words before the verb..: leaves NAME.jsonl; more options in $more
{
    name=$1 study=$2
    shift 2
    "$@" search "$study" -o "$dir/$name.db" -j $threads -q --set search.lag=24 ${more:+"--set" "$more"} > "$dir/$name.log" 2>&1 ||
        { status=$? && cat "$dir/$name.log" && return $status; }
    "$DOVETAIL" export "$dir/$name.db" --all --format jsonl > "$dir/$name.jsonl"
}
trials()
{
    wc -l < "$dir/$1.jsonl"
}
more=search.budget.evaluations=200
ok 'run plain tests/fixtures/resume.yaml "$DOVETAIL"' "a plain run ends well"
ok '[ "$(trials plain)" -eq 200 ]' "a plain run makes 200 trials"
for case in 1x1 2x1 4x1 8x1 3x2; do
    threads=${case#*x}
    ok 'run $case tests/fixtures/resume.yaml ranks "${case%x*}" "$DOVETAIL-mpi"' "$case ends well"
    ok 'cmp "$dir/plain.jsonl" "$dir/$case.jsonl"' "$case (ranks x threads) has the trials of a plain run"
done

# An external evaluator, a process for each thread of each rank, that fails now and then: likewise.
cat > "$dir/evaluator.sh" <<'EOT'
version=1
[ "${OMPI_COMM_WORLD_RANK:-0}" = "$1" ] && version=2
printf '{"dovetail_evaluator":1,"name":"outside","version":"%s","metrics":["accuracy_pct"]}\n' $version
while IFS= read -r line; do
    id=${line#*'"id":"'}
    id=${id%%'"'*}
    case $id in
    *0) printf '{"id":"%s","failed":"no"}\n' "$id" ;;
    *) printf '{"id":"%s","accuracy_pct":%d}\n' "$id" $((50 + 0x${id%"${id#??}"} % 50)) ;;
    esac
done
EOT
outside=tests/fixtures/evaluator/study.yaml
more="evaluator={command: [sh, $dir/evaluator.sh, none], metrics: [accuracy], timeout: 10s}"
ok 'run outside $outside "$DOVETAIL"' "a plain run with an external evaluator ends well"
ok 'run outside3 $outside ranks 3 "$DOVETAIL-mpi"' "so does one on 3 ranks"
ok '[ "$(trials outside)" -eq 60 ] && cmp "$dir/outside.jsonl" "$dir/outside3.jsonl"' "with an external evaluator 3 ranks make the same trials"
more="evaluator={command: [sh, $dir/evaluator.sh, 2], metrics: [accuracy], timeout: 10s}"
run refused $outside ranks 3 "$DOVETAIL-mpi" > "$dir/said" 2>&1
status=$?
ok '[ $status -eq 65 ] && grep -q "rank 2 on .* another study" "$dir/said"' "a rank whose evaluator is another version is refused with 65 ($status) and named"

# A verb that evaluates nothing runs once; the others leave in peace. What is wrong with a study is said once.
n=$(ranks 3 "$DOVETAIL-mpi" version | wc -l)
ok '[ "$n" -eq "$("$DOVETAIL" version | wc -l)" ]' "version is printed by one rank"
ranks 3 "$DOVETAIL-mpi" search "$dir/none.yaml" > "$dir/none.log" 2>&1
status=$?
ok '[ $status -eq 66 ] && [ "$(grep -c none.yaml "$dir/none.log")" -eq 1 ]' "a missing study ends with 66, not $status, and is said once"
ok '! pgrep -f "$dir" > /dev/null' "no process is left"
summary
