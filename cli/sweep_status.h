/* How far a sweep is: `dovetail status DIR`. */
#ifndef CLI_SWEEP_STATUS_H
#define CLI_SWEEP_STATUS_H

#include "cli/cli.h"
#include "cli/sweep_queue.h"
#include "experiments/sweep_shard.h"

/* Tasks that neither are done nor run nor wait with the scheduler: pick[s->n_tasks]. Returns their number. Where the scheduler does not answer,
 * what was handed in and has not begun, or was stopped, counts as waiting with it. */
int sweep_to_submit(const struct sweep *s, const struct shard *shards, const struct sweep_queue *q, bool *pick);

/* Tasks that neither are done nor run, for schedulers that are not asked: a copy of one that waits with them harms nothing. */
int sweep_idle(const struct sweep *s, const struct shard *shards, bool *pick);

/* `failed`: only what to hand in again, as the scheduler's list; `rows`: every task; `watch`: until nothing runs or waits. */
int sweep_status(struct cli *cli, const char *dir, bool failed, bool rows, bool watch);

#endif
