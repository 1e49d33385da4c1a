/* The space that a search moves in: variables with domains and conditions; a point is one double per variable. No hardware in sight.
 *
 * A real variable's coordinate is its value; an ordered or categorical one's is a level index 0..n-1. Inactive variables (their condition is
 * false) take the coordinate 0 in the canonical form, on which duplicates are found, points are hashed and models are fitted. */
#ifndef SEARCH_SPACE_H
#define SEARCH_SPACE_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum variable_kind { VARIABLE_REAL, VARIABLE_ORDERED, VARIABLE_CATEGORY };

struct variable {
    char name[64];
    enum variable_kind kind;
    double lo, hi;  /* real: bounds, lo < hi */
    bool log;       /* real: search on a log scale, lo > 0 */
    int64_t n;      /* ordered, category: levels, >= 1 */
    double *values; /* ordered: [n] the numbers behind the levels, increasing (owned), or NULL: 0..n-1 */
    int group; /* variables of one group (the bits of one block, rows and columns) may be exchanged together; -1: none */
    int family; /* variables of one family mean the same for different groups (w_bits of every block); -1: none */
};

struct space {
    struct variable *var; /* [n], owned */
    int n, cap;
    /* Is variable i active at x? NULL: all are. Must depend on variables before i only. Called by many threads. */
    bool (*active)(const void *ctx, const double *x, int i);
    const void *ctx;
};

void space_init(struct space *s);
void space_release(struct space *s);
struct variable *space_add(struct space *s, const char *name,
                           enum variable_kind kind); /* zeroed but for name, kind, group, family -1 */
int space_check(const struct space *s, struct err *err);
double
space_cardinality(const struct space *s); /* product of levels, ignoring conditions; INFINITY with a real variable */
void space_canonical(const struct space *s, double *x); /* rounds discrete, clamps, zeroes inactive: in place */
bool space_active(const struct space *s, const double *x, int i); /* x canonical in the variables before i */
/* The unit interval: a real on its scale (log where asked), a level as index / (n - 1). Exact inverses up to rounding for reals;
 * space_from_unit() cuts [0, 1) into n equal parts for levels, so a uniform u gives a uniform level. */
double space_to_unit(const struct variable *v, double x);
double space_from_unit(const struct variable *v, double u);

#endif
