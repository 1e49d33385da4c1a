/* Where the energy and the time of stored designs go: by operator, level and tensor, into the tables `layers`, `layer_cost` and `mappings`, so
 * that a front can be asked "why" in plain SQL. The front's designs are broken down when a study ends; others by `dovetail eval --save`. */
#ifndef EXPERIMENTS_BREAKDOWN_H
#define EXPERIMENTS_BREAKDOWN_H

#include "db/db.h"
#include "experiments/evaluator.h"

#include <signal.h>

#define BREAKDOWN_DESIGNS 100 /* of a front: its extremes, its knee, then the farthest from those (pick_spread()) */

/* Designs of the front, at most BREAKDOWN_DESIGNS, fewer when *stop becomes nonzero (NULL: never). e NULL: with an evaluator of its own. Cost:
 * an evaluation a design, with the evaluator's memo. */
int breakdown_front(const struct study *s, struct evaluator *e, struct db *db, const volatile sig_atomic_t *stop,
                    struct err *err);

/* Point x, which is the design of trial `number`; with the loop nests when `loops`, found anew by the mapper (the same ones: law 2).
 * ERR_NO when no mapping fits. */
int breakdown_design(struct evaluator *e, struct db *db, int64_t number, const double *x, bool loops, struct err *err);

/* The mapping of operator i, which must be a tensor operator, again. */
int breakdown_mapping(const struct evaluation_detail *d, int i, struct mapper_result *out, struct err *err);

#endif
