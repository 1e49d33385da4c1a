/* How busy the ranks of an MPI job are: the whole way of a trial (ask, send, evaluate, answer, tell, store), with an evaluation that only sleeps, so
 * that many more ranks than cores can be kept busy on one machine.
 *
 *   mpirun -n 65 mpi_busy STUDY DATABASE EVALUATIONS LAG SLEEP_MS SPREAD
 *
 * SPREAD 0: every evaluation sleeps as long; 0.5: between half and one and a half times as long, by the point. Rank 0 prints
 *     busy=0.97 rate=6130/s workers=64 rank0=41us
 * busy: share of the workers' time inside the evaluation; rank0: processor time of rank 0 an evaluation, its waiting included. With SLEEP_MS 0
 * the rate is the most that rank 0 can serve. */
#include "base/clock.h"
#include "base/mem.h"
#include "experiments/mpi/rank_pool.h"
#include "experiments/record.h"
#include "experiments/runner.h"

#include <math.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double sleep_s, spread; /* of this rank's evaluations */

/* 0..1, by the point. */
static double lot(const struct evaluator *e, const double *x)
{
    (void)e;
    struct hash h = hash_bytes(x, 5 * sizeof *x);
    return (double)h.byte[0] / 255;
}

static void nap(struct evaluator *e, const double *x, struct evaluation *out)
{
    memset(out, 0, sizeof *out);
    double start = MPI_Wtime(), s = sleep_s * (1 + spread * (2 * lot(e, x) - 1));
    struct timespec t = {(time_t)s, (long)(1e9 * (s - floor(s)))};
    if (s > 0) {
        nanosleep(&t, NULL);
    }
    for (int m = 0; m < METRIC_COUNT; m++) {
        out->metric[m] = 1 + lot(e, x + m % 2) * (1 + m) + x[m % 3];
    }
    out->us = 1e6 * (MPI_Wtime() - start);
}

static int run(char **argv)
{
    struct err err = ERR_INIT;
    struct diags d = DIAGS_INIT;
    const struct study_override set[] = {{"search.budget.evaluations", argv[3]}, {"search.lag", argv[4]}};
    struct study *s = study_load(argv[1], set, 2, &d);
    struct record *record = s != NULL ? record_new(s) : NULL;
    struct db *db = record != NULL ? record_create(record, argv[2], "mpi_busy", &err) : NULL;
    struct pool *pool = db != NULL ? rank_pool_new(&(struct pool_request){.study = s, .threads = 1}, &err) : NULL;
    if (pool == NULL) {
        fprintf(stderr, "mpi_busy: %s\n", err.text);
        return 1;
    }
    struct run_result r;
    struct pool_stats stats;
    double start = MPI_Wtime(), cpu = clock_process_s();
    int bad = runner_run(s, record, db, pool, &(struct run_options){.max_s = INFINITY}, &r, &err);
    double wall = MPI_Wtime() - start;
    cpu = clock_process_s() - cpu;
    pool->ops->stats(pool, &stats);
    printf("busy=%.3f rate=%.0f/s workers=%d rank0=%.0fus\n", stats.busy, (double)r.evaluated / wall, stats.workers,
           1e6 * cpu / (double)r.evaluated);
    bad |= pool->ops->free(pool, &err) | db_close(db, &err);
    record_free(record);
    study_free(s);
    diags_release(&d);
    if (bad) {
        fprintf(stderr, "mpi_busy: %s\n", err.text);
    }
    return bad ? 1 : 0;
}

int main(int argc, char **argv)
{
    int level, rank;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_SERIALIZED, &level);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    if (argc != 7) {
        fputs("usage: mpi_busy STUDY DATABASE EVALUATIONS LAG SLEEP_MS SPREAD\n", stderr);
        return 64;
    }
    sleep_s = 1e-3 * strtod(argv[5], NULL);
    spread = strtod(argv[6], NULL);
    bool whole = true;
    int status = rank > 0 ? rank_serve(nap, &whole) : run(argv);
    whole = rank > 0 ? whole : rank_pool_finish(status);
    if (!whole) {
        MPI_Abort(MPI_COMM_WORLD, 1);
    }
    MPI_Finalize();
    return status;
}
