#!/bin/sh
# 64 ranks are kept busy: evaluations that sleep 10 ms, all alike or between 5 and 15 ms, asked, sent, answered, told and stored as in any study. On
# a machine that has other things to do less is asked of it: 64 ranks of 10 ms want 6,400 turns a second of two cores. There the evaluations are
# longer, each try four times as long as the one before, and the bar is lower.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/mpi.sh"
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
busy=${BUILD:-build/release}/tests/cluster/mpi_busy
bar() # sets what is asked of the machine as it is now
{
    case $(awk -v cores="$(nproc)" '{ print ($1 > 3 * cores ? "full" : $1 > cores ? "busy" : "idle") }' /proc/loadavg) in
    idle) want=0.95 sleep_ms=10 longer=1 ;;
    busy) want=0.80 sleep_ms=10 longer=4 ;;
    full) want=0.70 sleep_ms=40 longer=4 ;;
    esac
}

try() # evaluations, lag, spread, ms: sets $got
{
    rm -f "$dir"/busy.db*
    line=$(ranks 65 "$busy" tests/fixtures/resume.yaml "$dir/busy.db" "$1" "$2" "$4" "$3" 2> "$dir/log") || cat "$dir/log"
    echo "lag $2, spread $3, $4 ms: $line"
    got=$(echo "$line" | sed -n 's/.*busy=\([0-9.]*\).*/\1/p')
    got=${got:-0}
}
bar
[ $sleep_ms -gt 10 ] && spreads=0.5 || spreads='0 0.5'
for spread in $spreads; do
    best=0 times=1
    for n in 8000 4000 2560; do
        bar
        try $n 256 $spread $((times * sleep_ms))
        best=$(echo "$best $got" | awk '{ print ($1 > $2 ? $1 : $2) }')
        [ "$(echo "$best $want" | awk '{ print ($1 >= $2) }')" -eq 1 ] && break
        times=$((times * longer))
    done
    ok '[ "$(echo "$best $want" | awk "{ print (\$1 >= \$2) }")" -eq 1 ]' "64 ranks are busy for $best of the time, not $want (spread $spread)"
done
# With the lag of a study that says nothing, no more than 10 of 64 have work: the measure can fail.
try 500 10 0 10
ok '[ "$(echo "$got" | awk "{ print (\$1 < 0.3) }")" -eq 1 ]' "a lag of 10 keeps 64 ranks busy for $got of the time"
ok '! pgrep -f "$dir" > /dev/null' "no process is left"
summary
