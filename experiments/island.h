/* Islands: tasks of a sweep that differ in their seeds only send each other what they have found, through files in the sweep's folder.
 *
 *     DIR/islands/003-2.front   up to ELITES_MOST results of task 3 at its moment 2, that is after 2 * every trials
 *     DIR/islands/003-2.took    whose results it took then: made once, by whoever of task 3's copies comes first, and never changed
 *
 * The tasks of one case stand in a ring. At moment m a task takes what one of the others had found by its moment m - 1, so that those who run
 * side by side seldom wait, and another one each time (island_neighbour()). At the first moment there is nothing to take.
 *
 * A task is a function of its study and of what it took. Its copies, at once or one after another, read the same .took files, so all that
 * sweep_shard.h says of copies still holds. Which results are taken is a function of the sweep alone when everybody always takes what his neighbour
 * has (strict); otherwise a task goes on with nothing when the neighbour does not run, or runs and is too late: then it depends on the clock,
 * once, and stands in the .took file and in the task's database. */
#ifndef EXPERIMENTS_ISLAND_H
#define EXPERIMENTS_ISLAND_H

#include "experiments/elites.h"
#include "experiments/sweep.h"

/* Of n >= 2 islands the one that island i takes from at a moment: in n - 1 moments in a row it hears them all. */
static inline int island_neighbour(int i, int64_t moment, int n)
{
    return (int)((i + n - 1 - moment % (n - 1)) % n);
}

/* The ring of a task: tasks *first .. *first + n - 1. Returns n. */
int island_ring(const struct sweep *s, int task, int *first);

/* Can the seeds of this study help each other? -1 after an error in d. `evaluations`: of each. */
int island_check(const struct sweep_islands *i, const struct study *study, int n_seeds, int64_t evaluations,
                 struct diags *d);
/* Gives s->islands an id that no other sweep has. */
void island_name(struct sweep *s);

int island_give(const struct sweep *s, int task, const struct elites *e, struct err *err);

struct island_wait { /* zeroed before the first question */
    int64_t moment;  /* that is waited for */
    double since_s, looked_s;
};
/* 1: *e is filled; 0: not yet, ask again; -1 with ERR_RESUME: strict, and the neighbour does not run, so that this task had better leave its
 * place to it. `patience_s`: how long to wait for a neighbour that runs, or when strict for one that does not. */
int island_take(const struct sweep *s, int task, int64_t moment, double patience_s, struct island_wait *w,
                struct elites *e, struct err *err);

struct island_count {
    int64_t fronts; /* that were given */
    int64_t taken,
        without; /* moments at which somebody took something, or went on with nothing though others had something */
};
int island_count(const struct sweep *s, struct island_count *out, struct err *err);

#endif
