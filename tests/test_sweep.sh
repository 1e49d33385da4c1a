#!/bin/sh
# dovetail sweep without a scheduler: what it plans and writes, its errors, --local with processes that are killed, status and merge of the folder.
# tests/cluster/test_slurm.sh has the rest.
set -u
. tests/sweep_checks.sh
says() # a sentence of said
{
    sentence=$1
    ok 'grep -qF "$sentence" said' "no '$sentence' in: $(cat said)"
}
all_of() # database: every design
{
    "$dovetail" export "$1" --all --format csv | cut -d, -f2- | sort
}

# ---- plans
exits 0 "$study" --over algorithm=nsga2,random --seeds 1..3,7 --slurm --time 2h --cpus 4 --partition cpu --array-limit 5 --dry-run \
    --sbatch --account=chips -- --mem=4G
for line in '8 tasks' 'algorithm=random seed=7' '#SBATCH --array=0-7%5' '#SBATCH --time=02:00:00' '#SBATCH --cpus-per-task=4' \
    '#SBATCH --partition=cpu' '#SBATCH --signal=B:USR1@120' '#SBATCH --requeue' '#SBATCH --account=chips' '#SBATCH --mem=4G'; do
    ok 'grep -qF -- "$line" out' "no '$line' in the plan"
done
sed -n '/^---- /,$p' out | sed 1d > array.sbatch
ok 'bash -n array.sbatch' 'bash reads the script'
exits 0 "$study" --shards 3 --pbs --time 90min -n
ok 'grep -q "^#PBS -J 0-2$" out && grep -q "^#PBS -l walltime=01:30:00$" out' 'a header of PBS'
exits 0 "$study" --shards 3 --lsf --time 90min -n
ok 'grep -q "^#BSUB -W 01:30$" out && grep -q "^#BSUB -Q \"75\"$" out' 'a header of LSF'
ok '[ ! -e runs ]' 'a dry run writes nothing'

# ---- errors: all at once, and nothing is written
exits 65 "$study" --over algoritm=nsga2 --over algorithm=nsga2,foo --over seed=3 --seeds 4..1 --local 1
says "did you mean 'algorithm'?"
says "unknown algorithm 'foo'"
says 'seeds have an option of their own'
says "'4..1' is no list of numbers"
says '4 errors; nothing was run'
exits 65 "$study" --over pe_rows=8,8 --over technology=22nm,
says "'8' stands twice"
says 'a value is empty'
exits 64 "$study" --slurm --local 2
exits 64 "$study" --seeds 1..2 --shards 2
exits 64 "$study" extra
exits 64 "$study" --task 0
exits 66 missing.yaml --local 1
PATH=/nowhere "$dovetail" sweep "$study" --slurm 2> said
status=$?
ok '[ $status -eq 74 ]' 'no scheduler'
says 'no sbatch on this machine; nothing was written'
ok '[ ! -e runs ]' 'after errors nothing is there'

# ---- a model of the user's, by a relative path, and a study that extends one: the folder needs neither
mkdir mine
cat > mine/net.csv <<'EOT'
Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,
Conv1, 16, 16, 3, 3, 8, 16, 1,
EOT
sed '/^ *bits:/d; /^ *partition:/d; s/^name:.*/name: base/' "$study" > mine/base.yaml
printf 'dovetail: 1\nextends: base.yaml\nname: mine\nworkload: {model: mine/net.csv}\n' > mine/study.yaml
exits 0 mine/study.yaml --seeds 1,2 --budget 30 -o moved
rm -r mine
exits 0 moved --local 2
ok '[ -f moved/shards/000.db ] && [ -f moved/shards/001.db ]' 'the tasks run without the files that they came from'
exits 74 "$study" -o moved
says 'is there already'
"$dovetail" pareto moved 2> said
status=$?
ok '[ $status -eq 66 ]' 'the folder of a sweep is no database'
says "'moved' is the folder of a sweep"
: > file
exits 74 "$study" -o file/below/sweep
says "cannot make '$dir/file/below'"
exits 64 moved --over algorithm=random --local 1
exits 64 moved
ok '"$dovetail" validate moved/studies/001.yaml > said 2>&1' "a task's study stands alone: $(cat said)"

# ---- here: the union of four tasks, two of them killed and one stopped on the way, is that of an undisturbed sweep
exits 0 "$study" --over algorithm=nsga2,sms_emoa --seeds 1,2 --budget 300 --set mapping.budget=20 --out whole --local 2
"$dovetail" merge whole -o whole.db > /dev/null
all_of whole.db > whole.csv
ok '[ "$(wc -l < whole.csv)" -gt 300 ]' 'the undisturbed sweep has designs'
"$dovetail" sweep "$study" --over algorithm=nsga2,sms_emoa --seeds 1,2 --budget 300 --set mapping.budget=20 --out cut --checkpoint 100ms > /dev/null 2>&1
one_start() # task, signal: starts it, and sends the signal when it has brought something back
{
    "$dovetail" sweep cut --task "$1" -j1 > /dev/null 2>&1 &
    pid=$!
    n=0
    until ls "cut/shards/00$1"-*.db > /dev/null 2>&1 || [ $n -gt 200 ]; do
        sleep 0.05
        n=$((n + 1))
    done
    kill "-$2" $pid 2> /dev/null
    wait $pid 2> /dev/null
    status=$?
}
one_start 0 TERM
ok '[ $status -eq 75 ] || [ $status -eq 0 ]' "TERM: status $status" # 0: on a fast machine it was done by then
one_start 1 KILL
one_start 2 USR1
ok '[ $status -eq 75 ] || [ $status -eq 0 ]' "USR1: status $status" # 0: on a fast machine it was done by then
one_start 3 KILL
rm -rf "$TMPDIR"/* # the node is gone, with its disk
ok '"$dovetail" status cut > said && grep -q "4 tasks" said' 'status of the folder'
again=$("$dovetail" status cut --failed 2> /dev/null)
ok '[ -n "$again" ]' 'what was killed is to be submitted'
ok '"$dovetail" merge cut -o part.db > said 2>&1 && grep -q "are not done" said' 'a part can be merged, and says so'
exits 0 cut --local 3
# Twins: two copies of a task at once, on two disks.
rm cut/shards/000.db
mkdir twin
"$dovetail" sweep cut --task 0 -j1 -q --scratch twin &
pid=$!
exits 0 cut --task 0 --threads 1
ok 'wait $pid' 'the twin ends well too'
"$dovetail" merge cut -o cut.db > /dev/null
all_of cut.db > cut.csv
ok 'cmp whole.csv cut.csv' 'the union is that of an undisturbed sweep'
"$dovetail" export whole.db --all --format jsonl > whole.jsonl
"$dovetail" export cut.db --all --format jsonl > cut.jsonl
ok 'cmp whole.jsonl cut.jsonl' 'and so is every byte of its export'
ok '[ "$("$dovetail" status cut --json | sed -n "s/.*\"done\": \([0-9]*\).*/\1/p")" -eq 4 ]' 'status counts what is done'
ok '! "$dovetail" status cut --failed 2> /dev/null' 'nothing is to be submitted: status 1'
ok '[ -z "$(find cut/shards -name ".*" -type f)" ] && [ "$(ls cut/shards | wc -l)" -eq 4 ]' "one file a task: $(ls -A cut/shards)"
ok '[ -z "$(find "$TMPDIR" twin -name "*.db*")" ]' 'nothing is left on the local disk'

# ---- other cost models are other databases
exits 0 "$study" --over technology=22nm,28nm --budget 20 --out two --local 2
ok '"$dovetail" merge two -o two.db > said && [ -f two-0-technology_22nm.db ] && [ -f two-1-technology_28nm.db ]' "$(cat said)"
left=$(for p in /proc/[0-9]*/cmdline; do tr '\0' ' ' 2> /dev/null < "$p" | grep -F "sweep $dir"; done 2> /dev/null)
ok '[ -z "$left" ]' "no process is left: $left"
echo "$(((checks - failures) * 100 / checks))%: Checks: $checks, Failures: $failures, Errors: 0"
[ "$failures" -eq 0 ]
