/* Every point of the space in mixed-radix order, the last variable fastest; reals on a grid of options.grid values. Points
 * that violate known constraints are skipped. The front that search keeps is then certain: the true front of a discrete space,
 * and that of the grid otherwise. Nothing is remembered but the position and the front, so 10^8 points are no burden. */
#include "base/mem.h"
#include "search/algorithm.h"

#include <stddef.h>

struct exhaustive {
    struct search *s;
    struct walk walk;
};

static void *create(struct search *s, struct err *err)
{
    (void)err;
    struct exhaustive *e = mem_calloc(1, sizeof *e);
    e->s = s;
    walk_init(&e->walk, s->problem.space, s->options.grid);
    s->forgets = true; /* no point comes twice */
    return e;
}

static void destroy(void *state)
{
    struct exhaustive *e = state;
    walk_release(&e->walk);
    mem_free(e);
}

static int64_t needs(const void *state, int64_t k)
{
    const struct search *s = ((const struct exhaustive *)state)->s;
    int64_t lag = s->options.lag > 0 ? s->options.lag : SEARCH_FREE_LAG;
    return k >= lag ? k - lag + 1 : 0;
}

static bool propose(void *state, int64_t k, double *x)
{
    (void)k;
    struct exhaustive *e = state;
    while (!e->walk.done) {
        walk_point(&e->walk, x);
        walk_step(&e->walk);
        if (search_fresh(e->s, x) == SEARCH_FRESH) {
            return true;
        }
    }
    return false;
}

static void result(void *state, int64_t k, const double *x, const double *f, const double *g, double violation)
{
    (void)state, (void)k, (void)x, (void)f, (void)g, (void)violation;
}

const struct search_ops search_exhaustive_ops = {create, destroy, needs, propose, result, NULL, NULL};
