/* dovetail sweep: many settings and seeds of a study as tasks of a batch scheduler, or of this machine. */
#include "base/mem.h"
#include "base/strbuf.h"
#include "cli/run_study.h"
#include "cli/sweep_local.h"
#include "cli/sweep_options.h"
#include "cli/sweep_queue.h"
#include "cli/sweep_status.h"
#include "cli/sweep_task.h"
#include "experiments/sweep.h"
#include "experiments/sweep_script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TIME_DIM                                                                                                       \
    {                                                                                                                  \
        {                                                                                                              \
            1, 0, 0, 0, 0, 0, 0, 0                                                                                     \
        }                                                                                                              \
    }

/* clang-format off */
static const struct opt options[] = {
    {"over", 0, OPT_ASSIGN, offsetof(struct sweep_opts, over), "NAME=V1,V2", "a variable, a parameter or a key of the study, and its values; repeatable"},
    {"seeds", 0, OPT_STRING, offsetof(struct sweep_opts, seeds), "1..8", "random seeds: a list of numbers and ranges"},
    {"shards", 0, OPT_INT, offsetof(struct sweep_opts, shards), "N", "so many seeds, from the study's on, that share its budget", .min = 1, .max = SWEEP_TASKS},
    {"islands", 0, OPT_INT, offsetof(struct sweep_opts, islands), "N", "tasks that differ in their seeds only exchange what they have found, every N evaluations", .min = 10, .max = 1e12},
    {"strict", 0, OPT_FLAG, offsetof(struct sweep_opts, strict), NULL, "islands: never go on without what a neighbour has found"},
    {"wait", 0, OPT_QUANTITY, offsetof(struct sweep_opts, wait_s), "TIME", "islands: how long to wait for it (default 1min)", .dim = TIME_DIM, .min = 0, .max = 1e6},
    {"out", 'o', OPT_STRING, offsetof(struct sweep_opts, out), "DIR", "the folder (default: runs/NAME)"},
    {"dry-run", 'n', OPT_FLAG, offsetof(struct sweep_opts, dry_run), NULL, "show what would be written and run"},
    {"slurm", 0, OPT_FLAG, offsetof(struct sweep_opts, slurm), NULL, "hand the tasks to Slurm, and return"},
    {"pbs", 0, OPT_FLAG, offsetof(struct sweep_opts, pbs), NULL, "likewise to PBS"},
    {"lsf", 0, OPT_FLAG, offsetof(struct sweep_opts, lsf), NULL, "likewise to LSF"},
    {"local", 0, OPT_INT, offsetof(struct sweep_opts, local), "N", "run them on this machine, N at once", .min = 1, .max = 4096},
    {"cpus", 'c', OPT_INT, offsetof(struct sweep_opts, cpus), "N", "processors, and threads, of a task (default 1)", .min = 1, .max = 4096},
    {"ntasks", 0, OPT_INT, offsetof(struct sweep_opts, ntasks), "N", "ranks of a task, which is an MPI job then; needs dovetail-mpi and Slurm", .min = 1, .max = 1e6},
    {"time", 't', OPT_QUANTITY, offsetof(struct sweep_opts, time_s), "TIME", "the scheduler's limit of one start of a task: 2h", .dim = TIME_DIM, .min = 1, .max = 1e9},
    {"partition", 'p', OPT_STRING, offsetof(struct sweep_opts, partition), "NAME", "partition or queue"},
    {"array-limit", 0, OPT_INT, offsetof(struct sweep_opts, array_limit), "N", "tasks at once", .min = 1, .max = SWEEP_TASKS},
    {"sbatch", 0, OPT_LIST, offsetof(struct sweep_opts, sbatch), "OPTION", "a further option of the scheduler: --account=chips; repeatable, or all of them after --"},
    {"warn", 0, OPT_QUANTITY, offsetof(struct sweep_opts, warn_s), "TIME", "the warning comes so long before the limit (default 2min)", .dim = TIME_DIM, .min = 1, .max = 65535},
    {"restarts", 0, OPT_INT, offsetof(struct sweep_opts, restarts), "N", "most times that a task goes back to the queue (default 50)", .min = 0, .max = 1e6},
    {"checkpoint", 0, OPT_QUANTITY, offsetof(struct sweep_opts, checkpoint_s), "TIME", "a task brings back what it has this often (default 1min)", .dim = TIME_DIM, .min = 0.1, .max = 1e6},
    {"scratch", 0, OPT_STRING, offsetof(struct sweep_opts, scratch), "DIR", "local disk of a task (default: $SLURM_TMPDIR, $TMPDIR or /tmp)"},
    {"task", 0, OPT_INT, offsetof(struct sweep_opts, task), "K", "run task K of the folder here: what the batch script does", .min = 0, .max = SWEEP_TASKS},
    {"budget", 'b', OPT_INT, offsetof(struct sweep_opts, budget), "N", "evaluations in all, in place of the study's", .min = 1, .max = 1e12},
    THREADS_OPTION(struct sweep_opts, threads),
    STUDY_SET_OPTIONS(struct sweep_opts, study),
    OPT_END
};
/* clang-format on */

static enum scheduler scheduler_of(const struct sweep_opts *o)
{
    return o->slurm ? SCHEDULER_SLURM : o->pbs ? SCHEDULER_PBS : o->lsf ? SCHEDULER_LSF : SCHEDULER_NONE;
}

/* The file of this very program: the tasks must run the one that planned them. */
static const char *own_program(char *out, size_t size)
{
    ssize_t n = readlink("/proc/self/exe", out, size - 1);
    out[n > 0 ? n : 0] = '\0';
    return n > 0 ? out : "dovetail";
}

/* "dovetail-mpi" beside "dovetail", or the other way round. */
static void name_program(char *program, bool mpi)
{
    size_t n = strlen(program);
    bool is = n > 4 && strcmp(program + n - 4, "-mpi") == 0;
    if (mpi && !is) {
        memcpy(program + n, "-mpi", sizeof "-mpi");
    } else if (!mpi && is) {
        program[n - 4] = '\0';
    }
}

static bool mpi_present(void)
{
    char program[4096 + 8];
    own_program(program, sizeof program - 8);
    name_program(program, true);
    return access(program, X_OK) == 0;
}

/* ---- running a folder's tasks ---- */

static int submit(struct cli *cli, const struct sweep *s, enum scheduler scheduler, const bool *pick, int n)
{
    struct err err = ERR_INIT;
    char *job;
    if (sweep_submit(s, scheduler, pick, &job, &err) < 0) {
        return cli_error(cli, &err);
    }
    if (cli->json) {
        cli_json(json_pack("{s:s, s:i, s:s}", "folder", s->dir, "tasks", n, "job", job));
    } else {
        printf("submitted  job %s: %d task%s of %s\n", job, n, n == 1 ? "" : "s", s->dir);
        cli_say(cli,
                "next       dovetail status %s --watch\n           dovetail merge %s -o %s.db     when all are done",
                s->dir, s->dir, s->name);
    }
    mem_free(job);
    return 0;
}

/* What is neither done nor running nor waiting goes to the scheduler. */
static int submit_rest(struct cli *cli, const struct sweep *s, enum scheduler scheduler)
{
    struct err err = ERR_INIT;
    struct shard *shards = shards_read(s, &err);
    if (shards == NULL) {
        return cli_error(cli, &err);
    }
    struct sweep_queue q;
    bool *pick = mem_calloc((size_t)s->n_tasks, sizeof *pick);
    sweep_queue_read(s, &q);
    int n = scheduler == SCHEDULER_SLURM ? sweep_to_submit(s, shards, &q, pick) : sweep_idle(s, shards, pick),
        status = 0;
    if (n == 0) {
        cli_say(cli, "nothing to submit: every task is done, runs, or waits with the scheduler");
    } else {
        status = submit(cli, s, scheduler, n < s->n_tasks ? pick : NULL, n);
    }
    mem_free(pick);
    sweep_queue_release(&q);
    shards_free(shards, s->n_tasks);
    return status;
}

static int run_local(struct cli *cli, const struct sweep *s, const struct sweep_opts *o)
{
    char program[4096];
    struct local_options local = {(int)o->local, o->threads, own_program(program, sizeof program), o->scratch};
    int status = sweep_local(cli, s, &local);
    if (status == 0) {
        cli_next(cli, "dovetail merge %s -o %s.db", s->dir, s->name);
    }
    if (cli->json) {
        cli_json(json_pack("{s:s, s:i, s:i}", "folder", s->dir, "tasks", s->n_tasks, "status", status));
    }
    return status;
}

static int run_folder(struct cli *cli, const char *dir, const struct sweep_opts *o)
{
    struct sweep s;
    struct err err = ERR_INIT;
    if (o->over.n > 0 || o->seeds != NULL || o->shards > 0 || o->out != NULL || o->budget > 0 || o->study.set.n > 0 ||
        o->study.fix.n > 0 || o->dry_run || o->islands > 0 || o->strict) {
        return cli_fail(cli, ERR_USAGE, "'%s' is a sweep that is planned already: its tasks can be run, not changed",
                        dir);
    }
    if (o->task < 0 && o->local == 0 && scheduler_of(o) == SCHEDULER_NONE) {
        return cli_fail(cli, ERR_USAGE, "how shall the tasks of '%s' run: --slurm, --pbs, --lsf, or --local N?", dir);
    }
    if (sweep_open(&s, dir, &err) < 0) {
        return cli_error(cli, &err);
    }
    s.islands.wait_s = o->wait_s >= 0 ? o->wait_s : s.islands.wait_s;
    int status = o->task >= 0   ? sweep_task(cli, &s, (int)o->task, (int)o->threads, o->scratch)
                 : o->local > 0 ? run_local(cli, &s, o)
                                : submit_rest(cli, &s, scheduler_of(o));
    sweep_release(&s);
    return status;
}

/* ---- planning ---- */

static void make_script(const struct sweep *s, const struct sweep_opts *o, int n_args, const char *const *args,
                        struct strbuf *out)
{
    char program[4096 + 8];
    own_program(program, sizeof program - 8);
    name_program(program, o->ntasks > 1);
    int n = o->sbatch.n + n_args - 1;
    const char **extra = mem_calloc((size_t)n + 1, sizeof *extra);
    for (int i = 0; i < n; i++) {
        extra[i] = i < o->sbatch.n ? o->sbatch.item[i] : args[i - o->sbatch.n + 1];
    }
    struct script_options script = {.program = program,
                                    .partition = o->partition,
                                    .cpus = o->cpus,
                                    .ranks = o->ntasks,
                                    .time_s = o->time_s,
                                    .array_limit = o->array_limit,
                                    .warn_s = (int64_t)o->warn_s,
                                    .restarts = o->restarts,
                                    .scratch = o->scratch,
                                    .extra = extra,
                                    .n_extra = n};
    sweep_script(s, scheduler_of(o) != SCHEDULER_NONE ? scheduler_of(o) : SCHEDULER_SLURM, &script, out);
    mem_free(extra);
}

static int show_plan(struct cli *cli, const struct sweep *s, const struct sweep_opts *o, const char *script)
{
    enum scheduler scheduler = scheduler_of(o);
    const char *name = scheduler_script(scheduler != SCHEDULER_NONE ? scheduler : SCHEDULER_SLURM);
    struct strbuf text = STRBUF_INIT;
    json_t *tasks = json_array();
    int64_t evaluations = 0;
    for (int i = 0; i < s->n_tasks; i++) {
        strbuf_reset(&text);
        sweep_label(s, i, &text);
        json_array_append_new(tasks, json_string(strbuf_str(&text)));
        evaluations += s->task[i].evaluations;
    }
    if (cli->json) {
        cli_json(json_pack("{s:s, s:o, s:I, s:s, s:s}", "folder", s->dir, "tasks", tasks, "evaluations",
                           (json_int_t)evaluations, "script_name", name, "script", script));
    } else {
        printf("would write %s: %d tasks, %lld evaluations in all", s->dir, s->n_tasks, (long long)evaluations);
        if (scheduler != SCHEDULER_NONE) {
            printf(", and run: %s %s/%s", scheduler_submit(scheduler), s->dir, name);
        }
        printf("\n");
        for (int i = 0; i < s->n_tasks && (i < 10 || cli->verbose); i++) {
            printf("  %3d  %s, %lld evaluations\n", i, json_string_value(json_array_get(tasks, (size_t)i)),
                   (long long)s->task[i].evaluations);
        }
        if (s->n_tasks > 10 && !cli->verbose) {
            printf("  ...  (-v lists all)\n");
        }
        printf("---- %s\n%s", name, script);
        json_decref(tasks);
    }
    strbuf_release(&text);
    return 0;
}

static int carry_out(struct cli *cli, const struct sweep *s, const struct sweep_opts *o, int n_args,
                     const char *const *args)
{
    enum scheduler scheduler = scheduler_of(o);
    struct strbuf script = STRBUF_INIT;
    struct err err = ERR_INIT;
    int status;
    make_script(s, o, n_args, args, &script);
    if (o->dry_run) {
        status = show_plan(cli, s, o, strbuf_str(&script));
    } else if (scheduler != SCHEDULER_NONE && !scheduler_present(scheduler)) {
        status = cli_fail(cli, ERR_IO,
                          "there is no %s on this machine; nothing was written (--dry-run shows the script, --local N "
                          "runs the tasks here)",
                          scheduler_submit(scheduler));
    } else if (scheduler != SCHEDULER_NONE && o->ntasks > 1 && !mpi_present()) {
        status = cli_fail(
            cli, ERR_NOINPUT,
            "--ntasks needs dovetail-mpi beside dovetail (`make` builds it where it finds mpicc); nothing was written");
    } else if (sweep_write(s, scheduler_script(scheduler != SCHEDULER_NONE ? scheduler : SCHEDULER_SLURM),
                           strbuf_str(&script), &err) < 0) {
        status = cli_error(cli, &err);
    } else if (scheduler != SCHEDULER_NONE) {
        status = submit(cli, s, scheduler, NULL, s->n_tasks);
    } else if (o->local > 0) {
        status = run_local(cli, s, o);
    } else {
        cli_say(cli, "written    %s: %d task%s; run with: dovetail sweep %s --slurm, or --local N", s->dir, s->n_tasks,
                s->n_tasks == 1 ? "" : "s", s->dir);
        status = cli->json ? cli_json(json_pack("{s:s, s:i}", "folder", s->dir, "tasks", s->n_tasks)) : 0;
    }
    strbuf_release(&script);
    return status;
}

static int plan(struct cli *cli, const struct sweep_opts *o, int n_args, const char *const *args)
{
    struct strbuf keep = STRBUF_INIT, command = STRBUF_INIT;
    struct study_override *set;
    struct diags d = DIAGS_INIT;
    struct sweep s;
    sweep_say_command(o, n_args, args, &command);
    struct sweep_request r = {
        .study = args[0],
        .over = o->over.item,
        .n_over = o->over.n,
        .seeds = o->seeds,
        .shards = o->shards,
        .dir = o->out,
        .command = strbuf_str(&command),
        .checkpoint_s = o->checkpoint_s,
        .islands = {.every = o->islands, .strict = o->strict, .wait_s = o->wait_s >= 0 ? o->wait_s : 60}};
    r.n_set = study_overrides(&o->study, o->budget, &set, &keep);
    r.set = set;
    int bad = sweep_plan(&s, &r, &d);
    int status = cli_diags(cli, &d);
    if (!bad) {
        status = carry_out(cli, &s, o, n_args, args);
    }
    sweep_release(&s);
    diags_release(&d);
    mem_free(set);
    strbuf_release(&keep);
    strbuf_release(&command);
    return status;
}

static int run(struct cli *cli, const void *values, int n_args, const char *const *args)
{
    const struct sweep_opts *o = values;
    if (o->slurm + o->pbs + o->lsf + (o->local > 0) + (o->task >= 0) > 1) {
        return cli_fail(cli, ERR_USAGE, "--slurm, --pbs, --lsf, --local and --task exclude each other");
    }
    if (o->seeds != NULL && o->shards > 0) {
        return cli_fail(cli, ERR_USAGE, "--seeds says all about seeds: --shards excludes it");
    }
    bool elsewhere = o->pbs || o->lsf || o->local > 0 || o->task >= 0;
    if (o->ntasks > 1 && elsewhere) {
        return cli_fail(cli, ERR_USAGE,
                        "--ntasks is for Slurm; elsewhere a task is one process with --cpus or --threads");
    }
    if (o->strict && o->islands == 0 && !sweep_is(args[0])) {
        return cli_fail(cli, ERR_USAGE, "--strict says how islands wait: give --islands N too");
    }
    for (int i = 1; i < n_args; i++) {
        if (args[i][0] != '-') {
            return cli_fail(cli, ERR_USAGE, "'%s' is too much; after -- stand options of the scheduler", args[i]);
        }
    }
    if (sweep_is(args[0])) {
        return run_folder(cli, args[0], o);
    }
    if (o->task >= 0) {
        return cli_fail(cli, ERR_USAGE, "--task needs the folder of a sweep, and '%s' is none", args[0]);
    }
    return plan(cli, o, n_args, args);
}

const struct verb verb_sweep = {
    .name = "sweep",
    .args = "STUDY.yaml|DIR [-- OPTION..]",
    .help = "a study under many settings and seeds: on a cluster, or here",
    .details =
        "Writes a folder with a task for every combination of values and every seed, and one batch script; --slurm "
        "submits it. "
        "Tasks keep their database on a local disk and bring it back to DIR/shards. A task that is stopped by its time "
        "limit or "
        "preempted goes back to the queue and goes on where it was; a task that runs twice at once harms nothing. "
        "With DIR in place of a study, what is not done yet is run.",
    .example = "dovetail sweep edge.yaml --over algorithm=nsga2,bayes --seeds 1..8 --slurm --time 2h --cpus 16\n"
               "dovetail sweep edge.yaml --shards 64 --slurm --dry-run -- --account=chips\n"
               "dovetail sweep demo --shards 4 --budget 2000 --local 2\n"
               "dovetail status runs/edge\ndovetail merge runs/edge -o edge_all.db",
    .options = options,
    .options_size = sizeof(struct sweep_opts),
    .defaults = &sweep_defaults,
    .min_args = 1,
    .max_args = -1,
    .run = run};
