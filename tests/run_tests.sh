#!/bin/sh
# Runs every test named after the build folder (programs and .sh files), shows each one's summary line, and the output
# of those that fail. Each test prints Check's summary, `100%: Checks: 5, Failures: 0, Errors: 0`. The last line counts
# all checks; the status is 1 when one failed, when a test ended without its summary, or when nothing ran.
set -u
build=$1
shift
passed=0 failed=0 bad=''
mkdir -p "$build/tests/log"
for test in "$@"; do
    name=${test##*/}
    log=$build/tests/log/$name.log
    start=$(date +%s)
    case $test in
    *.sh) sh "$test" >"$log" 2>&1 ;;
    *) "$test" >"$log" 2>&1 ;;
    esac
    status=$?
    # A program may run several suites: add up its summary lines.
    counts=$(awk '/Checks: [0-9]+, Failures: [0-9]+, Errors: [0-9]+/ {
        match($0, /Checks: [0-9]+/); c += substr($0, RSTART + 8, RLENGTH - 8)
        match($0, /Failures: [0-9]+/); f += substr($0, RSTART + 10, RLENGTH - 10)
        match($0, /Errors: [0-9]+/); f += substr($0, RSTART + 8, RLENGTH - 8)
        n++
    } END { print c - f + 0, f + 0, n + 0 }' "$log")
    read -r p f n <<EOT
$counts
EOT
    if [ "$status" -ne 0 ] && [ "$f" -eq 0 ] || [ "$n" -eq 0 ]; then
        f=$((f + 1))
        echo "$name: ended with status $status and ${n} summary lines" >>"$log"
    fi
    passed=$((passed + p)) failed=$((failed + f))
    if [ "$f" -gt 0 ]; then
        bad="$bad $name"
        sed 's/^/    /' "$log"
    fi
    seconds=$(($(date +%s) - start))
    slow=''
    [ "$seconds" -gt 4 ] && slow="  ($seconds s)"
    printf '%-28s %d passed, %d failed%s\n' "$name" "$p" "$f" "$slow"
done
[ -n "$bad" ] && echo "failed:$bad"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
