#!/bin/sh
# README and docs: every verb and option of a shown `dovetail` command exists, every file, program of tests/ and make target that is named, too.
# (What the commands print is checked where it is measured: docs/validation.md, tests/test_*.c.)
set -u
cd "$(dirname "$0")/.." || exit 1
dovetail=${DOVETAIL:-build/release/dovetail}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
pages="README.md $(ls docs/*.md)"
checks=0 failures=0

verdict() # status, what is wrong
{
    checks=$((checks + 1))
    [ "$1" -eq 0 ] && return
    failures=$((failures + 1))
    echo "$2"
}

# "PAGE verb" and "PAGE verb --option", from code spans and indented or fenced lines that begin with dovetail.
# shellcheck disable=SC2086
awk '
    function take(text,   n, i, w, verb) {
        sub(/^ *(\$ )?/, "", text); sub(/#.*/, "", text)
        if (text !~ /^dovetail(-mpi)? [a-z]+( |$)/) return
        n = split(text, w, / +/); verb = w[2]
        print FILENAME, verb
        for (i = 3; i <= n && w[i] != "--" && w[i] !~ /^[|;&]/; i++)
            if (w[i] ~ /^--[a-z]/) { sub(/[=,.;:)].*/, "", w[i]); print FILENAME, verb, w[i] }
    }
    { line = $0; take(line); sub(/^.*mpirun -n [0-9]+ /, "", line); take(line)
      rest = $0
      while (match(rest, /`[^`]+`/)) { take(substr(rest, RSTART + 1, RLENGTH - 2)); rest = substr(rest, RSTART + RLENGTH) } }
' $pages | sort -u >"$dir/commands"
while read -r page verb option; do
    [ -f "$dir/$verb" ] || "$dovetail" help "$verb" >"$dir/$verb" 2>/dev/null || rm -f "$dir/$verb"
    if [ ! -f "$dir/$verb" ]; then
        verdict 1 "$page: no verb '$verb'"
    elif [ -n "$option" ]; then
        grep -qE -e "^ .*$option( |=|\$)" "$dir/$verb"
        verdict $? "$page: 'dovetail $verb' has no option $option"
    else
        verdict 0
    fi
done <"$dir/commands"

# Files of the tree, with a folder in their name; programs that make builds.
# shellcheck disable=SC2086
grep -oE '(build/release/tests/[a-z_0-9]+|(base|hw|sw|costmodel|search|db|experiments|cli|tests|docs)/[a-z_0-9./-]*\.(c|h|md|sh|yaml|csv|onnx|jsonl))' $pages |
    sort -u >"$dir/files"
while IFS=: read -r page file; do
    source=${file#build/release/}
    [ "$source" = "$file" ] || file=$source.c
    [ -e "$file" ]
    verdict $? "$page: there is no $file"
done <"$dir/files"

# shellcheck disable=SC2086
grep -oE '`make [a-z-]+[` ]' $pages | sed 's/`make //; s/[` ]$//' | sort -u >"$dir/targets"
while IFS=: read -r page target; do
    grep -qE "^([a-z-]+ )*$target( [a-z-]+)*:|^\\.PHONY:.* $target( |\$)" Makefile
    verdict $? "$page: make has no target $target"
done <"$dir/targets"

echo "$(((checks - failures) * 100 / checks))%: Checks: $checks, Failures: $failures, Errors: 0"
[ "$failures" -eq 0 ]
