#!/bin/sh
# `make torture`: kill -9 at random moments, then resume, until the study is done; every time the database must export the
# very bytes of an uninterrupted run. Moments come from awk's generator with the round as its seed, threads alternate.
#   sh tests/torture_resume.sh [ROUNDS [STUDY [BUDGET]]]
set -u
rounds=${1:-20}
study=${2:-experiments/studies/demo.yaml}
budget=${3:-300}
dovetail=${DOVETAIL:-build/release/dovetail}
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT

start=$(date +%s%N)
"$dovetail" search "$study" --budget "$budget" -q --progress none -o "$folder/whole.db" >/dev/null || exit 1
whole_ms=$((($(date +%s%N) - start) / 1000000))
"$dovetail" export "$folder/whole.db" --all -o "$folder/whole.csv" -q || exit 1
echo "uninterrupted: $budget evaluations, $whole_ms ms"

kills=0 lost=0 round=0
while [ "$round" -lt "$rounds" ]; do
    round=$((round + 1))
    rm -f "$folder"/part.*
    killed=0
    while [ "$killed" -lt 3 ]; do
        "$dovetail" search "$study" --budget "$budget" -q --progress none -j $((1 + round % 2)) -o "$folder/part.db" >/dev/null &
        pid=$!
        sleep "$(awk -v seed="$round$killed" -v ms="$whole_ms" 'BEGIN { srand(seed); printf "%.3f", rand() * ms / 1500 }')"
        kill -9 "$pid" 2>/dev/null && kills=$((kills + 1))
        wait "$pid" 2>/dev/null
        killed=$((killed + 1))
    done
    "$dovetail" search "$study" --budget "$budget" -q --progress none -o "$folder/part.db" >/dev/null || exit 1
    "$dovetail" export "$folder/part.db" --all -o "$folder/part.csv" -q || exit 1
    if ! cmp "$folder/whole.csv" "$folder/part.csv"; then
        lost=$((lost + 1))
        echo "round $round: another result"
    fi
done
echo "$rounds studies, $kills kills, $lost with another result"
[ "$lost" -eq 0 ] && [ "$kills" -gt 0 ]
