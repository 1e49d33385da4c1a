/* The scheduler's side of a sweep: handing tasks in, and asking which it still holds. The ids of the jobs stand in DIR/jobs, one a line:
 * "slurm 881204". */
#ifndef CLI_SWEEP_QUEUE_H
#define CLI_SWEEP_QUEUE_H

#include "experiments/sweep.h"
#include "experiments/sweep_script.h"

enum held { HELD_NOT, HELD_WAITING, HELD_RUNNING };

struct sweep_queue {
    bool known;      /* the scheduler has answered */
    bool submitted;  /* there are jobs of this sweep */
    enum held *held; /* [n_tasks] */
};

/* Asks Slurm (squeue). What it does not answer is not an error. */
void sweep_queue_read(const struct sweep *s, struct sweep_queue *q);
void sweep_queue_release(struct sweep_queue *q);

/* Is the scheduler's command there? */
bool scheduler_present(enum scheduler scheduler);
/* Hands in the folder's script, for the tasks where pick[n_tasks] (NULL: all), and notes the job. *job: its id, caller frees. */
int sweep_submit(const struct sweep *s, enum scheduler scheduler, const bool *pick, char **job, struct err *err);

#endif
