/* Where the model's score is best, among points that may be asked; and points bred without asking the model. */
#ifndef SEARCH_ACQUISITION_H
#define SEARCH_ACQUISITION_H

#include "search/algorithm.h"
#include "search/surrogate.h"
#include "search/variation.h"

struct acquisition {
    struct search *s; /* all borrowed */
    struct surrogate *m;
    const struct variation *v;
    double side;   /* of the trust region */
    int good, bad; /* of the model's trials in a row that entered the archive, that did not */
};

void acquisition_init(struct acquisition *a, struct search *s, struct surrogate *m, const struct variation *v);
/* x: the best point found, after surrogate_learn(). False: none may be asked. */
bool acquisition_best(const struct acquisition *a, struct rng *r, double *x);
/* x: an offspring of the front, or of the least infeasible results, by this move. False: none that may be asked came of some tries. */
bool acquisition_breed(const struct acquisition *a, enum variation_move move, struct rng *r, double *x);
/* A trial of the model entered the archive, or did not: the trust region grows or shrinks. */
void acquisition_adjust(struct acquisition *a, bool entered);

#endif
