#!/bin/sh
# Rebuilds the tables of a document, docs/validation.md by default. What stands between
#     <!-- begin NAME -->
#     <!-- end NAME -->
# is replaced by what a program of the build folder prints: report_NAME, or else bench_NAME or test_NAME with --markdown. The document
# is written only when all of them succeed. Further arguments: the names to rebuild, others stay.
set -eu
build=$1 doc=$2
shift 2
only=" $* "
new=$(mktemp -d)
trap 'rm -rf "$new"' EXIT

for name in $(sed -n 's/^<!-- begin \([a-z0-9_]*\) -->$/\1/p' "$doc"); do
    case $only in '  ' | *" $name "*) ;; *) continue ;; esac
    if [ -x "$build/tests/report_$name" ]; then
        set -- "$build/tests/report_$name"
    elif [ -x "$build/tests/bench_$name" ]; then
        set -- "$build/tests/bench_$name" --markdown
    else
        set -- "$build/tests/test_$name" --markdown
    fi
    "$@" >"$new/$name" || { cat "$new/$name"; echo "validation: $1 failed" >&2; exit 1; }
    echo "  $name: $(grep -c '' "$new/$name") lines by ${1##*/}"
done

awk -v dir="$new" -v doc="$doc" '
function fail(why) { print doc ":" NR ": " why > "/dev/stderr"; bad = 1; exit 1 }
/^<!-- begin [a-z0-9_]+ -->$/ {
    if (name != "") fail("section " name " has no end")
    name = $3
    file = dir "/" name
    print
    made = 0
    while ((getline line < file) > 0) { print line; made = 1 }
    close(file)
    next
}
/^<!-- end [a-z0-9_]+ -->$/ {
    if ($3 != name) fail("this ends no section")
    name = ""
    made = 0
}
!made
END { if (!bad && name != "") fail("section " name " has no end") }
' "$doc" >"$new.md" || { rm -f "$new.md"; exit 1; }
cmp -s "$new.md" "$doc" && echo "$doc: nothing new" || { cat "$new.md" >"$doc"; echo "$doc: rewritten"; }
rm -f "$new.md"
