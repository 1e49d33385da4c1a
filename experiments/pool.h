/* Who evaluates: the threads of this process, or the ranks of an MPI job (experiments/mpi/rank_pool.h). What is computed where, and when, never
 * shows in a result (law 2), so the runner is one loop for both.
 *
 * The runner numbers the trials that it has asked and not told yet, begin..end-1; trial k lies at k % room of a ring. A pool evaluates those
 * that are not done, in any order, and the runner tells what is done in the order of the numbers. */
#ifndef EXPERIMENTS_POOL_H
#define EXPERIMENTS_POOL_H

#include "experiments/evaluator.h"

struct pool_window {
    int64_t begin, end;
    int64_t room;                  /* of the ring */
    int dims;                      /* variables of a point */
    double *x;                     /* [room][dims] */
    struct evaluation *value;      /* [room] */
    bool *have;                    /* [room] the value is there */
    bool (*stop)(const void *ctx); /* leave what is not begun */
    const void *ctx;
};

struct pool_stats {
    int workers;                    /* evaluations that can run at once */
    int ranks, hosts;               /* processes that evaluate, and machines under them */
    double busy;                    /* share of the workers' time spent evaluating, NaN: not measured */
    int64_t cached;                 /* evaluations answered by the shared cache */
    int64_t memo_hits, memo_misses; /* operator mappings */
};

struct pool {
    const struct pool_ops *ops;
    int64_t room;                /* trials that it wants to see at once, at least 1 */
    struct evaluator *evaluator; /* of this process, for questions beside the trials; NULL: it has none */
};

struct pool_ops {
    /* Returns when trial `begin` is done, or stop() says so; any number of others may be done too. -1 with ERR_RESUME: nobody is left to evaluate
     * what is missing. */
    int (*work)(struct pool *p, struct pool_window *w, struct err *err);
    void (*stats)(const struct pool *p, struct pool_stats *out);
    /* -1: the shared cache could not be written; everything is freed all the same. */
    int (*free)(struct pool *p, struct err *err);
};

/* What a pool is made from. */
struct pool_request {
    const struct study *study; /* borrowed while the pool lives */
    int threads;               /* of each process; 0: all */
    const char *cache;         /* shared cache's file, or NULL */
    struct external
        *external; /* the study's evaluator when it runs already: borrowed; NULL: started here if the study has one */
};

/* What a process evaluates with; opened from a request, for any number of threads. */
struct workshop {
    struct db *cache; /* or NULL */
    struct memo *memo;
    struct evaluator *evaluator;
    int threads;
};
int workshop_open(struct workshop *w, const struct pool_request *r, struct err *err);
void workshop_stats(const struct workshop *w, struct pool_stats *out);
int workshop_close(struct workshop *w, struct err *err); /* -1: the cache could not be written */

/* The threads of this process, with a memo of mappings of its own. */
struct pool *pool_threads_new(const struct pool_request *r, struct err *err);

#endif
