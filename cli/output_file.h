/* Where a verb with -o FILE writes. Nothing is overwritten without --force. */
#ifndef CLI_OUTPUT_FILE_H
#define CLI_OUTPUT_FILE_H

#include "cli/cli.h"

#include <stdio.h>

struct strbuf;

/* path NULL: standard output, which output_close() leaves open. NULL and the exit status in *status after an error was printed. */
FILE *output_open(const struct cli *cli, const char *path, bool force, int *status);
/* 0, or the exit status after an error was printed: not all may have been written. */
int output_close(const struct cli *cli, FILE *f, const char *path);
/* A whole text; says "wrote FILE (N bytes)". */
int output_text(const struct cli *cli, const char *path, bool force, const struct strbuf *text);

#endif
