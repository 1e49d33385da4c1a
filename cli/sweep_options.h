/* The options of `dovetail sweep`, and the command line that they came from. */
#ifndef CLI_SWEEP_OPTIONS_H
#define CLI_SWEEP_OPTIONS_H

#include "base/strbuf.h"
#include "cli/cli.h"
#include "cli/study_options.h"

#define ISLANDS_WAIT (-1) /* the folder's, or a minute */

struct sweep_opts {
    struct opt_list over, sbatch;
    const char *seeds, *out, *partition, *scratch;
    int64_t shards, local, cpus, ntasks, array_limit, restarts, task, threads, budget;
    int64_t islands;
    double time_s, warn_s, checkpoint_s, wait_s;
    bool slurm, pbs, lsf, dry_run, strict;
    struct study_opts study;
};

extern const struct sweep_opts sweep_defaults;

/* As it can be typed again; args[0] is the study, what follows stands after --. */
void sweep_say_command(const struct sweep_opts *o, int n_args, const char *const *args, struct strbuf *out);

#endif
