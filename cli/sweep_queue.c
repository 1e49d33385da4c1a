#include "cli/sweep_queue.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "experiments/file_put.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

bool scheduler_present(enum scheduler scheduler)
{
    static const char *const programs[SCHEDULER_COUNT] = {NULL, "sbatch", "qsub", "bsub"};
    const char *path = getenv("PATH");
    bool found = false;
    for (const char *at = path; at != NULL && *at != '\0' && !found;) {
        size_t len = strcspn(at, ":");
        struct strbuf name = STRBUF_INIT;
        strbuf_add(&name, at, len);
        strbuf_addf(&name, "/%s", programs[scheduler]);
        found = access(strbuf_str(&name), X_OK) == 0;
        strbuf_release(&name);
        at += len + (at[len] == ':');
    }
    return found;
}

/* Runs a command of the shell; its output goes to `out`. Returns its status, -1 when it could not be run. */
static int ask(const char *command, struct strbuf *out)
{
    FILE *f = popen(command, "r");
    char block[4096];
    size_t n;
    if (f == NULL) {
        return -1;
    }
    while ((n = fread(block, 1, sizeof block, f)) > 0) {
        strbuf_add(out, block, n);
    }
    int status = pclose(f);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void add_quoted(const char *text, struct strbuf *out)
{
    strbuf_adds(out, "'");
    for (const char *p = text; *p != '\0'; p++) {
        strbuf_addf(out, *p == '\'' ? "'\\'%c" : "%c", *p);
    }
    strbuf_adds(out, "'");
}

static char *read_jobs(const struct sweep *s)
{
    struct strbuf path = STRBUF_INIT;
    struct err none = ERR_INIT;
    size_t len;
    strbuf_addf(&path, "%s/jobs", s->dir);
    char *text = file_read(strbuf_str(&path), 1 << 20, &len, &none);
    strbuf_release(&path);
    return text;
}

/* "17 R" a line: the task's number and its short state. */
static void take_answer(const struct sweep *s, const char *text, struct sweep_queue *q)
{
    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + (strchr(line, '\n') != NULL)) {
        int task;
        char state[8];
        if (sscanf(line, "%d %7s", &task, state) == 2 && task >= 0 && task < s->n_tasks) {
            bool runs = strcmp(state, "PD") != 0 && strcmp(state, "RQ") != 0;
            q->held[task] = runs ? HELD_RUNNING : q->held[task] == HELD_RUNNING ? HELD_RUNNING : HELD_WAITING;
        }
    }
}

void sweep_queue_read(const struct sweep *s, struct sweep_queue *q)
{
    *q = (struct sweep_queue){.held = mem_calloc((size_t)s->n_tasks, sizeof *q->held)};
    char *jobs = read_jobs(s);
    struct strbuf ids = STRBUF_INIT, command = STRBUF_INIT, answer = STRBUF_INIT;
    q->submitted = jobs != NULL;
    for (const char *at = jobs; at != NULL && (at = strstr(at, "slurm ")) != NULL; at += 6) {
        size_t len = strspn(at + 6, "0123456789");
        strbuf_addf(&ids, "%s%.*s", ids.len > 0 ? "," : "", (int)len, at + 6);
    }
    if (ids.len > 0 && scheduler_present(SCHEDULER_SLURM)) {
        /* Of jobs that are long over Slurm knows nothing and says so with an error: then none is held. */
        strbuf_addf(&command, "squeue -h -r -j %s -o '%%K %%t' 2>&1", strbuf_str(&ids));
        int status = ask(strbuf_str(&command), &answer);
        q->known = status == 0 || strstr(strbuf_str(&answer), "Invalid job id") != NULL;
        if (status == 0) {
            take_answer(s, strbuf_str(&answer), q);
        }
    }
    strbuf_release(&ids);
    strbuf_release(&command);
    strbuf_release(&answer);
    mem_free(jobs);
}

void sweep_queue_release(struct sweep_queue *q)
{
    mem_free(q->held);
    q->held = NULL;
}

static int note_job(const struct sweep *s, enum scheduler scheduler, const char *job, struct err *err)
{
    static const char *const names[SCHEDULER_COUNT] = {"", "slurm", "pbs", "lsf"};
    struct strbuf path = STRBUF_INIT, text = STRBUF_INIT;
    char *jobs = read_jobs(s);
    strbuf_addf(&path, "%s/jobs", s->dir);
    strbuf_addf(&text, "%s%s %s\n", jobs != NULL ? jobs : "", names[scheduler], job);
    int bad = file_put(strbuf_str(&path), text.buf, text.len, err);
    mem_free(jobs);
    strbuf_release(&path);
    strbuf_release(&text);
    return bad;
}

/* The scheduler's options for a part of the array. */
static void add_part(const struct sweep *s, enum scheduler scheduler, const bool *pick, struct strbuf *out)
{
    struct strbuf spec = STRBUF_INIT;
    bool *shifted = mem_calloc((size_t)s->n_tasks + 1, sizeof *shifted);
    int by = scheduler == SCHEDULER_LSF; /* it counts from 1 */
    memcpy(shifted + by, pick, (size_t)s->n_tasks * sizeof *pick);
    sweep_spec(shifted, s->n_tasks + by, &spec);
    strbuf_addf(out, scheduler == SCHEDULER_LSF ? "-J 'dovetail-%s[%s]' " : "%s--array=%s ",
                scheduler == SCHEDULER_LSF ? s->name : "", strbuf_str(&spec));
    mem_free(shifted);
    strbuf_release(&spec);
}

/* PBS cannot take a part of an array: each task is a job of its own, of the script without its array. */
static void add_each(const struct sweep *s, const bool *pick, const char *script, struct strbuf *out)
{
    for (int i = 0; i < s->n_tasks; i++) {
        if (pick[i]) {
            strbuf_adds(out, out->len > 0 ? " && " : "");
            strbuf_adds(out, "sed '/^#PBS -J /d' ");
            add_quoted(script, out);
            strbuf_addf(out, " | qsub -v DOVETAIL_TASK=%d 2>&1", i);
        }
    }
}

/* LSF: "Job <881204> is submitted to queue <normal>."; the others say the number alone. */
static char *job_id(enum scheduler scheduler, const char *line)
{
    const char *at = scheduler == SCHEDULER_LSF ? strchr(line, '<') : NULL;
    return at != NULL ? mem_strndup(at + 1, strcspn(at + 1, ">")) : mem_strndup(line, strcspn(line, ";"));
}

int sweep_submit(const struct sweep *s, enum scheduler scheduler, const bool *pick, char **job, struct err *err)
{
    struct strbuf script = STRBUF_INIT, command = STRBUF_INIT, answer = STRBUF_INIT;
    strbuf_addf(&script, "%s/%s", s->dir, scheduler_script(scheduler));
    if (scheduler == SCHEDULER_PBS && pick != NULL) {
        add_each(s, pick, strbuf_str(&script), &command);
    } else {
        strbuf_adds(&command, scheduler == SCHEDULER_SLURM ? "sbatch --parsable "
                              : scheduler == SCHEDULER_PBS ? "qsub "
                                                           : "bsub ");
        if (pick != NULL) {
            add_part(s, scheduler, pick, &command);
        }
        strbuf_adds(&command, scheduler == SCHEDULER_LSF ? "< " : "");
        add_quoted(strbuf_str(&script), &command);
        strbuf_adds(&command, " 2>&1");
    }
    int status = access(strbuf_str(&script), R_OK) == 0 ? ask(strbuf_str(&command), &answer) : -1;
    if (answer.len > 0 && answer.buf[answer.len - 1] == '\n') {
        answer.buf[--answer.len] = '\0';
    }
    /* Slurm: "881204" or "881204;cluster", after warnings if there are any. */
    const char *last = strrchr(strbuf_str(&answer), '\n');
    last = last != NULL ? last + 1 : strbuf_str(&answer);
    *job = NULL;
    if (status != 0) {
        err_set(err, ERR_IO, status < 0 ? "'%s' is not there; %s%s" : "%s%s failed: %s",
                status < 0 ? strbuf_str(&script) : "", scheduler_submit(scheduler),
                status < 0 ? " was not run" : strbuf_str(&answer));
    } else {
        *job = job_id(scheduler, last);
        status = note_job(s, scheduler, *job, err);
    }
    strbuf_release(&script);
    strbuf_release(&command);
    strbuf_release(&answer);
    return status == 0 ? 0 : -1;
}
