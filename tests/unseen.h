/* Problems that the search is not tuned on: what a change made for the problems of tests/problems.h does to others. Keep them so: they
 * judge a change that was chosen elsewhere; a constant chosen by them makes them worth nothing.
 *
 * Constraints g <= 0 are satisfied. The formulas are those of the papers in the table; tests/test_unseen.c checks each problem against
 * what is known of its front, or against values of another program. KNAP and CODES are ours (unseen_mixed.c defines them), and SHIP is
 * the RE42 of the literature with one formula mended (unseen.c says which), so its published front is not SHIP's. */
#ifndef TESTS_UNSEEN_H
#define TESTS_UNSEEN_H

#include "tests/problems.h"

extern const struct problem unseen_problems[];       /* ends with name NULL */
const struct problem *unseen_find(const char *name); /* NULL: there is none */

/* Rows of the table that unseen_mixed.c makes. */
void unseen_knapsack_space(struct space *s);
void unseen_knapsack(const double *x, double *f, double *g);
void unseen_codes_space(struct space *s);
void unseen_codes(const double *x, double *f, double *g);
double unseen_codes_known(const void *ctx, const double *x);

#endif
