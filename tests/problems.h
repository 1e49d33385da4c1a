/* Test problems with known fronts, for the tests and the benchmark of the search. Formulas from the papers named in the table;
 * constraints g <= 0 are satisfied. */
#ifndef TESTS_PROBLEMS_H
#define TESTS_PROBLEMS_H

#include "search/search.h"

#include <stdio.h>

enum { PROBLEM_MAX_N = 96 };

struct problem {
    const char *name, *source;
    int n, m, c;
    void (*shape)(struct space *s);                      /* adds the n variables */
    void (*eval)(const double *x, double *f, double *g); /* x as searched: level indices for discrete variables */
    double (*known)(const void *ctx, const double *x);   /* of struct search_problem; NULL: none */
};
extern const struct problem problems[]; /* ends with name NULL */

const struct problem *problem_find(const char *name);
void problem_space(const struct problem *p, struct space *s); /* caller releases */
/* What to give to search_new(); `space` is borrowed. */
struct search_problem problem_search(const struct problem *p, const struct space *space);

/* For the tables of problems. Variables are named by their number; levels returns the variable, borrowed until the next. */
void problem_reals(struct space *s, int n, double lo, double hi);
struct variable *problem_levels(struct space *s, enum variable_kind kind, int n);
/* Sum of the amounts by which q >= 0 fails: how the RE problems turn constraints into an objective. */
double problem_shortfall(const double *q, int n);
/* Car side impact (RE41 and CRE31): x[7], f[3], and q[10], which should be >= 0. */
void problem_car_space(struct space *s);
void problem_car_impact(const double *x, double *f, double *q);

struct problem_front { /* a reference front (tests/fixtures/search/README.md) */
    double volume, low[8], high[8];
    double *at; /* [n][m] normalised; mem_free() */
    int n;
};
struct problem_front problem_front_read(const char *dir, const struct problem *p); /* exits when it is not there */
FILE *problem_fixture(const char *dir, const char *name, const char *suffix);      /* likewise */

/* Runs a search to its end or its next moment of exchange, asking at most `batch` points at a time (0: all that may be asked); trial k's point goes to
 * x[k * n ..] and its objectives to f[k * m ..] where those are not NULL. Returns the number of trials. */
int64_t problem_run(const struct problem *p, struct search *s, int64_t batch, double *x, double *f);

#endif
