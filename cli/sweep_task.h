/* One task of a sweep, as a batch script starts it: `dovetail sweep DIR --task K`. */
#ifndef CLI_SWEEP_TASK_H
#define CLI_SWEEP_TASK_H

#include "cli/cli.h"
#include "experiments/sweep_shard.h"

/* Runs task k, or goes on with it, on a local disk (`scratch`; NULL: $SLURM_TMPDIR, $TMPDIR or /tmp), and brings back what it has every
 * s->checkpoint_s. Returns 0 when it is done, 75 after USR1 or TERM, 130 after an interrupt, else the error's status. */
int sweep_task(struct cli *cli, const struct sweep *s, int k, int threads, const char *scratch);

#endif
