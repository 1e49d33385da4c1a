/* Ordered variables lie on [0, 1]; different categories are at distance 1; so, nearly, is inactive from active. A category takes
 * one feature a level, a variable that may be inactive one more: so the distance is Euclidean and the kernel positive definite. */
#include "search/features.h"

#include "base/mem.h"
#include "search/algorithm.h"

#include <string.h>

enum { CATEGORY_MAX = 64 };          /* levels of a category that get features of their own */
static const double INACTIVE = 0.95; /* how far an inactive variable is from an active one, over its range */

static void find_sleepers(struct features *f, uint64_t seed)
{
    const struct space *space = f->space;
    double *x = mem_calloc((size_t)space->n, sizeof *x);
    struct rng r;
    rng_init(&r, seed, 0, RNG_MODEL);
    for (int t = 0; t < 300 && space->active; t++) {
        search_uniform(space, &r, x);
        for (int i = 0; i < space->n; i++) {
            f->may_sleep[i] = f->may_sleep[i] || !space_active(space, x, i);
        }
    }
    mem_free(x);
}

static int width_of(const struct features *f, int i)
{
    const struct variable *v = &f->space->var[i];
    return v->kind == VARIABLE_CATEGORY && v->n <= CATEGORY_MAX ? (int)v->n : 1 + f->may_sleep[i];
}

void features_init(struct features *f, const struct space *space, uint64_t seed)
{
    int n = space->n;
    memset(f, 0, sizeof *f);
    f->space = space;
    f->may_sleep = mem_calloc((size_t)n, sizeof *f->may_sleep);
    f->offset = mem_calloc((size_t)n, sizeof *f->offset);
    find_sleepers(f, seed);
    for (int i = 0; i < n; i++) {
        f->offset[i] = f->d;
        f->d += width_of(f, i);
    }
    f->variable = mem_calloc((size_t)f->d, sizeof *f->variable);
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < width_of(f, i); j++) {
            f->variable[f->offset[i] + j] = i;
        }
    }
}

void features_of(const struct features *f, const double *x, double *out)
{
    const struct space *space = f->space;
    memset(out, 0, (size_t)f->d * sizeof *out);
    for (int i = 0; i < space->n; i++) {
        double *at = out + f->offset[i];
        bool awake = !f->may_sleep[i] || space_active(space, x, i);
        if (space->var[i].kind == VARIABLE_CATEGORY && space->var[i].n <= CATEGORY_MAX) {
            if (awake) {
                at[(int)x[i]] = 0.70710678118654752440;
            }
        } else if (f->may_sleep[i]) {
            at[0] = awake ? space_to_unit(&space->var[i], x[i]) : 0.5;
            at[1] = awake ? 0 : INACTIVE;
        } else {
            at[0] = space_to_unit(&space->var[i], x[i]);
        }
    }
}

void features_release(struct features *f)
{
    mem_free(f->variable);
    mem_free(f->offset);
    mem_free(f->may_sleep);
    memset(f, 0, sizeof *f);
}
