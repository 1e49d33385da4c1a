/* What of a front a person should see first: extremes, the knee, a spread, a thinned set, its hypervolume. A front here is
 * n rows of m values f[i * m + k], all minimised, finite, no row dominating another. No randomness: ties go to the
 * smaller index. */
#ifndef EXPERIMENTS_PICK_H
#define EXPERIMENTS_PICK_H

#include <stdbool.h>

/* The row with the least value of objective k; -1 when n is 0. O(n) */
int pick_least(const double *f, int n, int m, int k);

/* The row nearest to the ideal point (the least value of every objective), after each objective is scaled to [0, 1] over
 * the front: the compromise that gives up the same share of each range. -1 when n is 0. O(n m)
 * Zeleny, "Compromise programming", in Multiple Criteria Decision Making, 1973: the p = 2 solution with equal weights. */
int pick_knee(const double *f, int n, int m);

/* keep[i] = true for `want` rows at most: the extremes, the knee, then always the row farthest from those kept, in
 * scaled objectives (Gonzalez 1985, doi 10.1016/0304-3975(85)90224-5). Returns how many. O(n m want) */
int pick_spread(const double *f, int n, int m, int want, bool *keep);

/* keep[i] = false for a row that a kept one equals within the factor 1 + eps in every objective (f_kept <= (1 + eps) f;
 * for negative values |f| eps is allowed). Extremes and the knee stay. Returns how many. O(n^2 m)
 * Laumanns et al. 2002, doi 10.1162/106365602760234108 */
int pick_thin(const double *f, int n, int m, double eps, bool *keep);

/* The share of the box between `ideal` and `reference` that the front dominates, in [0, 1]. */
double pick_hypervolume(const double *f, int n, int m, const double *ideal, const double *reference);
/* A box for it: the least values, and the largest plus a tenth of the range (plus 1 where the range is 0). */
void pick_box(const double *f, int n, int m, double *ideal, double *reference);

#endif
