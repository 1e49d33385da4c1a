#!/bin/sh
# What may happen to an MPI job: a rank is killed, a rank hangs, a signal says that time is up. The study's file is whole, holds at least what was
# counted, and, resumed on another number of ranks, ends with the trials of an undisturbed run. No process is left.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/mpi.sh"
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
study=tests/fixtures/resume.yaml
seed=${SEED:-$$}
# A study of some seconds, however fast this machine is.
total=$(enough 3500)
options="--set search.budget.evaluations=$total --set search.lag=24 -j1"

start() # ranks, launcher's options..: runs in the background until something has been counted; $job is the launcher
{
    n=$1
    shift
    rm -f "$dir/progress"
    # shellcheck disable=SC2086
    ranks "$n" "$@" "$DOVETAIL-mpi" search $study -o "$dir/cut.db" $options --progress json > /dev/null 2> "$dir/progress" &
    launcher=$!
    tries=0
    until [ "$(counted)" -gt "$from" ] || [ $tries -ge 1000 ] || ! kill -0 $launcher 2> /dev/null; do
        sleep 0.1
        tries=$((tries + 1))
    done
    job=$(pgrep -f "^$MPIRUN .*$dir/cut.db")
    sleep "$(awk -v s="$seed$n" 'BEGIN { srand(s); printf "%.3f", rand() * 0.15 }')"
}
counted() # by the last progress line
{
    sed -n 's/.*"evals": *\([0-9]*\).*/\1/p' "$dir/progress" 2> /dev/null | tail -1 | grep . || echo 0
}
rank_pid() # rank
{
    for p in $(pgrep -f "^$DOVETAIL-mpi search.*$dir"); do
        if tr '\0' '\n' < "/proc/$p/environ" | grep -qx "OMPI_COMM_WORLD_RANK=$1"; then echo "$p"; fi
    done
}
stored()
{
    "$DOVETAIL" status "$dir/cut.db" --json | sed -n 's/.*"trials": *\([0-9]*\).*/\1/p' | head -1
}
finish() # why: the job ends; $status is what it said, $from what is there
{
    wait $launcher
    status=$?
    ok 'nobody' "$1: no process is left"
    rm -f "$dir"/copy.db*
    cp "$dir/cut.db" "$dir/copy.db"
    [ -f "$dir/cut.db-wal" ] && cp "$dir/cut.db-wal" "$dir/copy.db-wal"
    ok '"$DOVETAIL" gc "$dir/copy.db" > /dev/null' "$1: the file is whole"
    from=$(stored)
    ok '[ "$from" -ge "$(counted)" ]' "$1: $(counted) trials were counted, $from are stored"
}
nobody() # a moment after: ranks notice that the launcher is gone when they next speak to it
{
    tries=0
    while pgrep -f "$dir/cut.db" > /dev/null; do
        [ $tries -lt 100 ] || return 1
        sleep 0.1
        tries=$((tries + 1))
    done
}
same() # why: the study on 3 ranks ends as the plain run
{
    # shellcheck disable=SC2086
    ranks 3 "$DOVETAIL-mpi" search $study -o "$dir/cut.db" $options -q > "$dir/log" 2>&1
    ok '"$DOVETAIL" export "$dir/cut.db" --all --format jsonl | cmp - "$dir/plain.jsonl"' "$1: resumed, it has the trials of a plain run"
    rm -f "$dir"/cut.db*
    from=0
}
from=0
# shellcheck disable=SC2086
"$DOVETAIL" search $study -o "$dir/plain.db" $options -q > /dev/null 2>&1
"$DOVETAIL" export "$dir/plain.db" --all --format jsonl > "$dir/plain.jsonl"
ok '[ "$(wc -l < "$dir/plain.jsonl")" -eq "$total" ]' "a plain run makes $total trials"

start 4
kill -9 "$(rank_pid 2)"
finish "rank 2 of 4 killed"
ok '[ $status -ne 0 ]' "a job that lost a rank does not end well"
start 2
kill -9 "$(rank_pid 0)"
finish "rank 0 of 2 killed"
start 5
kill -9 "$job"
finish "the launcher killed"
same "three deaths"

# A rank that is silent for so long counts as lost.
export DOVETAIL_RANK_TIMEOUT=0.4
start 4 --enable-recovery # this launcher leaves the other ranks alone
kill -9 "$(rank_pid 3)"
finish "rank 3 of 4 killed, others left alone"
ok '[ "$from" -eq "$total" ]' "its work was given to others: $from of $total trials"
same "recovery"

start 4
kill -STOP "$(rank_pid 1)"
finish "rank 1 of 4 hangs"
ok '[ $status -eq 0 ] && [ "$from" -eq "$total" ]' "its work was given to others: $from of $total trials, status $status"
same "a rank hangs"

# mpirun passes TERM on after a second, and KILL a second later.
start 4
kill -TERM "$job"
finish "TERM"
ok 'grep -q "resume with" "$dir/progress" && [ $status -ne 0 ]' "rank 0 ends in order when the launcher is told to"
start 3
kill -STOP "$(rank_pid 1)" "$(rank_pid 2)"
finish "all ranks hang"
ok '[ $status -eq 75 ] && [ "$from" -lt "$total" ]' "nobody is left to work: status 75, not $status"
unset DOVETAIL_RANK_TIMEOUT
start 4
kill -USR1 "$job"
finish "USR1"
ok '[ $status -eq 75 ] && [ "$from" -lt "$total" ]' "time is up: status 75, not $status"
same "signals"
summary
