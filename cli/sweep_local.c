/* See sweep_local.h. Children are processes and not threads, so that one that dies takes nothing with it, and so that the task that runs here is
 * the very one that runs on a cluster. */
#include "cli/sweep_local.h"

#include "base/mem.h"
#include "base/strbuf.h"
#include "cli/interrupt.h"
#include "cli/sweep_status.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct child {
    pid_t pid; /* 0: a free place */
    int task;
};

struct local {
    struct cli *cli;
    const struct sweep *sweep;
    const struct local_options *options;
    struct child *child; /* [options->processes] */
    int alive, done, n;  /* n: tasks to run in all */
    bool *run;           /* [n_tasks] waits for a place */
    int64_t *trials;     /* [n_tasks] when it left its place the last time */
    int idle;            /* tasks that left in a row, and had got no further */
    int status;          /* of the first that failed */
};

static int64_t share(const struct local_options *o)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    int64_t threads = processors > 0 ? processors / o->processes : 1;
    return o->threads > 0 ? o->threads : threads > 0 ? threads : 1;
}

/* Where there are more tasks than processes, one whose neighbour does not run makes room for it soon. */
static double patience_s(const struct local *l)
{
    const struct sweep_islands *i = &l->sweep->islands;
    return i->strict && l->options->processes < l->n && i->wait_s > 0.5 ? 0.5 : i->wait_s;
}

/* In the child: what it says goes to the task's log; when the parent dies it is told to stop. */
static void become_task(const struct local *l, int task, pid_t parent)
{
    char number[32], threads[32], wait[64];
    struct strbuf log = STRBUF_INIT;
    snprintf(number, sizeof number, "%d", task);
    snprintf(threads, sizeof threads, "%lld", (long long)share(l->options));
    snprintf(wait, sizeof wait, "%.17gs", patience_s(l));
    strbuf_addf(&log, "%s/log/%d.log", l->sweep->dir, task);
    int fd = open(strbuf_str(&log), O_WRONLY | O_CREAT | O_APPEND, 0666);
    if (fd >= 0) {
        dup2(fd, STDOUT_FILENO);
        dup2(fd, STDERR_FILENO);
    }
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() == parent) {
        const char *scratch = l->options->scratch;
        execl(l->options->program, "dovetail", "sweep", l->sweep->dir, "--task", number, "--threads", threads, "--wait",
              wait, scratch != NULL ? "--scratch" : NULL, scratch, (char *)NULL);
    }
    _exit(127);
}

static int start(struct local *l, int task)
{
    struct child *place = l->child;
    while (place->pid != 0) {
        place++;
    }
    pid_t self = getpid();
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        become_task(l, task, self);
    }
    if (pid < 0) {
        return cli_fail(l->cli, ERR_IO, "cannot start a process: %s", strerror(errno));
    }
    *place = (struct child){pid, task};
    l->alive++;
    return 0;
}

/* It made room for a task whose results it needs: it comes again, unless nobody gets any further. */
static bool comes_again(struct local *l, int task)
{
    struct shard shard;
    struct err ignored = ERR_INIT;
    if (shard_read(l->sweep, task, &shard, &ignored) < 0) {
        return false;
    }
    bool left = shard.has_beat && shard.beat.phase == BEAT_LEFT, further = shard.beat.trials > l->trials[task];
    l->idle = further ? 0 : l->idle + 1;
    l->trials[task] = shard.beat.trials;
    shard_release(&shard);
    return left && l->idle <= 2 * l->n;
}

static void take_end(struct local *l, struct child *c, int how)
{
    int status = WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
    struct strbuf label = STRBUF_INIT;
    sweep_label(l->sweep, c->task, &label);
    c->pid = 0;
    l->alive--;
    l->done += status == 0;
    if (status == 0) {
        cli_say(l->cli, "done       task %d (%s), %d of %d", c->task, strbuf_str(&label), l->done, l->n);
        l->idle = 0;
    } else if (status == ERR_RESUME && comes_again(l, c->task)) {
        l->run[c->task] = true;
    } else if (status != ERR_RESUME && status != 130) {
        cli_say(l->cli, "failed     task %d (%s) with status %d: see %s/log/%d.log", c->task, strbuf_str(&label),
                status, l->sweep->dir, c->task);
        l->status = l->status == 0 ? status : l->status;
    } else {
        cli_say(l->cli, "stopped    task %d (%s)", c->task, strbuf_str(&label));
    }
    strbuf_release(&label);
}

static void reap(struct local *l)
{
    for (int i = 0; i < l->options->processes; i++) {
        int how;
        if (l->child[i].pid != 0 && waitpid(l->child[i].pid, &how, WNOHANG) == l->child[i].pid) {
            take_end(l, &l->child[i], how);
        }
    }
}

static void stop_all(const struct local *l)
{
    for (int i = 0; i < l->options->processes; i++) {
        if (l->child[i].pid != 0) {
            kill(l->child[i].pid, SIGTERM);
        }
    }
}

/* The next task in the queue after `last`, or -1. */
static int next_task(const struct local *l, int last)
{
    for (int i = 1; i <= l->sweep->n_tasks; i++) {
        int task = (last + i) % l->sweep->n_tasks;
        if (l->run[task]) {
            return task;
        }
    }
    return -1;
}

static void run_all(struct local *l, const struct interrupt *interrupt)
{
    bool told = false;
    int next = next_task(l, l->sweep->n_tasks - 1), last = 0;
    while ((next >= 0 && !interrupt->stop) || l->alive > 0) {
        if (next >= 0 && !interrupt->stop && l->alive < l->options->processes) {
            int bad = start(l, next);
            l->status = l->status == 0 ? bad : l->status;
            l->run[next] = false;
            last = next;
        } else {
            if (interrupt->stop && !told) {
                stop_all(l);
                told = true;
            }
            nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
            reap(l);
        }
        next = next_task(l, last);
    }
}

int sweep_local(struct cli *cli, const struct sweep *s, const struct local_options *o)
{
    struct err err = ERR_INIT;
    struct shard *shards = shards_read(s, &err);
    if (shards == NULL) {
        return cli_error(cli, &err);
    }
    const struct interrupt *interrupt = interrupt_install();
    struct local l = {.cli = cli, .sweep = s, .options = o};
    l.run = mem_calloc((size_t)s->n_tasks, sizeof *l.run);
    l.trials = mem_calloc((size_t)s->n_tasks, sizeof *l.trials);
    l.n = sweep_idle(s, shards, l.run);
    l.child = mem_calloc((size_t)o->processes, sizeof *l.child);
    cli_say(cli, "local      %d of %d tasks to run, %d at once with %lld threads each", l.n, s->n_tasks, o->processes,
            (long long)share(o));
    run_all(&l, interrupt);
    int status = l.status != 0 ? l.status : l.done == l.n ? 0 : interrupt->stop ? interrupt->stop : ERR_RESUME;
    if (status == ERR_RESUME || status == 130) {
        cli_say(cli, "stopped    %d of %d tasks are done; go on with: dovetail sweep %s --local %d", l.done, l.n,
                s->dir, o->processes);
    }
    mem_free(l.run);
    mem_free(l.trials);
    mem_free(l.child);
    shards_free(shards, s->n_tasks);
    return status;
}
