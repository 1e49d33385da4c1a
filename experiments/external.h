/* The external evaluator of a study: processes of a user's program that answer metrics, as many as there are threads, each started when first needed
 * and again after a failure. docs/evaluators.md has the protocol. */
#ifndef EXPERIMENTS_EXTERNAL_H
#define EXPERIMENTS_EXTERNAL_H

#include "db/db.h"
#include "experiments/external_answer.h"
#include "experiments/study.h"

struct external;

/* Starts one process and reads its greeting. NULL and ERR_EVALUATOR when it does not start, or is not what the study asks for. Caller frees.
 * `spec` is borrowed. `threads`: most calls of external_price() at a time. */
struct external *external_open(const struct study_evaluator *spec, int threads, struct err *err);
/* Ends every process; none is left. At most two seconds. */
void external_free(struct external *e);

const struct external_hello *external_says(const struct external *e); /* borrowed */

/* One design. `request` is a line of JSON about design `id`. EXTERNAL_OK: metric[] is filled for the metrics of the greeting. Else why says what
 * happened. A timeout or a crash is tried again as often as the study allows; why has the last reason even when the answer is
 * good in the end. Any thread. */
enum external_outcome external_price(struct external *e, const char *id, const char *request,
                                     double metric[METRIC_COUNT], struct strbuf *why);

/* A design as the evaluator of studies has it. */
struct external_design {
    const struct study *study;
    const double *x, *slots;       /* canonical point and its slots */
    const struct network *network; /* bits set */
};
/* metric[] (base units, of our own model or NaN) takes the answers; what followed from a replaced one is made anew or unknown. `cache` may be NULL.
 * `note` tells of a good answer what was tried again. ERR_NO: infeasible, ERR_EVALUATOR: it failed, the sentence begins with how. Any thread. */
int external_evaluate(struct external *e, struct db *cache, const struct external_design *d,
                      double metric[METRIC_COUNT], struct strbuf *note, struct err *err);

#endif
