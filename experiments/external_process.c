/* Pipes to a guarded process. The parent's ends do not block: a program that reads nothing, writes nothing or writes for ever meets the deadline.
 *
 * posix_spawn() and not fork(): threads are running, memory may be large. The guard leads a process group, so that even when somebody kills the
 * guard itself, the group is still killed from here; its number cannot have been given to another, because the guard is not yet waited for. */
#include "experiments/external_process.h"

#include "base/clock.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TAIL 200          /* of standard error that a failure quotes */
#define GUARD_WAIT_S 5.0  /* for a guard that was told to end */
#define ENDING_WAIT_S 0.5 /* for a process that closed its output */

struct external_process {
    pid_t guard;
    int to, from, err; /* its standard input, output, error; -1: closed */
    struct strbuf in;  /* read from it and not yet handed out */
    char tail[TAIL];   /* last line of its standard error since the last request */
    size_t n_tail;
    bool line_open; /* tail is not yet at its end */
};

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
        *fd = -1;
    }
}

/* ---- starting ---- */

/* The program that holds the guard: this very one when it is dovetail, else the one beside it (dovetail-mpi), $DOVETAIL
 * or the one in the PATH. Caller frees. */
static char *guard_program(void)
{
    char path[4096];
    struct strbuf beside = STRBUF_INIT;
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    path[n > 0 ? n : 0] = '\0';
    const char *base = strrchr(path, '/');
    size_t name = strlen("/dovetail");
    if (base != NULL && strncmp(base, "/dovetail", name) == 0 && (base[name] == '\0' || base[name] == ' ')) {
        return mem_strdup("/proc/self/exe"); /* also when the file was replaced or removed meanwhile */
    }
    strbuf_addf(&beside, "%.*s/dovetail", base != NULL ? (int)(base - path) : 0, path);
    const char *told = getenv("DOVETAIL");
    const char *found = access(strbuf_str(&beside), X_OK) == 0 ? strbuf_str(&beside)
                        : told != NULL && told[0] != '\0'      ? told
                                                               : "dovetail";
    char *out = mem_strdup(found);
    strbuf_release(&beside);
    return out;
}

static int spawn_guard(char *const *argv, int worker, const int child[3], pid_t *pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
    for (int i = 0; i < 3; i++) {
        posix_spawn_file_actions_adddup2(&files, child[i], i);
    }
    sigset_t none, usual;
    sigemptyset(&none);
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE);
    sigaddset(&usual, SIGHUP);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &usual);
    int n = 0;
    while (argv[n] != NULL) {
        n++;
    }
    char number[16], *program = guard_program(), *verb = mem_strdup("evaluator-guard");
    snprintf(number, sizeof number, "%d", worker);
    char **args = mem_calloc((size_t)n + 4, sizeof *args);
    args[0] = program;
    args[1] = verb;
    args[2] = number;
    memcpy(args + 3, argv, (size_t)n * sizeof *args);
    int bad = posix_spawnp(pid, program, &files, &attributes, args, environ);
    mem_free(args);
    mem_free(verb);
    mem_free(program);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    return bad;
}

/* Above 2, so that dup2() in the child never meets its own source, which would stay close-on-exec. */
static int make_pipe(int fd[2])
{
    if (pipe2(fd, O_CLOEXEC) < 0) {
        return -1;
    }
    for (int i = 0; i < 2; i++) {
        if (fd[i] <= 2) {
            int higher = fcntl(fd[i], F_DUPFD_CLOEXEC, 3);
            close(fd[i]);
            fd[i] = higher;
        }
    }
    return fd[0] < 0 || fd[1] < 0 ? -1 : 0;
}

struct external_process *external_process_start(char *const *argv, int worker, struct err *err)
{
    int in[2] = {-1, -1}, out[2] = {-1, -1}, errors[2] = {-1, -1};
    struct external_process *p = mem_calloc(1, sizeof *p);
    int bad = make_pipe(in) < 0 || make_pipe(out) < 0 || make_pipe(errors) < 0 ? errno : 0;
    if (bad == 0) {
        const int child[3] = {in[0], out[1], errors[1]};
        bad = spawn_guard(argv, worker, child, &p->guard);
    }
    close_fd(&in[0]);
    close_fd(&out[1]);
    close_fd(&errors[1]);
    p->to = in[1];
    p->from = out[0];
    p->err = errors[0];
    if (bad != 0) {
        close_fd(&p->to);
        close_fd(&p->from);
        close_fd(&p->err);
        mem_free(p);
        err_set(err, ERR_EVALUATOR, "cannot start the process that holds the evaluator: %s", strerror(bad));
        return NULL;
    }
    fcntl(p->to, F_SETFL, O_NONBLOCK);
    fcntl(p->from, F_SETFL, O_NONBLOCK);
    fcntl(p->err, F_SETFL, O_NONBLOCK);
    return p;
}

/* ---- talking ---- */

/* write() that a dead reader answers with EPIPE and no signal to the program. */
static ssize_t write_quietly(int fd, const char *data, size_t n)
{
    sigset_t pipe_only, old, pending;
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    sigpending(&pending);
    bool was_pending = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_only, &old);
    ssize_t done = write(fd, data, n);
    int why = errno;
    if (done < 0 && why == EPIPE && !was_pending) {
        const struct timespec zero = {0, 0};
        while (sigtimedwait(&pipe_only, NULL, &zero) < 0 && errno == EINTR) {
        }
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    errno = why;
    return done;
}

static void take_errors(struct external_process *p)
{
    char part[4096];
    ssize_t n;
    while (p->err >= 0 && (n = read(p->err, part, sizeof part)) != 0) {
        if (n < 0) {
            return;
        }
        for (ssize_t i = 0; i < n; i++) {
            if (!p->line_open && part[i] != '\n') {
                p->n_tail = 0;
                p->line_open = true;
            }
            if (part[i] == '\n') {
                p->line_open = false;
            } else if (p->n_tail < TAIL) {
                p->tail[p->n_tail++] = part[i] >= ' ' && part[i] < 127 ? part[i] : '?';
            }
        }
    }
    close_fd(&p->err);
}

/* True when its output is at its end. */
static bool take_output(struct external_process *p)
{
    char part[16384];
    while (p->in.len <= EXTERNAL_LINE) {
        ssize_t n = read(p->from, part, sizeof part);
        if (n > 0) {
            strbuf_add(&p->in, part, (size_t)n);
        } else {
            return n == 0 || (errno != EAGAIN && errno != EINTR);
        }
    }
    return false;
}

/* Moves what can be moved now; waits at most until the deadline for something to move. True: the output is at its end. */
static bool exchange(struct external_process *p, const char *line, size_t n, size_t *sent, double deadline)
{
    struct pollfd fds[3] = {{p->from, POLLIN, 0}, {p->err, POLLIN, 0}, {*sent < n ? p->to : -1, POLLOUT, 0}};
    double left = deadline - clock_wall_s();
    int ms = left <= 0 ? 0 : left > 1e6 ? 1000000000 : (int)(left * 1e3) + 1;
    if (poll(fds, 3, ms) <= 0) {
        return false;
    }
    if (fds[1].revents != 0) {
        take_errors(p);
    }
    if (fds[2].revents != 0) {
        ssize_t done = write_quietly(p->to, line + *sent, n - *sent);
        if (done > 0) {
            *sent += (size_t)done;
        } else if (errno != EAGAIN && errno != EINTR) {
            *sent = n; /* it reads no more; whether it lives is seen by its output */
        }
    }
    return fds[0].revents != 0 && take_output(p);
}

static const char *name_of_signal(int number)
{
    const char *name = sigdescr_np(number);
    return name != NULL ? name : "unknown";
}

/* Waits for the guard without taking its status away: 1: ended (*info filled), 0: not in time. */
static int wait_guard(const struct external_process *p, double seconds, siginfo_t *info)
{
    double deadline = clock_wall_s() + seconds;
    for (;;) {
        memset(info, 0, sizeof *info);
        if (waitid(P_PID, (id_t)p->guard, info, WEXITED | WNOHANG | WNOWAIT) < 0 && errno != EINTR) {
            return 1; /* somebody else waited for it */
        }
        if (info->si_pid == p->guard) {
            return 1;
        }
        if (clock_wall_s() >= deadline) {
            return 0;
        }
        const struct timespec pause = {0, 1000000};
        nanosleep(&pause, NULL);
    }
}

/* "exit status 3: ValueError: no such layer". */
static void how_it_ended(struct external_process *p, struct strbuf *why)
{
    siginfo_t info;
    if (!wait_guard(p, ENDING_WAIT_S, &info)) {
        strbuf_adds(why, "it closed its output and went on running");
    } else if (info.si_code == CLD_EXITED && info.si_status == 0) {
        strbuf_adds(why, "it ended without an answer (exit status 0)");
    } else if (info.si_code == CLD_EXITED) {
        strbuf_addf(why, "exit status %d", info.si_status);
    } else if (info.si_pid != 0) {
        strbuf_addf(why, "signal %d (%s)", info.si_status, name_of_signal(info.si_status));
    } else {
        strbuf_adds(why, "it ended");
    }
    take_errors(p);
    if (p->n_tail > 0) {
        strbuf_adds(why, ": ");
        strbuf_add(why, p->tail, p->n_tail);
    }
}

enum external_line external_process_ask(struct external_process *p, const char *line, double timeout_s,
                                        struct strbuf *answer, struct strbuf *why)
{
    struct strbuf request = STRBUF_INIT;
    if (line != NULL) {
        strbuf_addf(&request, "%s\n", line);
        take_errors(p); /* of the request before */
        p->n_tail = 0;
        p->line_open = false;
    }
    double deadline = clock_wall_s() + timeout_s;
    size_t sent = 0;
    const char *end = NULL;
    bool ended = false, late = false;
    while (end == NULL && !ended && !late && p->in.len <= EXTERNAL_LINE) {
        ended = exchange(p, strbuf_str(&request), request.len, &sent, deadline);
        end = p->in.len > 0 ? memchr(p->in.buf, '\n', p->in.len) : NULL;
        late = clock_wall_s() >= deadline;
    }
    strbuf_release(&request);
    size_t n = end != NULL ? (size_t)(end - p->in.buf) : p->in.len;
    if (n > EXTERNAL_LINE) {
        strbuf_addf(why, "a line of more than %zu bytes", EXTERNAL_LINE);
        return EXTERNAL_LINE_TOO_LONG;
    }
    if (end == NULL && ended) {
        how_it_ended(p, why);
        return EXTERNAL_LINE_ENDED;
    }
    if (end == NULL) {
        strbuf_addf(why, "no answer within %gs", timeout_s);
        return EXTERNAL_LINE_LATE;
    }
    if (n + 1 < p->in.len) {
        strbuf_adds(why, "more than one line for one request");
        return EXTERNAL_LINE_TWO;
    }
    strbuf_reset(answer);
    strbuf_add(answer, p->in.buf, n);
    strbuf_reset(&p->in);
    return EXTERNAL_LINE_OK;
}

/* ---- ending ---- */

void external_process_bid_end(struct external_process *p)
{
    close_fd(&p->to);
}

void external_process_end(struct external_process *p, bool at_once)
{
    if (p == NULL) {
        return;
    }
    siginfo_t info;
    close_fd(&p->to);
    close_fd(&p->from); /* what it still writes meets a closed pipe and not a full one */
    close_fd(&p->err);
    if (at_once) {
        kill(p->guard, SIGTERM);
    }
    wait_guard(p, GUARD_WAIT_S, &info);
    kill(-p->guard, SIGKILL); /* the guard itself when it did not end, and what it left when it was killed */
    while (waitpid(p->guard, NULL, 0) < 0 && errno == EINTR) {
    }
    strbuf_release(&p->in);
    mem_free(p);
}
