#!/bin/sh
# Writes assembly that puts each file named on the command line into the binary, and the table that base/embed.c searches.
# Assembly because it needs no tool but the compiler and no copy of the data in another syntax.
set -eu
echo '    .section .rodata'
i=0
for f in "$@"; do
    printf '.Lp%d: .asciz "%s"\n.Ld%d: .incbin "%s"\n.Le%d: .byte 0\n' "$i" "$f" "$i" "$f" "$i"
    i=$((i + 1))
done
cat <<EOF
    .section .data.rel.ro, "aw"
    .balign 8
    .globl embed_table
embed_table:
EOF
i=0
for f in "$@"; do
    printf '    .quad .Lp%d, .Ld%d, .Le%d - .Ld%d\n' "$i" "$i" "$i" "$i"
    i=$((i + 1))
done
cat <<EOF
    .section .rodata
    .balign 4
    .globl embed_count
embed_count: .long $i
    .section .note.GNU-stack, "", @progbits
EOF
