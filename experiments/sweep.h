/* A sweep: one study under many settings and seeds, as a folder of tasks that run anywhere, at any time, more than once.
 *
 *   sweep_plan() -> struct sweep -> sweep_write() -> DIR/ -> sweep_open(), sweep_shard.h (what the tasks bring back)
 *
 *     DIR/sweep.json           the tasks: number, study, seed, values
 *     DIR/studies/000.yaml     one resolved study a task: nothing outside DIR is needed to run it
 *     DIR/files/               copies of the model and template files that the studies name
 *     DIR/array.sbatch         what Slurm runs (sweep_script.h)
 *     DIR/shards/000.db        what task 0 has brought back, when it is done; 000-1500.db: its first 1,500 trials
 *     DIR/islands/             what tasks tell each other (island.h)
 *     DIR/state/, DIR/log/     heartbeats and talk of the tasks
 *
 * Task k is a pure function of its study (and, with islands, of what it took from others, which is written down once), so it does not matter where it runs, how often it is interrupted, nor whether two copies of it run at
 * once. Nothing in DIR is ever changed in place: files appear complete under their names (rename). */
#ifndef EXPERIMENTS_SWEEP_H
#define EXPERIMENTS_SWEEP_H

#include "experiments/study.h"

#define SWEEP_AXES 16
#define SWEEP_TASKS 1000000

struct sweep_axis { /* one --over */
    char *name;     /* as given: "algorithm" of "search.algorithm" stays whole */
    char *path;     /* where it stands in a study */
    char **value;   /* [n], as given */
    int n;
};

struct sweep_task {
    char *yaml; /* the resolved study; NULL after sweep_open() */
    uint64_t seed;
    int value[SWEEP_AXES]; /* index into each axis */
    int group;             /* tasks of one group can be united: same columns, objectives, constraints and model */
    int64_t evaluations;   /* budget */
};

struct sweep_islands { /* --islands (island.h) */
    int64_t every;     /* evaluations of a task between two exchanges; 0: tasks know nothing of each other */
    bool strict;       /* never go on without a neighbour's results */
    double wait_s;     /* how long to wait for them */
    char id[HASH_HEX]; /* of this folder: what was taken here counts nowhere else */
};

struct sweep_file { /* copied into DIR/files */
    char *from;     /* where it lies */
    char *name;     /* its name there */
};

struct sweep {
    char *dir;     /* absolute */
    char *name;    /* of the study */
    char *command; /* that made it */
    struct sweep_axis axis[SWEEP_AXES];
    int n_axes;
    struct sweep_task *task;
    int n_tasks;
    int n_groups;
    double checkpoint_s; /* a running task brings back what it has this often */
    struct sweep_islands islands;
    struct sweep_file *file;
    int n_files, cap_files;
};

struct sweep_request {
    const char *study;                /* file or embedded name */
    const struct study_override *set; /* hold for all tasks */
    int n_set;
    const char *const *over; /* "NAME=V1,V2" */
    int n_over;
    const char *seeds; /* "1..8,11"; NULL: the study's own */
    int64_t shards;    /* > 0: so many seeds from the study's on, which share its budget; then seeds is NULL */
    const char *dir;   /* NULL: runs/NAME */
    const char *command;
    double checkpoint_s;
    struct sweep_islands islands; /* without the id */
};

/* Reads the study under every value and every combination. -1 after errors in d: all of them, not only the first. Cost: one study_load() a
 * value and a combination. */
int sweep_plan(struct sweep *s, const struct sweep_request *r, struct diags *d);
/* Makes the folder, with `script` (may be NULL) under `script_name`, complete or not at all. ERR_IO: it is there already. */
int sweep_write(const struct sweep *s, const char *script_name, const char *script, struct err *err);
/* Is `dir` a sweep's folder? */
bool sweep_is(const char *dir);
int sweep_open(struct sweep *s, const char *dir, struct err *err);
void sweep_release(struct sweep *s);

/* Digits of a task's number in file names: 3, or more when there are more than 1,000 tasks. */
int sweep_digits(const struct sweep *s);
/* "search.algorithm=auto seed=3" */
void sweep_label(const struct sweep *s, int task, struct strbuf *out);
/* The values of a group of tasks in a word, for file names: "workload.model=resnet18"; empty when there is one group. */
void sweep_group_label(const struct sweep *s, int group, struct strbuf *out);
/* DIR/studies/003.yaml */
void sweep_study_path(const struct sweep *s, int task, struct strbuf *out);

/* "0,3,7-9" of the tasks where pick[i]; empty when there are none. */
void sweep_spec(const bool *pick, int n, struct strbuf *out);
/* A list of numbers, "1..8,11", ascending and without repeats. Returns how many; -1 with a sentence. Caller frees *list. */
int sweep_numbers(const char *text, int64_t most, uint64_t **list, struct err *err);

#endif
