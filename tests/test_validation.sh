#!/bin/sh
# tests/validation.sh on a document and programs of our own: sections are replaced, the rest stays, failures leave the document alone.
set -u
cd "$(dirname "$0")/.." || exit 1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir -p "$dir/tests"
checks=0 failures=0

program() {
    printf '#!/bin/sh\n%s\n' "$2" >"$dir/tests/$1"
    chmod +x "$dir/tests/$1"
}
# what, document, expected status, expected document; further words: the sections asked for
check() {
    what=$1
    printf '%s\n' "$2" >"$dir/doc.md"
    printf '%s\n' "$4" >"$dir/want.md"
    want=$3
    shift 4
    sh tests/validation.sh "$dir" "$dir/doc.md" "$@" >"$dir/log" 2>&1
    status=$?
    checks=$((checks + 1))
    if [ "$status" -ne "$want" ] || ! cmp -s "$dir/doc.md" "$dir/want.md"; then
        failures=$((failures + 1))
        echo "$what: status $status, wanted $want"
        cat "$dir/log" "$dir/doc.md"
    fi
}

program report_one 'echo new one'
program test_two '[ "$1" = --markdown ] && echo new two'
program report_bad 'echo half; exit 1'
n='
'
check 'both are replaced' "text$n<!-- begin one -->${n}old$n<!-- end one -->${n}more$n<!-- begin two -->$n<!-- end two -->${n}end" 0 \
    "text$n<!-- begin one -->${n}new one$n<!-- end one -->${n}more$n<!-- begin two -->${n}new two$n<!-- end two -->${n}end"
check 'only one is asked for' "<!-- begin one -->${n}old$n<!-- end one -->$n<!-- begin two -->${n}old$n<!-- end two -->" 0 \
    "<!-- begin one -->${n}old$n<!-- end one -->$n<!-- begin two -->${n}new two$n<!-- end two -->" two
bad="<!-- begin one -->${n}old$n<!-- end one -->$n<!-- begin bad -->${n}old$n<!-- end bad -->"
check 'a program fails' "$bad" 1 "$bad"
bad="<!-- begin one -->${n}old"
check 'a section without an end' "$bad" 1 "$bad"
bad="<!-- begin one -->${n}old$n<!-- end two -->"
check 'another end' "$bad" 1 "$bad"

echo "$((100 * (checks - failures) / checks))%: Checks: $checks, Failures: $failures, Errors: 0"
[ "$failures" -eq 0 ]
