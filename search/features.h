/* Points of a mixed, conditional space as rows of numbers between which a Gaussian process takes Euclidean distances. */
#ifndef SEARCH_FEATURES_H
#define SEARCH_FEATURES_H

#include "search/space.h"

struct features {
    const struct space *space; /* borrowed */
    int d, *variable, *offset; /* features; [d] their variable; [n] where a variable's begin */
    bool *may_sleep;           /* [n] the variable is inactive at some points */
};

void features_init(struct features *f, const struct space *space, uint64_t seed);
void features_release(struct features *f);
void features_of(const struct features *f, const double *x, double *out); /* out[d] of a canonical point */

#endif
