#!/bin/sh
# 64 ranks are kept busy: evaluations that sleep 10 ms, all alike or between 5 and 15 ms, asked, sent, answered, told and stored as in any study. On
# a machine that has other things to do the best of three tries counts, and less is asked of it.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/mpi.sh"
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
busy=${BUILD:-build/release}/tests/cluster/mpi_busy
want=$(awk -v cores="$(nproc)" '{ print ($1 > cores ? 0.80 : 0.95) }' /proc/loadavg)

try() # evaluations, lag, spread: sets $got
{
    rm -f "$dir"/busy.db*
    line=$(ranks 65 "$busy" tests/fixtures/resume.yaml "$dir/busy.db" "$1" "$2" 10 "$3" 2> "$dir/log") || cat "$dir/log"
    echo "lag $2, spread $3: $line"
    got=$(echo "$line" | sed -n 's/.*busy=\([0-9.]*\).*/\1/p')
    got=${got:-0}
}
for spread in 0 0.5; do
    best=0
    for _ in 1 2 3; do
        try 8000 256 $spread
        best=$(echo "$best $got" | awk '{ print ($1 > $2 ? $1 : $2) }')
        [ "$(echo "$best $want" | awk '{ print ($1 >= $2) }')" -eq 1 ] && break
    done
    ok '[ "$(echo "$best $want" | awk "{ print (\$1 >= \$2) }")" -eq 1 ]' "64 ranks are busy for $best of the time, not $want (spread $spread)"
done
# With the lag of a study that says nothing, no more than 10 of 64 have work: the measure can fail.
try 1000 10 0
ok '[ "$(echo "$got" | awk "{ print (\$1 < 0.3) }")" -eq 1 ]' "a lag of 10 keeps 64 ranks busy for $got of the time"
ok '! pgrep -f "$dir" > /dev/null' "no process is left"
summary
