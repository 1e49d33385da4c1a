/* The one place where everything meets: a point of a study's space becomes an accelerator, a workload and a partition, is priced by the cost
 * model, and comes back as metrics. A pure function of the study's model and the point (law 2); thread-safe. */
#ifndef EXPERIMENTS_EVALUATOR_H
#define EXPERIMENTS_EVALUATOR_H

#include "costmodel/network_cost.h"
#include "db/db.h"
#include "experiments/study.h"

struct evaluation {
    enum db_state state; /* DB_INFEASIBLE: a constraint is violated, or no mapping fits (then metrics are NaN) */
    double metric[METRIC_COUNT]; /* in the units of their columns; NaN where not defined */
    double violation[STUDY_CONSTRAINTS +
                     1]; /* [study->n_constraints + 1]: 0 where it holds; the last: 1 when no mapping fits */
    double us;           /* wall-clock of this evaluation */
    /* What does not fit, or why it failed; of a good one: what was tried again; "". Last: a message between ranks ends with it. */
    char why[512];
};

/* Why an evaluation failed; the text of `why` begins with its name, so that a stored one is known again. */
enum failure { FAILURE_TIMEOUT, FAILURE_CRASHED, FAILURE_BAD_ANSWER, FAILURE_REPORTED, FAILURE_MODEL, FAILURE_COUNT };
extern const char *const failure_names[FAILURE_COUNT]; /* "timeout", "crashed", "bad answer", "reported", "model" */
enum failure evaluation_failure(const struct evaluation *v); /* of one that failed */

struct evaluator;
struct external;

/* `memo` holds mappings that were found already, `cache` (shared_cache.h) evaluations of any study; NULL: none. All are borrowed. Caller frees. */
struct evaluator *evaluator_new(const struct study *s, struct memo *memo, struct db *cache);
/* The external evaluator of a study that has one: started here for `threads` threads, or one that runs already (borrowed). Without it such a study's
 * evaluations fail. 0; -1 with ERR_EVALUATOR. */
int evaluator_start(struct evaluator *e, int threads, struct err *err);
void evaluator_adopt(struct evaluator *e, struct external *running);
const struct external *evaluator_external(const struct evaluator *e); /* borrowed; NULL: none */
int64_t evaluator_cache_hits(struct evaluator *e);                    /* evaluations that the cache answered */
void evaluator_free(struct evaluator *e);

/* Prices canonical point x. Never fails as a call: what is wrong with a design is in out->state and out->why. Any thread. */
void evaluator_run(struct evaluator *e, const double *x, struct evaluation *out);

/* What a formula without mappings thinks of x (costmodel/roofline.h), some 100 us: neither cache nor external evaluator is asked; metrics that only
 * the latter gives are NaN, and constraints on them hold. */
void evaluator_guess(struct evaluator *e, const double *x, struct evaluation *out);

/* The same as evaluator_run() with every detail, for `dovetail eval --explain`: accelerator and network cost, ERR_NO when no mapping fits. */
struct evaluation_detail {
    struct accelerator accelerator;
    struct network *network;   /* owned: bits set */
    struct network_cost *cost; /* owned */
    struct op_place *place;    /* owned, [network->n_ops] */
    struct network_options options;
};
int evaluator_explain(struct evaluator *e, const double *x, struct evaluation_detail *out, struct err *err);
void evaluation_detail_release(struct evaluation_detail *d);

/* What the search is told: f[n_objectives] minimised, g[n_constraints]; f[0] = NaN when there are no metrics. */
void evaluation_tell(const struct study *s, const struct evaluation *v, double *f, double *g);

#endif
