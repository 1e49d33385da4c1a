/* Uniform sampling of the canonical space without repetition. Depends on no results, so thousands may run at once. */
#include "base/mem.h"
#include "search/algorithm.h"

#include <string.h>

static void *create(struct search *s, struct err *err)
{
    (void)err;
    struct search **state = mem_calloc(1, sizeof *state);
    *state = s;
    return state;
}

static void destroy(void *state)
{
    mem_free(state);
}

static int64_t needs(const void *state, int64_t k)
{
    const struct search *s = *(struct search *const *)state;
    int64_t lag = s->options.lag > 0 ? s->options.lag : SEARCH_FREE_LAG;
    return k >= lag ? k - lag + 1 : 0;
}

static bool propose(void *state, int64_t k, double *x)
{
    struct search *s = *(struct search **)state;
    struct rng r;
    rng_init(&r, s->options.seed, (uint64_t)k, RNG_INIT);
    return search_any(s, &r, x);
}

static void result(void *state, int64_t k, const double *x, const double *f, const double *g, double violation)
{
    (void)state, (void)k, (void)x, (void)f, (void)g, (void)violation;
}

const struct search_ops search_random_ops = {create, destroy, needs, propose, result, NULL, NULL};
