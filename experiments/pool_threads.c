/* The pool of threads: one parallel loop over all that is asked. */
#include "experiments/pool.h"

#include "base/mem.h"
#include "experiments/shared_cache.h"

#include <omp.h>

#define MEMO_BYTES ((size_t)256 << 20)

enum { ROOM = 256 };

struct threads {
    struct pool pool; /* first: a pool is a struct threads */
    int n;
    struct db *cache; /* or NULL */
    struct memo *memo;
};

static int work(struct pool *p, struct pool_window *w, struct err *err)
{
    (void)err;
    struct threads *t = (struct threads *)p;
#pragma omp parallel for schedule(dynamic, 1) num_threads(t->n) default(none) shared(t, w)
    for (int64_t k = w->begin; k < w->end; k++) {
        int64_t at = k % w->room;
        if (!w->have[at] && !w->stop(w->ctx)) {
            evaluator_run(t->pool.evaluator, w->x + at * w->dims, &w->value[at]);
            w->have[at] = true;
        }
    }
    return 0;
}

static void stats(const struct pool *p, struct pool_stats *out)
{
    const struct threads *t = (const struct threads *)p;
    struct memo_stats memo;
    memo_stats(t->memo, &memo);
    *out = (struct pool_stats){t->n, evaluator_cache_hits(t->pool.evaluator), memo.hits, memo.misses};
}

static int free_threads(struct pool *p, struct err *err)
{
    struct threads *t = (struct threads *)p;
    evaluator_free(p->evaluator);
    memo_free(t->memo);
    int bad = db_close(t->cache, err);
    mem_free(t);
    return bad;
}

static const struct pool_ops ops = {work, stats, free_threads};

struct pool *pool_threads_new(const struct pool_request *r, struct err *err)
{
    struct db *cache = r->cache != NULL ? db_open_cache(r->cache, err) : NULL;
    if (r->cache != NULL && cache == NULL) {
        return NULL;
    }
    struct threads *t = mem_calloc(1, sizeof *t);
    t->pool = (struct pool){&ops, ROOM, NULL};
    t->n = r->threads > 0 ? r->threads : omp_get_max_threads();
    t->cache = cache;
    t->memo = shared_cache_memo(cache, MEMO_BYTES);
    t->pool.evaluator = evaluator_new(r->study, t->memo, cache);
    return &t->pool;
}
