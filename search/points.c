/* Points that may be asked: never asked before and satisfying the known constraints; where they come from when an algorithm
 * has none of its own. */
#include "base/mem.h"
#include "search/algorithm.h"

#include <string.h>

enum { RANDOM_TRIES = 64, REPAIR_TRIES = 60 };
static const int64_t WALK_STEPS = 4000000;

enum search_fresh search_fresh(struct search *s, double *x)
{
    space_canonical(s->problem.space, x);
    if (visited_has(&s->visited, visited_key(x, s->n))) {
        return SEARCH_SEEN;
    }
    if (s->problem.known_violation && s->problem.known_violation(s->problem.ctx, x) > 0) {
        return SEARCH_VIOLATES;
    }
    return SEARCH_FRESH;
}

double search_uniform_value(const struct variable *v, struct rng *r)
{
    return v->kind == VARIABLE_REAL ? space_from_unit(v, rng_uniform(r)) : (double)rng_below(r, v->n);
}

void search_uniform(const struct space *space, struct rng *r, double *x)
{
    for (int i = 0; i < space->n; i++) {
        x[i] = space_active(space, x, i) ? search_uniform_value(&space->var[i], r) : 0;
    }
}

/* One active variable gets another value: half of the time a near one, where values have an order. */
static void nudge(const struct space *space, struct rng *r, double *x)
{
    int i = (int)rng_below(r, space->n);
    const struct variable *v = &space->var[i];
    if (v->kind != VARIABLE_CATEGORY && rng_below(r, 2)) {
        double way = rng_below(r, 2) ? 1 : -1;
        if (v->kind == VARIABLE_REAL) {
            double u = space_to_unit(v, x[i]) + way * 0.2 * rng_uniform(r);
            x[i] = space_from_unit(v, u < 0 ? 0 : u > 1 ? 1 : u);
        } else {
            x[i] += way;
        }
    } else {
        x[i] = search_uniform_value(v, r);
    }
    space_canonical(space, x);
}

bool search_repair(struct search *s, struct rng *r, double *x)
{
    const struct space *space = s->problem.space;
    double *next = s->scratch, *best = s->scratch + s->n;
    size_t size = (size_t)s->n * sizeof *x;
    bool known = s->problem.known_violation != NULL;
    memcpy(best, x, size);
    space_canonical(space, best);
    double amount = known ? s->problem.known_violation(s->problem.ctx, best) : 0;
    for (int t = 0; t < REPAIR_TRIES; t++) {
        memcpy(next, best, size);
        for (int64_t k = 1 + (t >= 20) + (t >= 40); k > 0; k--) {
            nudge(space, r, next);
        }
        double a = known ? s->problem.known_violation(s->problem.ctx, next) : 0;
        if (!(a > 0) && !visited_has(&s->visited, visited_key(next, s->n))) {
            memcpy(x, next, size);
            return true;
        }
        if (a <= amount) {
            amount = a;
            memcpy(best, next, size);
        }
    }
    return false;
}

bool search_any(struct search *s, struct rng *r, double *x)
{
    for (int t = 0; t < RANDOM_TRIES; t++) {
        search_uniform(s->problem.space, r, x);
        enum search_fresh fresh = search_fresh(s, x);
        if (fresh == SEARCH_FRESH || (fresh == SEARCH_VIOLATES && search_repair(s, r, x))) {
            return true;
        }
    }
    for (int64_t t = 0; t < WALK_STEPS && !s->walk.done; t++) {
        walk_point(&s->walk, x);
        walk_step(&s->walk);
        if (search_fresh(s, x) == SEARCH_FRESH) {
            return true;
        }
    }
    return false;
}

double *search_latin(const struct search *s, int rows)
{
    int n = s->n;
    double *u = mem_calloc((size_t)rows * (size_t)n, sizeof *u);
    struct rng r;
    rng_init(&r, s->options.seed, 0, RNG_SELECT);
    for (int j = 0; j < n; j++) {
        for (int i = 0; i < rows; i++) { /* a random permutation, inside out */
            int k = (int)rng_below(&r, i + 1);
            u[i * n + j] = u[k * n + j];
            u[k * n + j] = i;
        }
        for (int i = 0; i < rows; i++) {
            u[i * n + j] = (u[i * n + j] + rng_uniform(&r)) / rows;
        }
    }
    return u;
}

void search_initial(const struct search *s, const double *sample, int64_t k, double *x)
{
    const struct variable *var = s->problem.space->var;
    if (k < s->options.n_start) {
        memcpy(x, s->start + k * s->n, (size_t)s->n * sizeof *x);
        return;
    }
    const double *u = sample + k * s->n;
    for (int i = 0; i < s->n; i++) {
        int from = i;
        for (int j = 0; k % 2 == 1 && var[i].family >= 0 && j < i && from == i; j++) {
            from = var[j].family == var[i].family ? j : i;
        }
        x[i] = space_from_unit(&var[i], u[from]);
    }
}
