#!/bin/sh
# `make install` into an empty folder gives a program that runs, and libraries that a program of a user compiles and
# links with, by what pkg-config says and no more.
set -u
checks=0 failures=0
expect() # name, command
{
    checks=$((checks + 1))
    if ! out=$(eval "$2" 2>&1); then
        failures=$((failures + 1))
        echo "$1: $2: $out"
    fi
}
if [ "${DOVETAIL:-}" = build/release/dovetail ]; then
    root=$(mktemp -d) || exit 1
    trap 'rm -rf "$root"' EXIT
    expect install "env -u MAKEFLAGS -u MAKELEVEL make -j1 install PREFIX=/opt/dove DESTDIR=$root"
    to=$root/opt/dove
    cat > "$root/user.c" <<'EOT'
#include <dovetail.h>
#include <stdio.h>
int main(void)
{
    struct strbuf text = STRBUF_INIT;
    int n;
    embed_list(&n);
    strbuf_addf(&text, "%s %d", dovetail_version(), n);
    puts(strbuf_str(&text));
    strbuf_release(&text);
    return 0;
}
EOT
    PKG_CONFIG_PATH=$to/lib/pkgconfig
    export PKG_CONFIG_PATH
    flags="$(pkg-config --define-variable=prefix="$to" --cflags --libs dovetail)"
    static="$(pkg-config --define-variable=prefix="$to" --cflags --libs --static dovetail)"
    expect shared "gcc -Wall -Wextra -Werror -std=c11 $root/user.c -o $root/shared $flags"
    expect soname "LD_LIBRARY_PATH=$to/lib ldd $root/shared | grep -q 'libdovetail.so.0 => $to'"
    expect run-shared "LD_LIBRARY_PATH=$to/lib $root/shared | grep '^[0-9.]* [0-9]*$'"
    expect static "gcc -std=c11 $root/user.c -o $root/static $(echo "$static" | sed 's/-ldovetail/-l:libdovetail.a/')"
    expect run-static "$root/static | grep '^[0-9.]* [0-9]*$'"
    expect program "cd / && $to/bin/dovetail version"
    expect man "grep -q '^.TH DOVETAIL' $to/share/man/man1/dovetail.1"
    expect bash "bash -n $to/share/bash-completion/completions/dovetail"
    expect zsh "test -s $to/share/zsh/site-functions/_dovetail"
    expect fish "test -s $to/share/fish/vendor_completions.d/dovetail.fish"
    for header in "$to"/include/dovetail/*/*.h; do # each stands alone
        expect "$header" "echo '#include \"$header\"' | gcc -std=c11 -fsyntax-only -xc - $flags"
    done
fi
[ "$checks" -gt 0 ] || { echo "100%: Checks: 0, Failures: 0, Errors: 0"; exit 0; } # another variant is not installed
echo "$(((checks - failures) * 100 / checks))%: Checks: $checks, Failures: $failures, Errors: 0"
[ "$failures" -eq 0 ]
