/* The batch script of a sweep: one template, a header for each scheduler. */
#ifndef EXPERIMENTS_SWEEP_SCRIPT_H
#define EXPERIMENTS_SWEEP_SCRIPT_H

#include "experiments/sweep.h"

enum scheduler { SCHEDULER_NONE, SCHEDULER_SLURM, SCHEDULER_PBS, SCHEDULER_LSF, SCHEDULER_COUNT };

struct script_options {
    const char *program;      /* absolute path of dovetail, or of dovetail-mpi when there are ranks */
    const char *partition;    /* queue; NULL: the scheduler's own */
    int64_t cpus;             /* a task, or a rank */
    int64_t ranks;            /* of a task: an MPI job of its own (Slurm); 1: none */
    double time_s;            /* limit of a task; 0: the scheduler's own */
    int64_t array_limit;      /* tasks at once; 0: no limit */
    int64_t warn_s;           /* the signal comes so long before the limit */
    const char *scratch;      /* local disk of a task; NULL: where its environment says */
    int64_t restarts;         /* most times that a task is given back */
    const char *const *extra; /* [n_extra] further options, one each: "--account=chips" */
    int n_extra;
};

const char *scheduler_script(enum scheduler scheduler); /* "array.sbatch" */
const char *scheduler_submit(enum scheduler scheduler); /* "sbatch" */
/* The text. Task 0 is the scheduler's 0 (LSF: 1). */
void sweep_script(const struct sweep *s, enum scheduler scheduler, const struct script_options *o, struct strbuf *out);

#endif
