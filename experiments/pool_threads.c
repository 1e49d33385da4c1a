/* The pool of threads: one parallel loop over all that is asked. */
#include "experiments/pool.h"

#include "base/mem.h"
#include "experiments/shared_cache.h"

#include <math.h>
#include <omp.h>

#define MEMO_BYTES ((size_t)256 << 20)

enum { ROOM = 256 };

struct threads {
    struct pool pool; /* first: a pool is a struct threads */
    struct workshop shop;
};

int workshop_open(struct workshop *w, const struct pool_request *r, struct err *err)
{
    *w = (struct workshop){.threads = r->threads > 0 ? r->threads : omp_get_max_threads()};
    w->cache = r->cache != NULL ? db_open_cache(r->cache, err) : NULL;
    if (r->cache != NULL && w->cache == NULL) {
        return -1;
    }
    w->memo = shared_cache_memo(w->cache, MEMO_BYTES);
    w->evaluator = evaluator_new(r->study, w->memo, w->cache);
    if (r->external != NULL) {
        evaluator_adopt(w->evaluator, r->external);
    }
    return evaluator_start(w->evaluator, w->threads, err);
}

void workshop_stats(const struct workshop *w, struct pool_stats *out)
{
    struct memo_stats memo;
    memo_stats(w->memo, &memo);
    *out = (struct pool_stats){.workers = w->threads,
                               .ranks = 1,
                               .hosts = 1,
                               .busy = NAN,
                               .cached = evaluator_cache_hits(w->evaluator),
                               .memo_hits = memo.hits,
                               .memo_misses = memo.misses};
}

int workshop_close(struct workshop *w, struct err *err)
{
    evaluator_free(w->evaluator);
    memo_free(w->memo);
    return db_close(w->cache, err);
}

static int work(struct pool *p, struct pool_window *w, struct err *err)
{
    (void)err;
    const struct workshop *shop = &((struct threads *)p)->shop;
#pragma omp parallel for schedule(dynamic, 1) num_threads(shop->threads) default(none) shared(shop, w)
    for (int64_t k = w->begin; k < w->end; k++) {
        int64_t at = k % w->room;
        if (!w->have[at] && !w->stop(w->ctx)) {
            evaluator_run(shop->evaluator, w->x + at * w->dims, &w->value[at]);
            w->have[at] = true;
        }
    }
    return 0;
}

static void stats(const struct pool *p, struct pool_stats *out)
{
    workshop_stats(&((const struct threads *)p)->shop, out);
}

static int free_threads(struct pool *p, struct err *err)
{
    struct threads *t = (struct threads *)p;
    int bad = workshop_close(&t->shop, err);
    mem_free(t);
    return bad;
}

static const struct pool_ops ops = {work, stats, free_threads};

struct pool *pool_threads_new(const struct pool_request *r, struct err *err)
{
    struct threads *t = mem_calloc(1, sizeof *t);
    if (workshop_open(&t->shop, r, err) < 0) {
        struct err late = ERR_INIT;
        workshop_close(&t->shop, &late);
        mem_free(t);
        return NULL;
    }
    t->pool = (struct pool){&ops, ROOM, t->shop.evaluator};
    return &t->pool;
}
