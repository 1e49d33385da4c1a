#!/bin/sh
# Each rule of lint_source.sh finds what it is there for, and nothing in clean code.
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(mktemp -d) || exit 1
trap 'rm -rf "$root"' EXIT
checks=0 failures=0
mkdir -p "$root/base" "$root/hw" "$root/sw" "$root/cli" "$root/experiments" "$root/db" "$root/search"

expect() # file, text, the message's end (empty: no finding)
{
    checks=$((checks + 1))
    printf '%s\n' "$2" > "$root/$1"
    out=$(sh "$here/lint_source.sh" "$root" | grep -v ' findings$')
    rm "$root/$1"
    case $out in
    "$3") ;;
    "$1:"*"$3") [ -n "$3" ] || { failures=$((failures + 1)); echo "false alarm on [$2]: $out"; } ;;
    *) failures=$((failures + 1)); echo "$1 [$2]: expected [$3], got [$out]" ;;
    esac
}

echo 'int db_open(void);' > "$root/db/db.h"
echo '#include "db/db.h"' > "$root/experiments/study.h"
expect hw/a.c '#include "base/err.h"' ''
expect hw/a.c '#include "sw/einsum.h"' 'hw must not know sw/einsum.h'
expect base/a.c '#include "db/db.h"' 'base must not know db/db.h'
expect base/a.c '#include "err.h"' 'include "err.h" from the root of the tree: "base/err.h"'
expect cli/a.c '#include "db/db.h"' ''
expect cli/a.c '#include "sw/einsum.h"' 'cli must not know sw/einsum.h'
expect hw/db.c 'int x;' 'a file of this name exists in db/'
expect hw/db.h 'int x;' 'a file of this name exists: db/db.h'
expect base/a.c 'void f(void) { printf("x"); }' 'printf(): a library never prints'
expect cli/a.c 'void f(void) { printf("x"); }' ''
expect base/a.c 'void f(void) { fputs("x", stderr); }' 'a library never prints'
expect base/a.c '/* printf("x"); exit(1) */' ''
expect base/a.c '/* a comment
 * printf("x"); */ const char *s = "exit(1)"; // exit(2)' ''
expect base/a.c 'void f(void) { snprintf(0, 0, "x"); strbuf_printf(); x->exit(1); }' ''
expect db/a.c 'void f(void) { exit (1); }' 'exit(): a library never exits'
expect cli/a.c 'void f(void) { strcpy(a, b); }' 'strcpy(): has no bound, or no error'
expect hw/a.c 'int f(void) { return rand(); }' 'rand(): random numbers come from base/rng.h'
expect hw/a.c 'int f(void) { return time(0); }' 'time(): the result must not depend on it'
expect db/a.c 'int f(void) { return time(0); }' ''
expect search/a.c 'double f(void) { return clock_wall_s(); }' 'clock_wall_s(): the result must not depend on it'
expect db/a.c 'double f(void) { return clock_wall_s(); }' ''
expect hw/a.c 'void *f(void) { return malloc(1); }' 'malloc(): memory comes from base/mem.h'
expect base/mem.c 'void *f(void) { return malloc(1); }' ''
expect experiments/a.c '#pragma omp parallel for' 'omp parallel needs default(none)'
expect experiments/a.c '#pragma omp parallel for default(none) \
    shared(x)' ''
expect experiments/a.c '#pragma omp parallel for \
    default(none) shared(x)' ''
expect experiments/a.c '#pragma omp parallel for default(none) reduction(+:x)' \
    'a reduction depends on the number of threads: write out[i], sum in order'
expect search/a.c '#pragma omp simd reduction(+ : x)' ''
expect base/a.c '/* TODO: later */' 'says that something is unfinished'
expect base/a.c 'int method_stubby;' ''

echo "$(((checks - failures) * 100 / checks))%: Checks: $checks, Failures: $failures, Errors: 0"
[ "$failures" -eq 0 ]
