/* A pool (experiments/pool.h) whose workers are the other ranks of an MPI job, each with threads of its own. Rank 0 calls rank_pool_new() and
 * rank_pool_finish(), every other rank rank_serve(); all after MPI_Init_thread(), with MPI_THREAD_SERIALIZED where a rank has several threads.
 *
 * A rank that does not answer for a long time counts as lost: its work is given to the others, and an answer that comes after all is taken
 * as any other. When nobody answers, work() gives up and the study can be resumed. */
#ifndef EXPERIMENTS_MPI_RANK_POOL_H
#define EXPERIMENTS_MPI_RANK_POOL_H

#include "experiments/pool.h"

/* Shows the study to all ranks and waits until each has read it. */
struct pool *rank_pool_new(const struct pool_request *r, struct err *err);
/* How long a rank may be silent over work that it has: a fixed time and so many times the longest evaluation seen, or that an external evaluator
 * may take. When all are silent for five times as long, the pool gives up. */
void rank_pool_set_patience(struct pool *p, double fixed_s, double times);

/* Sends the other ranks home and returns whether all have left; when false, call MPI_Abort() in place of MPI_Finalize(), which would wait for them. */
bool rank_pool_finish(int status);

/* What a rank other than 0 does until it is sent home, or rank 0 has been silent for so long that it must be dead; returns the status to exit
 * with. Then MPI_Finalize(), or _exit() when *whole says that a rank is missing. `evaluate` is evaluator_run(), or what a test puts in its place. */
int rank_serve(void (*evaluate)(struct evaluator *e, const double *x, struct evaluation *out), bool *whole);

#endif
