#!/bin/sh
# One study on four nodes of a Slurm, started by srun: a warning and a cancellation end it with 75, a killed rank whatever Slurm makes of it; every
# time the file is whole, and resumed it ends with the trials of a plain run.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/mpi.sh"
. "$here/slurm.sh"
export OMPI_MCA_btl=self,tcp OMPI_MCA_btl_tcp_if_include=lo OMPI_MCA_oob_tcp_if_include=lo # nodes share no memory; they are all here
dir=$(readlink -f "$(mktemp -d)") || exit 1
trap 'slurm_down "$dir/cluster"; rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
total=$(($(enough 2500) + 1500)) # a machine that was busy when it was measured may be free later
options="--set search.budget.evaluations=$total --set search.lag=24 -j1"

step() # words of srun..
{
    # shellcheck disable=SC2086
    srun --mpi=pmix -N4 -n5 --overcommit "$@" "$DOVETAIL-mpi" search tests/fixtures/resume.yaml -o "$dir/cut.db" $options --progress json
}
launch() # in the background, until something new has been counted or a rank is gone before that
{
    rm -f "$dir/said"
    step "$@" > /dev/null 2> "$dir/said" &
    launcher=$!
    tries=0
    until [ "$(counted)" -gt "$from" ] || [ $tries -ge 1000 ] || ! kill -0 $launcher 2> /dev/null || grep -q 'Segmentation fault' "$dir/said"; do
        sleep 0.1
        tries=$((tries + 1))
    done
    [ "$(counted)" -gt "$from" ]
}
# Now and then, on a loaded machine, a rank of Open MPI 4.1 calls a null pointer before it has said a word: such a step is launched again.
start() # words of srun; $job is its number
{
    for attempt in 1 2 3; do
        launch "$@" && break
        echo "attempt $attempt: $(grep -v evals "$dir/said" | tail -3)"
        scancel --signal=KILL --full --user="$(id -un)"
        wait $launcher
    done
    job=$(squeue -h -o %i | head -1)
}
counted()
{
    sed -n 's/.*"evals": *\([0-9]*\).*/\1/p' "$dir/said" 2> /dev/null | tail -1 | grep . || echo 0
}
finish() # why
{
    wait $launcher
    status=$?
    from=$("$DOVETAIL" status "$dir/cut.db" --json | sed -n 's/.*"trials": *\([0-9]*\).*/\1/p' | head -1)
    ok '[ "$from" -ge "$(counted)" ]' "$1: $(counted) trials were counted, $from are stored"
}
from=0
# shellcheck disable=SC2086
"$DOVETAIL" search tests/fixtures/resume.yaml -o "$dir/plain.db" $options -q > /dev/null 2>&1
"$DOVETAIL" export "$dir/plain.db" --all --format jsonl > "$dir/plain.jsonl"
ok '[ "$(wc -l < "$dir/plain.jsonl")" -eq "$total" ]' "a plain run makes $total trials"
ok 'slurm_up "$dir/cluster" 4 2' "a cluster of 4 nodes"

start
scancel --signal=USR1 "$job"
finish USR1
ok '[ $status -eq 75 ] && [ "$from" -lt "$total" ]' "time is nearly up: status 75, not $status"
start
scancel "$job"
finish scancel
ok '[ $status -eq 75 ] && [ "$from" -lt "$total" ]' "cancelled: status 75, not $status"
start --kill-on-bad-exit=1
kill -9 "$(pgrep -f "^$DOVETAIL-mpi search .*$dir" | tail -1)"
finish "a rank killed"
ok '[ $status -ne 0 ]' "a step that lost a rank does not end well"
step > /dev/null 2>&1
ok '"$DOVETAIL" export "$dir/cut.db" --all --format jsonl | cmp - "$dir/plain.jsonl"' "resumed, it has the trials of a plain run"

# A sweep whose tasks are such jobs, one of them warned on the way: what its ranks find is what one process finds.
small="--seeds 1,2 --set search.algorithm=nsga2 --set search.lag=24 --budget $((total / 3)) --checkpoint 500ms"
# shellcheck disable=SC2086
"$DOVETAIL" sweep tests/fixtures/resume.yaml $small -o "$dir/one" --local 2 > /dev/null 2>&1
# shellcheck disable=SC2086
"$DOVETAIL" sweep tests/fixtures/resume.yaml $small -o "$dir/ranks" --slurm --ntasks 3 --time 10min -- --mem=300 > "$dir/said" 2>&1
ok 'grep -q "^submitted  job" "$dir/said"' "$(cat "$dir/said")"
job=$(sed -n 's/^slurm //p' "$dir/ranks/jobs")
tries=0
until ls "$dir"/ranks/shards/001*.db > /dev/null 2>&1 || [ $tries -ge 600 ]; do
    sleep 0.1
    tries=$((tries + 1))
done
scancel --batch --signal=USR1 "${job}_1" 2> /dev/null
tries=0
until [ -z "$(squeue -h)" ] || [ $tries -ge 240 ]; do
    sleep 0.5
    tries=$((tries + 1))
done
ok 'grep -q "^ranks  *2 on" "$dir/ranks/log/1.log"' "a task has ranks: $(cat "$dir/ranks/log/1.log")"
ok 'grep -q "^stopped" "$dir/ranks/log/1.log"' "it was warned: $(cat "$dir/ranks/log/1.log")"
for sweep in one ranks; do
    "$DOVETAIL" merge "$dir/$sweep" -o "$dir/$sweep.db" > /dev/null && "$DOVETAIL" export "$dir/$sweep.db" --all --format jsonl > "$dir/$sweep.jsonl"
done
ok 'cmp "$dir/one.jsonl" "$dir/ranks.jsonl"' "the union is that of single processes: $("$DOVETAIL" status "$dir/ranks" --runs)"
slurm_down "$dir/cluster"
ok '! pgrep -f "$dir" > /dev/null' "no process is left"
summary
