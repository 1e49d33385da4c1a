/* What the tasks of a sweep bring back to its folder, and what the folder says about them.
 *
 * A task writes its database on a local disk (its scratch) and brings back snapshots: DIR/shards/003-1500.db while it runs, DIR/shards/003.db at
 * its end. Trials are a pure function of the study, so a snapshot with more trials holds all that one with fewer holds, and two of the same
 * number hold the same: names that carry the number need no lock. Two copies of a task that run at once, unknown to each other, can neither
 * damage nor shorten what is there; the readers take 003.db or else the longest, and whoever brings back more clears away the shorter ones.
 *
 * Beside it each copy of a task keeps one heartbeat file of its own: DIR/state/003.HOST.PID.json. It only informs. */
#ifndef EXPERIMENTS_SWEEP_SHARD_H
#define EXPERIMENTS_SWEEP_SHARD_H

#include "db/db.h"
#include "experiments/sweep.h"

/* BEAT_LEFT: it left its place to a task whose results it needs (island.h). */
enum beat_phase { BEAT_RUNNING, BEAT_STOPPED, BEAT_FAILED, BEAT_DONE, BEAT_LEFT, BEAT_PHASES };
extern const char *const beat_names[BEAT_PHASES + 1]; /* "running", "stopped", "failed", "done", "left", NULL */

#define BEAT_EVERY_S 10 /* a task that runs says so this often ... */
#define BEAT_LOST_S 60  /* ... and counts as lost when it has been silent for so long */

struct beat {
    enum beat_phase phase;
    char host[64], job[64]; /* job: "881204_17" of the scheduler; "" without */
    int64_t pid, attempt;   /* attempt: from 1 */
    int64_t time;           /* when it was written, s since 1970 */
    int64_t trials, saved;  /* in the task's own file; brought back */
    double rate;            /* evaluations a second */
    char why[512];          /* BEAT_FAILED: the error */
};

struct shard {
    char *path;       /* the best file that was brought back, or NULL; owned */
    int64_t trials;   /* in it; the task's budget or less when done */
    bool done;        /* DIR/shards/003.db is there */
    bool has_beat;    /* somebody worked on it: */
    struct beat beat; /* who runs now, else who spoke last */
    int64_t attempts; /* the highest attempt of any copy */
};

/* One row a task; shards[s->n_tasks]. O(files in the folder). Free with shards_free(). NULL with ERR_IO when the folder cannot be read. */
struct shard *shards_read(const struct sweep *s, struct err *err);
void shards_free(struct shard *shards, int n);
/* The same for one task. */
int shard_read(const struct sweep *s, int task, struct shard *out, struct err *err);
void shard_release(struct shard *shard);

/* Is somebody at work, and has somebody been silent too long? At time `now`, s since 1970. */
bool shard_runs(const struct shard *shard, int64_t now);
bool shard_lost(const struct shard *shard, int64_t now);

/* Brings back what `db` holds, by way of a snapshot in folder `scratch` of a local disk; `done`: the study is at its end. */
int shard_publish(const struct sweep *s, int task, struct db *db, const char *scratch, bool done, struct err *err);
/* Writes the heartbeat; clears away those of the task's earlier copies that have ended. */
int beat_write(const struct sweep *s, int task, const struct beat *b, struct err *err);

struct union_front {
    int64_t size;
    double hypervolume; /* of the box of the group's first shard (docs/decisions.md), NaN before that has 100 trials */
};
/* The front of all shards of a group together. O(sum of fronts) and one study_load(). */
int shards_front(const struct sweep *s, const struct shard *shards, int group, struct union_front *out,
                 struct err *err);

#endif
