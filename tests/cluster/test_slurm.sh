#!/bin/sh
# A sweep on Slurm: 4 nodes, an array of 16 shards of the demo. One node is lost in the middle with its tasks, another is declared dead while its
# tasks run on, a task is preempted, one comes to its time limit, one is cancelled and handed in again. The union must be that of a sweep that
# nobody disturbed, and nothing may be left running. SLURM_TEST_KEEP=1 keeps the folder.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/slurm.sh"
dovetail=${DOVETAIL:-build/release/dovetail}
case $dovetail in /*) ;; *) dovetail=$PWD/$dovetail ;; esac
dir=$(readlink -f "$(mktemp -d)") || exit 1
cluster=$dir/cluster
asleep=''
finish()
{
    slurm_down "$cluster"
    [ -n "${SLURM_TEST_KEEP:-}" ] && echo "kept: $dir" || rm -rf "$dir"
}
trap finish EXIT
trap 'exit 1' INT TERM
checks=0 failures=0
ok() # condition (a shell command), what it shows
{
    checks=$((checks + 1))
    if eval "$1"; then echo "ok: $2"; else failures=$((failures + 1)) && echo "FAILED: $2"; fi
}
wait_for() # seconds, condition (a shell command); fails at once when Slurm has nothing any more to wait for
{
    end=$(($(date +%s) + $1))
    until eval "$2"; do
        [ "$(date +%s)" -ge $end ] && return 1
        [ "$2" = "${2#*squeue}" ] && [ -n "${job:-}" ] && [ -z "$(squeue -h)" ] && return 1
        sleep 0.2
    done
}
cd "$dir" || exit 1

# A shard is to take some seconds of a processor, whatever this machine is.
fast='--set mapping.budget=200'
start=$(date +%s%N)
"$dovetail" search demo $fast --budget 60 -j1 -q -o speed.db > /dev/null 2>&1
us=$((($(date +%s%N) - start) / 60000))
each=$((4000000 / (us + 1)))
[ $each -lt 100 ] && each=100
[ $each -gt 400 ] && each=400
echo "an evaluation takes $us us: $each a shard"
budget=$((16 * each))

# ---- what nobody disturbs
start=$(date +%s)
"$dovetail" sweep demo $fast --shards 16 --budget $budget --out whole --local "$(nproc)" -q || echo "the undisturbed sweep ends with status $?"
"$dovetail" merge whole -o whole.db
"$dovetail" export whole.db --all --format jsonl > whole.jsonl
echo "undisturbed: $(($(date +%s) - start)) s"

# ---- the same on a cluster
ok 'slurm_up "$cluster" 4 2' 'a cluster of 4 nodes'
start=$(date +%s)
"$dovetail" sweep demo $fast --shards 16 --budget $budget --out cut --slurm --time 10min --warn 20s --checkpoint 500ms --partition batch \
    -- --mem=300 > submitted 2> said
ok '[ $? -eq 0 ]' "submitted: $(cat submitted said)"
ok '[ $(($(date +%s) - start)) -le 20 ]' 'it returns at once'
job=$(sed -n 's/^slurm //p' cut/jobs)
beats() # task, field of its newest heartbeat
{
    cat "cut/state/$(printf %03d "$1")".*.json 2> /dev/null | tr '}' '\n' | sed -n "s/.*\"$2\": \"*\([^,\"]*\).*/\1/p" | tail -1
}
began() # task: it has brought something back, and less than most
{
    for f in "cut/shards/$(printf %03d "$1")"-*.db; do
        n=${f##*-}
        [ -f "$f" ] && [ $((5 * ${n%.db})) -lt $((4 * each)) ] && return 0
    done
    return 1
}
done_tasks()
{
    find cut/shards -name '[0-9][0-9][0-9].db' | wc -l
}
tasks_on() # node
{
    squeue -h -r -t R -w "$1" -o %K 2> /dev/null
}
begun_on() # node
{
    for task in $(tasks_on "$1"); do began "$task" && echo "$task"; done
}

# All nodes are stopped in the middle of their work, each when two of its tasks have brought something back, so that what follows finds them there
# however fast this machine is.
frozen=' '
freeze()
{
    for node in n1 n2 n3 n4; do
        case $frozen in *" $node "*) continue ;; esac
        begun=$(begun_on $node)
        [ "$(echo "$begun" | wc -w)" -ge 2 ] || continue
        for task in $(tasks_on $node); do kill -STOP "$(beats "$task" pid)"; done
        frozen="$frozen$node "
        eval "begun_$node=\$begun" # as it was now: until it stops a task may get further
    done 2> /dev/null
    [ "$(echo "$frozen" | wc -w)" -eq 4 ]
}
ok 'wait_for 120 freeze' 'all nodes are at work'
# shellcheck disable=SC2154,SC2086
set -- $begun_n1 $begun_n4
preempted=$1 cancelled=$2 limited=$3 other=$4
# shellcheck disable=SC2154
lost=$(echo "$begun_n2" | tr '\n' ' ') twins=$(echo "$begun_n3" | tr '\n' ' ')
[ "$other" = "$limited" ] || kill -CONT "$(beats "$other" pid)"

# The power of a node is cut: its slurmd, its tasks, its disk are gone.
slurm_node_dies "$cluster" n2
echo "n2 dies with tasks $lost"
ok '[ -n "$lost" ]' 'a node is lost in the middle'

# Preempted: TERM to the steps, as Slurm does. It may ask again while the task is on its way to the queue.
kill -CONT "$(beats "$preempted" pid)"
timeout 3 scancel --signal=TERM "${job}_$preempted" 2> /dev/null &
echo "task $preempted is preempted"

# At its limit: held until the warning has come, so that the limit comes first whatever the machine.
pid=$(beats "$limited" pid)
scontrol update JobId="${job}_$limited" TimeLimit=1
echo "task $limited has a minute"

# A node that is cut off from the network and declared dead, its tasks with it, for they hang; they wake when Slurm has started others of the
# same numbers elsewhere.
for task in $twins; do
    asleep="$asleep $(beats "$task" pid)"
done
kill -9 "$(cat "$cluster/run/slurmd.n3.pid")"
rm -f "$cluster/run/slurmd.n3.pid"
echo "n3 is cut off with tasks $twins"
ok '[ -n "$twins" ]' 'a node is cut off in the middle'

# Cancelled by a person.
kill -CONT "$(beats "$cancelled" pid)"
timeout 20 scancel "${job}_$cancelled"
echo "task $cancelled is cancelled"
ok '[ -n "$cancelled" ]' 'a task is cancelled in the middle'

# USR1 is the tenth bit of what waits for the process.
wait_for 120 'grep -q "^ShdPnd:.*[2367abef]..$" "/proc/$pid/status"'
kill -CONT "$pid"
wait_for 30 'grep -q "^stopped" cut/log/$limited.log'
ok 'grep -q "^stopped" cut/log/$limited.log' 'a task stops before its time limit'
scontrol update JobId="${job}_$limited" TimeLimit=10 2> /dev/null

attempts() # task
{
    grep -c '^task ' "cut/log/$1.log"
}
for task in $twins; do
    wait_for 120 '[ "$(attempts $task)" -ge 2 ]'
    ok '[ "$(attempts $task)" -ge 2 ]' "task $task of the node cut off runs twice"
done
# shellcheck disable=SC2086
kill -CONT $asleep
"$dovetail" status cut
# The nodes come back, as an administrator would have them.
wait_for 60 'sinfo -h -n n3 -o %T | grep -q down'
wait_for 30 'for p in $asleep; do slurm_alive $p && break; done; ! slurm_alive $p' # the twins come to their ends
for node in n2 n3; do
    slurmd -c -N $node -f "$SLURM_CONF" > /dev/null 2>&1
done
wait_for 300 '[ -z "$(squeue -h)" ]'
"$dovetail" status cut --runs
again=$("$dovetail" status cut --failed 2> /dev/null)
ok '[ "$again" = "$cancelled" ]' "only what was cancelled is to be submitted: '$again'"
"$dovetail" sweep cut --slurm
wait_for 120 '[ -z "$(squeue -h)" ]'
ok '[ "$(done_tasks)" -eq 16 ]' "16 tasks are done: $(done_tasks), $(($(date +%s) - start)) s after they were submitted"
ok '[ "$(attempts $preempted)" -ge 2 ] && grep -q "^stopped" cut/log/$preempted.log' 'a preempted task saved, and went on later'
ok '[ "$(attempts $limited)" -ge 2 ]' 'so did the one at its limit'
for task in $lost; do
    ok '[ "$(attempts $task)" -ge 2 ]' "task $task of the lost node ran again"
done

# ---- the same union
"$dovetail" merge cut -o cut.db
"$dovetail" export cut.db --all --format jsonl > cut.jsonl
ok '[ "$(wc -l < whole.jsonl)" -gt 900 ]' "$(wc -l < whole.jsonl) designs"
ok 'cmp whole.jsonl cut.jsonl' 'the union exports the bytes of the undisturbed one'
ok '"$dovetail" status cut --json | grep -q "\"done\": 16"' 'status counts them'

# ---- nothing is left
wait_for 60 '! pgrep -f "$dir/cut" > /dev/null'
ok '! pgrep -f "sweep $dir/cut" > /dev/null' "no task is left: $(pgrep -af "$dir/cut" | tr '\n' ';')"
ok '[ -z "$(ls cut/shards/.??* 2> /dev/null)" ] || [ "$(ls -A cut/shards | grep -c "^[0-9]*.db$")" -eq 16 ]' 'shards'
slurm_down "$cluster"
wait_for 20 '! pgrep -f "$dir" > /dev/null'
ok '! pgrep -f "$cluster" > /dev/null && [ -z "$(slurm_processes "$cluster")" ]' "no orphans: $(pgrep -af "$dir" | tr '\n' ';')"
echo "$(((checks - failures) * 100 / checks))%: Checks: $checks, Failures: $failures, Errors: 0"
[ "$failures" -eq 0 ]
