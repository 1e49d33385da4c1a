/* What `search` and `resume` share: run a study on its database, talk about it, show the front. */
#ifndef CLI_RUN_STUDY_H
#define CLI_RUN_STUDY_H

#include "cli/cli.h"
#include "cli/progress.h"
#include "cli/study_options.h"

struct run_opts {
    const struct run_host *host; /* NULL: a file by its name, a person in front */
    int64_t threads;
    double time_s;
    int progress;
    bool durable;
    const char *cache;
};

#define RUN_DEFAULTS                                                                                                   \
    {                                                                                                                  \
        .threads = 0, .time_s = 0                                                                                      \
    }

/* clang-format off */
#define RUN_OPTIONS(type, member) \
    THREADS_OPTION(type, member.threads), \
    {"time", 't', OPT_QUANTITY, offsetof(type, member.time_s), "TIME", \
     "stop after this time, to be resumed: 30min", .dim = {{1, 0, 0, 0, 0, 0, 0, 0}}, .min = 1e-6, .max = 1e9}, \
    {"progress", 0, OPT_CHOICE, offsetof(type, member.progress), "FORM", \
     "how to show how far it is (none: not at all)", .choices = progress_forms}, \
    {"durable", 0, OPT_FLAG, offsetof(type, member.durable), NULL, \
     "sync every commit: a power cut loses nothing that was counted"}, \
    {"cache", 0, OPT_STRING, offsetof(type, member.cache), "FILE", \
     "evaluations and mappings shared with other studies on this machine; made when missing"}
/* clang-format on */

struct study;
struct study_override;
struct strbuf;
struct record;
struct elites;

/* Where a run's database comes from, and who hears of it, when that is not a person with a file: a task of a sweep (cli/sweep_task.h). */
struct run_host {
    struct db *(*open)(void *ctx, const struct study *s, const struct record *r, struct err *err);
    void (*progress)(void *ctx, const struct progress *p); /* what it counts has been committed */
    int (*end)(void *ctx, bool done, struct err *err);     /* the run has been ended, the database is still open */
    int (*swap)(void *ctx, struct elites *e,
                struct err *err); /* with other searches (runner.h); NULL: there are none */
    void *ctx;
};

/* Overrides of a study file from the command line; the array is the caller's (mem_free), its texts belong to `keep`. */
int study_overrides(const struct study_opts *o, int64_t budget, struct study_override **list, struct strbuf *keep);

/* Runs s on the file `path` (a host has its own), which is made when it does not exist. Returns the exit status. */
int run_study(struct cli *cli, struct study *s, const char *path, const struct run_opts *o, const char *command);

#endif
