/* Inside the pool of ranks: what rank 0 knows of the others (rank_pool.c gives and takes, rank_meet.c begins and ends). */
#ifndef EXPERIMENTS_MPI_RANK_PEERS_H
#define EXPERIMENTS_MPI_RANK_PEERS_H

#include "experiments/mpi/rank_message.h"
#include "experiments/mpi/rank_pool.h"

enum { RANK_POSTS = 4, RANK_MOST_TOUCHED = 1024 };
#define RANK_NAP_S 100e-6
#define RANK_HOPE 5 /* so many times the patience with one rank, for all of them */

struct peer { /* another rank */
    int threads;
    int64_t *given; /* [room for what a rank may have] trials that it has */
    int n_given;
    double heard_s; /* when it last spoke, or was last given something while it had nothing */
    bool lost, stopped;
    struct totals totals;
    struct post post[RANK_POSTS];
    struct post word[2]; /* PING, STOP */
    int filling;         /* post that is written into, -1: none */
    int64_t jammed;      /* round in which no post was free */
    char host[MPI_MAX_PROCESSOR_NAME];
};

struct ranks {
    struct pool pool; /* first: a pool is a struct ranks */
    const struct study *study;
    struct peer *peer; /* [n], of rank i + 1 */
    int n, workers, hosts;
    int64_t next;   /* first trial that was never given */
    int64_t *again; /* trials that lost ranks had */
    int n_again, cap_again;
    int64_t round;                           /* of giving */
    struct peer *touched[RANK_MOST_TOUCHED]; /* ranks with a message begun */
    int n_touched;
    bool stopping; /* the ranks were told to stop */
    double patience_s, patience_times;
    double mean_us, longest_us, sum_us; /* of the evaluations */
    double start_s, looked_s, pinged_s;
    struct workshop shop; /* rank 0's own, for questions beside the trials */
    struct strbuf heard;
};

/* Shows the study to all ranks and waits until each has read it; fills threads and hosts. The first that cannot is the error. */
int ranks_meet(struct ranks *p, const struct pool_request *r, struct err *err);
/* How long a rank may be silent over its work, in seconds. */
double ranks_patience(const struct ranks *p);

#endif
