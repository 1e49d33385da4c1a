#!/bin/sh
# dovetail sweep --islands: the same bytes however many tasks run at once and whoever is killed; copies of a task and later starts take what was
# taken first; nobody waits for who does not run; merge counts every trial once.
set -u
. tests/sweep_checks.sh
plan() # folder, further options
{
    out=$1
    shift
    exits 0 "$study" --seeds 1..3 --set search.algorithm=nsga2 --set mapping.budget=20 --budget 200 --islands 40 --checkpoint 100ms -o "$out" "$@"
}
export_all() # folder: one file with the designs of every task
{
    for shard in "$1"/shards/[0-9][0-9][0-9].db; do # a copy that was late may have left a shorter one
        "$dovetail" export "$shard" --all --format jsonl
    done
}

# ---- errors
exits 64 "$study" --seeds 1..3 --strict
exits 65 "$study" --islands 40 --budget 200
ok 'grep -q "at least two seeds" said' "one seed: $(cat said)"
exits 65 "$study" --seeds 1..3 --islands 200 --budget 200
ok 'grep -q "nothing would be exchanged" said' "too few evaluations: $(cat said)"
exits 65 "$study" --seeds 1..3 --set search.algorithm=bayes --islands 40 --budget 200
ok 'grep -q "takes nothing from others" said' "an algorithm that is alone: $(cat said)"

# ---- strict: all at once; one at a time, each leaving its place to those it waits for; killed, its disk lost, stopped, another number at once
plan whole --strict --local 3
export_all whole > whole.jsonl
"$dovetail" sweep "$study" --seeds 1..3 --set search.algorithm=nsga2 --set mapping.budget=20 --budget 200 -o alone --local 3 > /dev/null 2>&1
export_all alone > alone.jsonl
ok '! cmp -s whole.jsonl alone.jsonl' 'islands change the search'
ok '[ "$(grep -c "^exchange .* designs of task" whole/log/*.log | cut -d: -f2 | tr "\n" " ")" = "3 3 3 " ]' 'everybody takes at the moments 2, 3, 4'
plan single --strict --local 1
export_all single > single.jsonl
ok 'cmp whole.jsonl single.jsonl' 'one at a time: the same bytes'
plan cut --strict
start() # task, signal: starts it, and sends the signal when it has brought something back
{
    "$dovetail" sweep cut --task "$1" -j1 > "said$1" 2>&1 &
    pid=$!
    n=0
    until ls "cut/shards/00$1"-*.db > /dev/null 2>&1 || [ $n -gt 200 ]; do
        sleep 0.05
        n=$((n + 1))
    done
    kill "-$2" $pid 2> /dev/null
    wait $pid 2> /dev/null
}
start 0 KILL &
first=$!
start 1 KILL &
second=$!
start 2 TERM
wait $first $second
rm -rf "$TMPDIR"/* # the node is gone, with its disk
"$dovetail" sweep cut --local 2 > /dev/null 2>&1 &
pid=$!
sleep 1
kill -TERM $pid 2> /dev/null
wait $pid
"$dovetail" sweep cut --task 1 -j1 --scratch "$dir/twin" > /dev/null 2>&1 & # a copy of its own, somewhere else
twin=$!
mkdir -p "$dir/twin"
exits 0 cut --local 3
kill $twin 2> /dev/null
wait $twin 2> /dev/null
export_all cut > cut.jsonl
ok 'cmp whole.jsonl cut.jsonl' 'killed and stopped on the way: the same bytes'
ok 'diff -r whole/islands cut/islands' 'and the same exchange'

# ---- not strict: alone it goes on without waiting; what it took then holds for ever
plan free --wait 5min
start=$(date +%s)
exits 0 free --task 0 -j1
ok '[ $(($(date +%s) - start)) -lt 120 ]' 'nobody waits for who does not run'
ok '"$dovetail" status free > said && grep -q "^islands .* 0 exchanges, 3 left out" said' "status tells: $(cat said)"
"$dovetail" export free/shards/000.db --all --format jsonl > before.jsonl
exits 0 free --local 2
ok '"$dovetail" status free > said && grep -q "^islands .* 6 exchanges, 3 left out" said' "those that come later take what is there: $(cat said)"
rm -r free/shards/000.db free/state/000.*
exits 0 free --task 0 -j1
"$dovetail" export free/shards/000.db --all --format jsonl > after.jsonl
ok 'cmp before.jsonl after.jsonl' 'run again it takes what it took'
ok '"$dovetail" merge free -o free.db > said && grep -q " from 600 trials" said' "every trial once: $(cat said)"

# ---- a shard away from its sweep keeps what it took, and goes on alone
cp whole/shards/002.db moved.db
ok '"$dovetail" resume moved.db --budget 300 > said 2>&1' "resume: $(cat said)"
ok '"$dovetail" status moved.db | grep -q 300' 'it went on'

echo "$(((checks - failures) * 100 / checks))%: Checks: $checks, Failures: $failures, Errors: 0"
[ "$failures" -eq 0 ]
