/* Runs a command line as a person would, for tests of the program. */
#ifndef TESTS_SHELL_H
#define TESTS_SHELL_H

#include "base/strbuf.h"

struct shell {
    int status;        /* exit status; 128 + signal when killed */
    struct strbuf out; /* standard output */
    struct strbuf err; /* standard error */
};

/* `dovetail` in the formatted command is the program under test ($DOVETAIL). The result is overwritten; release it in the end. */
void shell_run(struct shell *sh, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void shell_release(struct shell *sh);

#endif
