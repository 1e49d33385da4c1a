/* What a Gaussian process learns in place of objectives and constraints. */
#ifndef SEARCH_TARGETS_H
#define SEARCH_TARGETS_H

#include <stdbool.h>
#include <stdint.h>

struct targets {
    int m, c;             /* objectives, constraints */
    double *bend, *width; /* [m] objectives are compressed above bend, in units of width */
    double *limit;        /* [c] scale of a constraint; 0: it says nothing */
    bool failures;        /* some evaluation failed */
};

void targets_init(struct targets *t, int m, int c);
void targets_release(struct targets *t);
/* Bends and scales from n results: f[n][m], g[n][c], violation[n] (0 feasible, INFINITY failed: its f and g are not looked at). */
void targets_choose(struct targets *t, const double *f, const double *g, const double *violation, int64_t n);
double targets_objective(const struct targets *t, int j, double y);  /* increasing in y */
double targets_constraint(const struct targets *t, int i, double v); /* odd, increasing in v but at 0; limit[i] > 0 */

#endif
