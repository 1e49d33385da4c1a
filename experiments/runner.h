/* Runs a study: asks, has a pool evaluate, tells and stores in order. Stored trials answer first, so starting anew and resuming are the
 * same thing (law 1). */
#ifndef EXPERIMENTS_RUNNER_H
#define EXPERIMENTS_RUNNER_H

#include "experiments/elites.h"
#include "experiments/pool.h"
#include "experiments/record.h"

#include <signal.h>

struct progress {
    const char *name;
    const char *algorithm;
    int64_t done, total; /* trials */
    int64_t replayed;    /* of them answered by the database */
    int64_t infeasible, failed;
    int64_t failures[FAILURE_COUNT]; /* of the failed ones, by enum failure */
    int64_t retried;                 /* answered by the external evaluator only when asked again */
    int64_t front;
    double hypervolume;     /* of the reference box, NaN before it is known */
    double gain;            /* since the last call */
    double memo_hits;       /* share of operator mappings answered by the memo */
    double elapsed_s, rate; /* evaluations a second of this run */
    double eta_s;           /* NaN: unknown */
};

/* Islands: the database's fact `exchange` says after how many trials results go and come. */
struct exchange {
    /* *e is what this search has found by its moment e->moment, and becomes what comes to it: 1; 0: not yet, ask again soon; -1, with
     * ERR_RESUME when it shall not be waited for here. */
    int (*swap)(void *ctx, struct elites *e, struct err *err);
    void *ctx;
};

struct run_options {
    double max_s; /* stop after this wall-clock time, counted from when the stored trials are told, INFINITY: never */
    const volatile sig_atomic_t *stop; /* nonzero: finish what is in flight and return; may be NULL */
    void (*progress)(void *ctx, const struct progress *p); /* at most 4 a second, and once at the end; may be NULL */
    void *ctx;
    const struct exchange *exchange; /* NULL: nobody is there; what the database says came before still counts */
};

struct run_result {
    enum search_stop stop; /* SEARCH_RUNNING: interrupted or out of time, work remains */
    struct progress last;
    int64_t evaluated; /* new evaluations of this run */
    int64_t cached;    /* of them answered by the shared cache */
};

/* 0; -1 with ERR_DATA when the stored trials are not what this study asks, ERR_IO when storing fails, ERR_RESUME when the pool gave up. */
int runner_run(const struct study *s, struct record *record, struct db *db, struct pool *pool,
               const struct run_options *o, struct run_result *out, struct err *err);

#endif
