#!/bin/sh
# The scripts for PBS and LSF, run for real by bash under a qsub and a bsub of our own that set what these schedulers set: tasks that come to
# their limit are handed in again, one that is deleted is not, one that is killed is handed in by hand; the union is that of an undisturbed sweep.
# What real schedulers do with signals and queues is as their manuals say, no more.
set -u
dovetail=${DOVETAIL:-build/release/dovetail}
case $dovetail in /*) ;; *) dovetail=$PWD/$dovetail ;; esac
study=$PWD/tests/fixtures/resume.yaml
dir=$(mktemp -d) || exit 1
trap 'end_all; rm -rf "$dir"; :' EXIT
trap 'exit 1' INT TERM
FAKE=$dir/fake TMPDIR=$dir/scratch PATH=$dir/bin:$PATH
export FAKE TMPDIR PATH
mkdir "$FAKE" "$TMPDIR" "$dir/bin"
cd "$dir" || exit 1
checks=0 failures=0
ok() # condition (a shell command), what it shows
{
    checks=$((checks + 1))
    if eval "$1"; then echo "ok: $2"; else failures=$((failures + 1)) && echo "FAILED: $2"; fi
}
wait_for() # seconds, condition (a shell command)
{
    end=$(($(date +%s) + $1))
    until eval "$2"; do
        [ "$(date +%s)" -ge $end ] && return 1
        sleep 0.1
    done
}
quiet() # no job is left
{
    [ -z "$(ls "$FAKE"/running.* 2> /dev/null)" ]
}
end_all()
{
    for f in "$FAKE"/running.*; do
        [ -f "$f" ] && kill -9 "$(cat "$f")" 2> /dev/null
    done
    wait_for 5 '! pgrep -f "sweep $dir/" > /dev/null' || pkill -9 -f "sweep $dir/"
}
pid_of() # folder, task
{
    pgrep -f "^[^ ]*dovetail sweep $dir/$1 --task $2 "
}
parent_of() # pid
{
    sed -n 's/^PPid:[[:space:]]*//p' "/proc/$1/status"
}
held=' '
hold() # folder: tasks 1 and 2 are stopped when they have brought something back, so that what follows finds them however fast this machine is
{
    for task in 1 2; do
        case $held in *" $task "*) continue ;; esac
        ls "$1/shards/00$task"-*.db > /dev/null 2>&1 && kill -STOP "$(pid_of "$1" $task)" && held="$held$task "
    done 2> /dev/null
    [ "$held" = ' 1 2 ' ] || [ "$held" = ' 2 1 ' ]
}
plan() # folder, further options
{
    out=$1
    shift
    "$dovetail" sweep "$study" --seeds 1..3 --set search.algorithm=nsga2 --set mapping.budget=20 --budget 400 --checkpoint 200ms -o "$out" "$@"
}
union() # folder
{
    "$dovetail" merge "$1" -o "$1.db" && "$dovetail" export "$1.db" --all --format jsonl > "$1.jsonl"
}

# qsub [-v NAME=VALUE,..] [SCRIPT]: an array of `#PBS -J`, or one job. Jobs run in the home folder, from a copy of the script.
cat > bin/qsub <<'EOT'
#!/bin/bash
vars=
[ "${1:-}" = -v ] && vars=${2//,/ } && shift 2
id=$$
cat ${1:+"$1"} > "$FAKE/script.$id"
out=$(sed -n 's/^#PBS -o //p' "$FAKE/script.$id")
range=$(sed -n 's/^#PBS -J \([0-9]*\)-\([0-9]*\).*/\1 \2/p' "$FAKE/script.$id")
job() # PBS_JOBID, further variables
{
    cd / || exit
    env "PBS_JOBID=$1" PBS_ENVIRONMENT=PBS_BATCH $2 bash "$FAKE/script.$id" > "$out/$1.OU" 2>&1 < /dev/null &
    echo $! > "$FAKE/running.$1"
    wait $!
    echo "$1 $2 $?" >> "$FAKE/ended"
    rm "$FAKE/running.$1"
}
if [ -n "$range" ]; then
    for i in $(seq $range); do job "$id[$i].fake" "PBS_ARRAY_INDEX=$i" > /dev/null 2>&1 & done
    echo "$id[].fake"
else
    echo "$vars" >> "$FAKE/again"
    job "$id.fake" "$vars" > /dev/null 2>&1 &
    echo "$id.fake"
fi
EOT
# bsub [-J NAME[LIST]] < SCRIPT: a task that ends with a status of `#BSUB -Q` runs again.
cat > bin/bsub <<'EOT'
#!/bin/bash
id=$$
cat > "$FAKE/script.$id"
name=$(sed -n 's/^#BSUB -J "\(.*\)"/\1/p' "$FAKE/script.$id")
[ "${1:-}" = -J ] && name=$2
again=$(sed -n 's/^#BSUB -Q "\(.*\)"/\1/p' "$FAKE/script.$id")
out=$(sed -n 's/^#BSUB -o //p' "$FAKE/script.$id")
job() # index
{
    cd / || exit
    status=$again
    while [ "$status" = "$again" ]; do
        env "LSB_JOBID=$id" "LSB_JOBINDEX=$1" bash "$FAKE/script.$id" >> "${out//%I/$1}" 2>&1 < /dev/null &
        echo $! > "$FAKE/running.$id.$1"
        wait $!
        status=$?
        echo "$id[$1] $status" >> "$FAKE/ended"
    done
    rm "$FAKE/running.$id.$1"
}
list=${name#*[}
for part in $(tr ',' ' ' <<< "${list%]*}"); do
    for i in $(seq "${part%-*}" "${part#*-}"); do job "$i" > /dev/null 2>&1 & done
done
echo "Job <$id> is submitted to default queue <normal>."
EOT
chmod +x bin/qsub bin/bsub
plan whole --local "$(nproc)" > /dev/null 2>&1
union whole

# ---- PBS
plan pbs --pbs --time 5s --warn 2s > out 2> said
ok 'grep -q "^submitted  job [0-9]*\[\].fake: 3 tasks" out' "qsub takes an array: $(head -1 out)"
ok 'wait_for 60 "hold pbs"' 'two tasks are at work'
pid=$(pid_of pbs 1) # below timeout, below the script
kill -TERM "$(parent_of "$(parent_of "$pid")")"
sleep 0.2
kill -CONT "$pid"
pid=$(pid_of pbs 2)
wait_for 60 'grep -q "^ShdPnd:.*[2367abef]..$" "/proc/$pid/status"' # USR1 is the tenth bit of what waits for the process
kill -CONT "$pid"
wait_for 240 quiet
"$dovetail" status pbs > said
echo "PBS: $(tr '\n' ';' < "$FAKE/ended")"
ok 'grep -q " 75$" "$FAKE/ended" && grep -q "DOVETAIL_RESTART=1" "$FAKE/again"' "a task at its limit is handed in again: $(tr '\n' ';' < "$FAKE/again")"
left=$(sed -n 's/^tasks .*done \([0-9]*\),.*/\1/p' said)
ok '[ "$left" = 2 ]' "one that is deleted is not, the others are done: $(sed -n 2p said)"
ok '"$dovetail" sweep pbs --pbs > out 2> said && grep -q ": 1 task of" out' 'it can be handed in by hand'
wait_for 240 quiet
union pbs
ok 'cmp whole.jsonl pbs.jsonl' 'PBS: the union of an undisturbed sweep'

# ---- LSF
rm -f "$FAKE"/*
plan lsf --lsf > out 2> said
ok 'grep -q "^submitted  job [0-9]*: 3 tasks" out' "bsub takes an array: $(head -1 out)"
held=' '
ok 'wait_for 60 "hold lsf"' 'two tasks are at work'
pid=$(pid_of lsf 1)
kill -USR1 "$(parent_of "$pid")" # the warning
sleep 0.2
kill -CONT "$pid"
kill -9 "$(pid_of lsf 2)" # out of memory: the task, not the script
wait_for 240 quiet
echo "LSF: $(tr '\n' ';' < "$FAKE/ended")"
ok 'grep -q "\[2\] 75$" "$FAKE/ended" && grep -q "\[2\] 0$" "$FAKE/ended"' 'a task that was warned runs again'
ok 'grep -q "\[3\] 137$" "$FAKE/ended"' 'one that is killed does not'
ok '"$dovetail" sweep lsf --lsf > out 2> said && grep -q ": 1 task of" out' 'it can be handed in by hand'
wait_for 240 quiet
ok '! grep "^[0-9]*\[1\]" "$FAKE/ended" | sed 1d | grep .' 'and nothing else is'
union lsf
ok 'cmp whole.jsonl lsf.jsonl' 'LSF: the union of an undisturbed sweep'
ok '! pgrep -f "sweep $dir/" > /dev/null' "nothing is left: $(pgrep -af "sweep $dir/" | tr '\n' ';')"
echo "$(((checks - failures) * 100 / checks))%: Checks: $checks, Failures: $failures, Errors: 0"
[ "$failures" -eq 0 ]
