#!/bin/sh
# What no compiler checks: who includes whom, unique file names, calls that a library must not make, words that mean
# unfinished. `sh tests/lint_source.sh [ROOT]`; one `file:line: message` a finding, then counts. tests/test_lint.sh
# proves that each rule finds something.
set -u
cd "${1:-.}" || exit 1
LC_ALL=C
export LC_ALL
layers='base hw sw costmodel search db experiments cli'
sources=$(find base hw sw costmodel search db experiments cli tests -name '*.[ch]' 2>/dev/null | sort)
findings=$(mktemp -d) || exit 1
trap 'rm -rf "$findings"' EXIT

# Who may include whom. cli may also use the headers that the headers of experiments show.
shown=$(cat experiments/*.h 2>/dev/null | sed -n 's/^#include "\([^"]*\)".*/\1/p' | sort -u | tr '\n' ' ')
may_use()
{
    case $1 in
    base) echo base ;;
    hw | sw) echo "$1 base" ;;
    costmodel) echo costmodel base hw sw ;;
    search | db) echo "$1 base" ;;
    experiments) echo experiments base hw sw costmodel search db ;;
    cli) echo cli base experiments ;;
    tests) echo tests "$layers" ;;
    esac
}
for dir in $layers tests; do
    files=$(echo "$sources" | grep "^$dir/")
    [ -n "$files" ] || continue
    # shellcheck disable=SC2086
    awk -v dir="$dir" -v allowed="$(may_use "$dir")" -v shown="$shown" '
        BEGIN {
            n = split(allowed, a, " "); for (i = 1; i <= n; i++) ok[a[i]] = 1
            n = split(shown, s, " "); for (i = 1; i <= n; i++) ok_file[s[i]] = 1
        }
        /^[ \t]*#[ \t]*include[ \t]*"/ {
            split($0, q, "\""); path = q[2]; split(path, part, "/")
            if (path == "build_stamp.h") next
            if (path !~ "/") printf "%s:%d: include \"%s\" from the root of the tree: \"%s/%s\"\n", FILENAME, FNR, path, dir, path
            else if (!(part[1] in ok) && !(dir == "cli" && path in ok_file))
                printf "%s:%d: %s must not know %s\n", FILENAME, FNR, dir, path
        }' $files
done > "$findings/layers"

# One name, one file; x.c and x.h live together.
echo "$sources" | awk -F/ '{
    name = $NF; stem = name; sub(/\.[ch]$/, "", stem); dir = $0; sub(/\/[^\/]*$/, "", dir)
    if (name in seen) printf "%s:1: a file of this name exists: %s\n", $0, seen[name]
    else if (stem in home && home[stem] != dir) printf "%s:1: a file of this name exists in %s/\n", $0, home[stem]
    seen[name] = $0; home[stem] = dir
}' > "$findings/names"

# Calls. Comments and strings are taken away first; line numbers stay.
strip()
{
    awk -v name="$1" '
        { line = $0; out = ""
          while (line != "") {
              if (in_comment) { i = index(line, "*/"); if (!i) { line = ""; break } line = substr(line, i + 2); in_comment = 0; continue }
              if (match(line, /"([^"\\]|\\.)*"|\/\*|\/\/.*|\047([^\047\\]|\\.)*\047/) == 0) { out = out line; break }
              token = substr(line, RSTART, RLENGTH); out = out substr(line, 1, RSTART - 1)
              line = substr(line, RSTART + RLENGTH)
              if (token == "/*") in_comment = 1; else if (token ~ /^"/) out = out "\"\""
          }
          while (out ~ /\\$/ && (getline more) > 0) { sub(/\\$/, "", out); out = out more; extra++ }
          printf "%s:%d:%s\n", name, FNR - extra, out; extra = 0 }' "$1"
}
for file in $sources; do strip "$file"; done > "$findings/code"
forbid() # where, calls, why [, file where it may be]
{
    grep -E "^($1)/" "$findings/code" | grep -v "^${4:-none}:" |
        sed -n -E "s@^([^:]*:[0-9]+):(.*[^A-Za-z0-9_.>])?($2) *\(.*@\1: \3(): $3@p"
}
library='base|hw|sw|costmodel|search|db|experiments'
{
    forbid "$library" 'printf|puts|putchar|vprintf|perror' 'a library never prints'
    grep -E "^($library)/" "$findings/code" | grep -E '[^A-Za-z0-9_](stdout|stderr)[^A-Za-z0-9_]' | grep -v '^base/mem.c:' |
        sed -E 's/^([^:]*:[0-9]+):.*/\1: a library never prints/'
    forbid "$library" 'exit|_exit|quick_exit|abort' 'a library never exits' base/mem.c
    forbid "$library|cli" 'sprintf|vsprintf|strcpy|strcat|gets|strtok|atoi|atol|atof|alloca' 'has no bound, or no error'
    forbid "$library|cli" 'rand|srand|random|srandom|drand48|lrand48' 'random numbers come from base/rng.h'
    forbid "$library|cli" 'malloc|calloc|realloc|strdup|strndup' 'memory comes from base/mem.h' base/mem.c
    forbid 'base|hw|sw|costmodel|search' 'time|clock|clock_gettime|gettimeofday|getenv|getpid|omp_get_thread_num' \
        'the result must not depend on it' 'base/clock.[ch]'
    forbid 'base|hw|sw|costmodel|search' 'clock_wall_s|clock_process_s|clock_thread_s' \
        'the result must not depend on it' 'base/clock.[ch]'
    forbid "$library" 'setlocale|system|popen|fork' 'changes the whole process'
    grep -E "^($library|cli)/[^:]*:[0-9]+: *# *pragma +omp +parallel" "$findings/code" | grep -v 'default(none)' |
        sed -E 's/^([^:]*:[0-9]+):.*/\1: omp parallel needs default(none)/'
    grep -E '^[^:]*:[0-9]+: *# *pragma +omp +(parallel|for).*reduction\(' "$findings/code" |
        sed -E 's/^([^:]*:[0-9]+):.*/\1: a reduction depends on the number of threads: write out[i], sum in order/'
} > "$findings/calls"

# Words that mean unfinished, in everything that a person wrote.
files=$(find base hw sw costmodel search db experiments cli tests docs Makefile README.md .ci -type f ! -name lint_source.sh \
    ! -name test_lint.sh 2>/dev/null)
# shellcheck disable=SC2086
grep -n -I -w -i -E 'TODO|FIXME|stub|stubs|not implemented|for now' $files /dev/null |
    sed -E 's/^([^:]*:[0-9]+):.*/\1: says that something is unfinished/' > "$findings/words"

status=0
for rule in layers names calls words; do
    cat "$findings/$rule"
    n=$(wc -l < "$findings/$rule")
    echo "$rule: $(echo "$sources" | wc -l) files, $n findings"
    [ "$n" -eq 0 ] || status=1
done
exit $status
