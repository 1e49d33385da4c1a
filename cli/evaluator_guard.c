/* The guard of one external evaluator: starts the program on its own standard input, output and error, and ends as the program ends.
 *
 * No process is left behind:
 * - The guard adopts what the program's descendants leave (PR_SET_CHILD_SUBREAPER), also those that went to a session of their own, and kills them
 *   when the program ends.
 * - Dovetail holds the only writing end of standard input. When it closes it, or dies of anything, poll() says so here; the program has a second
 *   to end by itself. SIGTERM is the order to kill at once.
 * - If the guard itself is killed, the kernel kills the program (PR_SET_PDEATHSIG), and Dovetail the rest of the process group.
 *
 * The program reads standard input itself; the guard only watches it. */
#include "cli/evaluator_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define GRACE_MS 1000
#define CANNOT_START 127

static void start_program(char **argv, const char *worker, pid_t guard)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != guard) {
        _exit(CANNOT_START);
    }
    setenv("DOVETAIL_WORKER", worker, 1);
    execvp(argv[0], argv);
    dprintf(STDERR_FILENO, "cannot start '%s': %s\n", argv[0], strerror(errno));
    _exit(CANNOT_START);
}

/* Kills every child, and theirs as they become ours, until there is none. Without /proc the program alone; Dovetail kills the group. */
static void kill_all(pid_t program)
{
    const struct timespec pause = {0, 500000};
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    for (;;) {
        FILE *f = fopen(path, "r");
        int pid;
        while (f != NULL && fscanf(f, "%d", &pid) == 1) {
            kill(pid, SIGKILL);
        }
        if (f != NULL) {
            fclose(f);
        } else if (program > 0) {
            kill(program, SIGKILL);
        }
        pid_t gone = waitpid(-1, NULL, WNOHANG);
        if ((gone < 0 && errno == ECHILD) || (f == NULL && (program <= 0 || gone == program))) {
            return;
        }
        if (gone == 0) {
            nanosleep(&pause, NULL);
        }
    }
}

/* Collects who ended. True when the program did. */
static bool collect(pid_t program, int *status)
{
    int s;
    pid_t pid;
    bool ended = false;
    while ((pid = waitpid(-1, &s, WNOHANG)) > 0) {
        if (pid == program) {
            *status = s;
            ended = true;
        }
    }
    return ended;
}

/* Until the program ends (true), or it must be ended (false). */
static bool watch(pid_t program, int signals, int *status)
{
    struct pollfd fds[2] = {{signals, POLLIN, 0}, {STDIN_FILENO, 0, 0}};
    int patience = -1;
    for (;;) {
        int n = poll(fds, 2, patience);
        if (n == 0) {
            return false;
        }
        if (n > 0 && fds[1].revents != 0) {
            fds[1].fd = -1;
            patience = GRACE_MS;
        }
        struct signalfd_siginfo info;
        while (read(signals, &info, sizeof info) == (ssize_t)sizeof info) {
            if (info.ssi_signo != SIGCHLD) {
                return false;
            }
        }
        if (collect(program, status)) {
            return true;
        }
    }
}

static int end_alike(int status)
{
    if (WIFSIGNALED(status)) {
        const struct rlimit none = {0, 0};
        sigset_t empty;
        sigemptyset(&empty);
        setrlimit(RLIMIT_CORE, &none);
        signal(WTERMSIG(status), SIG_DFL);
        sigprocmask(SIG_SETMASK, &empty, NULL);
        raise(WTERMSIG(status));
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int evaluator_guard(int argc, char **argv)
{
    if (argc < 2) {
        fputs("dovetail evaluator-guard: is started by dovetail, see docs/evaluators.md\n", stderr);
        return CANNOT_START;
    }
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGCHLD);
    sigaddset(&wanted, SIGTERM);
    sigaddset(&wanted, SIGINT);
    sigaddset(&wanted, SIGHUP);
    sigprocmask(SIG_BLOCK, &wanted, NULL);
    int signals = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    pid_t guard = getpid(), program = fork();
    if (program == 0) {
        start_program(argv + 1, argv[0], guard);
    }
    if (program < 0 || signals < 0) {
        fprintf(stderr, "cannot start '%s': %s\n", argv[1], strerror(errno));
        return CANNOT_START;
    }
    int null = open("/dev/null", O_WRONLY); /* the ends that Dovetail reads close with the program */
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
    int status = 0;
    bool ended = watch(program, signals, &status);
    kill_all(ended ? 0 : program);
    return ended ? end_alike(status) : 128 + SIGKILL;
}
