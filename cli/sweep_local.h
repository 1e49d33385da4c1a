/* A sweep on this machine: `dovetail sweep DIR --local N`. */
#ifndef CLI_SWEEP_LOCAL_H
#define CLI_SWEEP_LOCAL_H

#include "cli/cli.h"
#include "experiments/sweep_shard.h"

struct local_options {
    int processes;       /* at once */
    int64_t threads;     /* of each; 0: a fair share of the processors */
    const char *program; /* dovetail */
    const char *scratch; /* or NULL */
};

/* Runs every task that is not done, each in a process of its own. Returns 0 when all are done; 75 or 130 when told to stop; else the status of
 * the first task that failed. No process outlives this one. */
int sweep_local(struct cli *cli, const struct sweep *s, const struct local_options *o);

#endif
