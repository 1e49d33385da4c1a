/* What an external evaluator says, line by line: its greeting and its answers (docs/evaluators.md). Everything is checked; nothing is guessed. */
#ifndef EXPERIMENTS_EXTERNAL_ANSWER_H
#define EXPERIMENTS_EXTERNAL_ANSWER_H

#include "base/strbuf.h"
#include "experiments/metrics.h"

#include <stdbool.h>

struct external_hello {
    char *name, *version;
    bool metric[METRIC_COUNT]; /* that its answers hold */
};

enum external_outcome {
    EXTERNAL_OK,
    EXTERNAL_INFEASIBLE, /* it says that the design cannot be */
    EXTERNAL_REPORTED,   /* it says that it failed */
    EXTERNAL_TIMEOUT,
    EXTERNAL_CRASHED,
    EXTERNAL_BAD_ANSWER,
    EXTERNAL_OUTCOME_COUNT
};
extern const char *const external_outcome_names[EXTERNAL_OUTCOME_COUNT]; /* "ok", "timeout", "bad answer", ... */

/* 0, or -1 and a sentence in why. Release it either way. */
int external_read_hello(const struct strbuf *line, struct external_hello *hello, struct strbuf *why);
void external_hello_release(struct external_hello *hello);

/* EXTERNAL_OK: metric[m] is filled, in the units of the columns, for every m of the greeting, the others are left alone. Else a sentence in why. */
enum external_outcome external_read_answer(const struct strbuf *line, const struct external_hello *hello,
                                           const char *id, double metric[METRIC_COUNT], struct strbuf *why);

#endif
