/* Two fidelities: where the problem has a cheap estimate, the space is searched on it first, and the front found there, thinned to a
 * few points that lie apart, is asked first. The estimate's errors then cost these few trials at most, whereas a model or a filter that
 * trusts it would keep its errors for the whole run; and every algorithm can use points to start from.
 * (A successive halving of two rungs: Jamieson and Talwalkar, AISTATS 2016.) */
#include "base/mem.h"
#include "search/algorithm.h"
#include "search/survival.h"

#include <string.h>

enum { ESTIMATES = 10000, MOST_STARTS = 10, LEAST_STARTS = 4, STARTS_SHARE = 12 };

static void estimate_all(struct search *s, const struct search_problem *p)
{
    double *x = mem_calloc((size_t)(s->n + s->m + s->c) + 1, sizeof *x), *f = x + s->n, *g = f + s->m;
    while (search_stop(s) == SEARCH_RUNNING && search_ask(s, x)) {
        p->estimate(p->ctx, x, f, g);
        search_tell(s, f, g);
    }
    mem_free(x);
}

int search_estimated(const struct search_problem *p, const struct search_options *o, double **start)
{
    struct search_options cheap = {.algorithm = "nsga2", .budget = ESTIMATES, .seed = o->seed, .epsilon = o->epsilon};
    int64_t want = o->plan / STARTS_SHARE;
    want = want < LEAST_STARTS ? LEAST_STARTS : want > MOST_STARTS ? MOST_STARTS : want;
    struct search_problem own = *p;
    own.estimate = NULL;
    struct search *s = search_new(&own, &cheap, NULL);
    estimate_all(s, p);
    int n = s->archive.n, keep = n < want ? n : (int)want, kept = 0;
    int *member = mem_calloc((size_t)n + 1, sizeof *member);
    bool *stays = mem_calloc((size_t)n + 1, sizeof *stays);
    double *worth = mem_calloc((size_t)n + 1, sizeof *worth);
    for (int i = 0; i < n; i++) {
        member[i] = i;
    }
    if (n > 0) {
        survival_truncate(s->m <= 3 ? SURVIVE_VOLUME : SURVIVE_SHIFT, s->archive.f, s->m, member, n, keep, stays,
                          worth);
    }
    *start = mem_calloc((size_t)keep * (size_t)s->n + 1, sizeof **start);
    for (int i = 0; i < n; i++) {
        if (stays[i]) {
            memcpy(*start + (int64_t)kept++ * s->n, s->archive.x + (int64_t)i * s->n, (size_t)s->n * sizeof **start);
        }
    }
    mem_free(member);
    mem_free(stays);
    mem_free(worth);
    search_free(s);
    return kept;
}
