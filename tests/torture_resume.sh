#!/bin/sh
# kill -9 at random moments over runs of every algorithm (`make torture`): the file is whole, holds at least what the last progress line counted,
# and the resumed study exports the same bytes as one that was left alone. `sh tests/torture_resume.sh [KILLS [SEED]]`; $DOVETAIL is the program.
set -u
kills=${1:-20} seed=${2:-1}
dovetail=${DOVETAIL:-build/release/dovetail}
study=tests/fixtures/resume.yaml
algorithms='nsga2 sms_emoa spea2_sde random exhaustive hybrid bayes'
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
fail()
{
    echo "torture: $*" >&2
    trap - EXIT
    echo "the files are in $dir" >&2
    exit 1
}
ms() # now
{
    echo $(($(date +%s%N) / 1000000))
}
export_of()
{
    "$dovetail" export "$1" --all --format jsonl
}
run() # database, more options: runs or goes on
{
    db=$1
    shift
    "$dovetail" search $study -o "$db" --set search.algorithm="$algorithm" --set search.budget.evaluations="$budget" -j2 "$@"
}
# What the last progress line before the death counted.
counted()
{
    sed -n 's/.*"evals": *\([0-9]*\).*/\1/p' "$dir/progress" | tail -1
}
stored()
{
    "$dovetail" status "$1" --json | sed -n 's/.*"trials": *\([0-9]*\).*/\1/p' | head -1
}

dead=0 whole=0 round=0
while [ $dead -lt "$kills" ]; do
    round=$((round + 1))
    for algorithm in $algorithms; do
        [ $dead -lt "$kills" ] || break
        budget=150
        case $algorithm in bayes | hybrid) budget=40 ;; esac
        if [ ! -f "$dir/$algorithm.jsonl" ]; then
            start=$(ms)
            run "$dir/$algorithm.db" -q > /dev/null 2>&1 || fail "$algorithm: an undisturbed run ends with status $?"
            echo $(($(ms) - start)) > "$dir/$algorithm.ms"
            export_of "$dir/$algorithm.db" > "$dir/$algorithm.jsonl" || fail "$algorithm: no export"
        fi
        length=$(cat "$dir/$algorithm.ms")
        rm -f "$dir"/cut.db*
        # Up to four deaths on the way to the end.
        for death in 1 2 3 4; do
            [ $dead -lt "$kills" ] || break
            wait_ms=$(awk -v s="$seed$dead" -v n="$length" 'BEGIN { srand(s); print int(rand() * n) }')
            # The program itself, not a shell around it, must get the signal.
            "$dovetail" search $study -o "$dir/cut.db" --set search.algorithm=$algorithm --set search.budget.evaluations=$budget -j2 \
                --progress json > /dev/null 2> "$dir/progress" &
            pid=$!
            sleep "$(awk -v m="$wait_ms" 'BEGIN { printf "%.3f", m / 1000 }')"
            kill -9 $pid 2> /dev/null
            wait $pid 2> /dev/null
            [ $? -eq 0 ] && break # it was done before
            dead=$((dead + 1))
            [ -f "$dir/cut.db" ] || continue
            rm -f "$dir"/copy.db*
            cp "$dir/cut.db" "$dir/copy.db"
            [ -f "$dir/cut.db-wal" ] && cp "$dir/cut.db-wal" "$dir/copy.db-wal"
            "$dovetail" gc "$dir/copy.db" > /dev/null || fail "$algorithm: damaged by a kill after $wait_ms ms"
            n=$(stored "$dir/cut.db") c=$(counted)
            [ "$n" -ge "${c:-0}" ] || fail "$algorithm: $c trials were counted, $n are stored"
        done
        run "$dir/cut.db" -q > /dev/null 2>&1 || fail "$algorithm: cannot be resumed: status $?"
        export_of "$dir/cut.db" > "$dir/cut.jsonl" || fail "$algorithm: no export"
        cmp "$dir/cut.jsonl" "$dir/$algorithm.jsonl" || fail "$algorithm: other trials than without kills (seed $seed)"
        whole=$((whole + 1))
    done
done
echo "torture: $dead kills over $whole studies of $(echo "$algorithms" | wc -w) algorithms in $round rounds: all as if nothing had happened"
