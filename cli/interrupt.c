/* See interrupt.h. A handler can reach nothing but a variable of the whole process: this is the only one. */
#include "cli/interrupt.h"

#include "base/err.h"

#include <unistd.h>

enum { STATUS_INTERRUPTED = 128 + SIGINT };

static struct interrupt state;

static void handle(int signal_number)
{
    switch (signal_number) {
    case SIGINT:
        if (state.stop) {
            _exit(STATUS_INTERRUPTED);
        }
        state.stop = STATUS_INTERRUPTED;
        break;
    case SIGUSR2:
        state.asked = state.asked + 1;
        break;
    default:
        state.stop = ERR_RESUME;
        break;
    }
}

const struct interrupt *interrupt_install(void)
{
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    static const int signals[] = {SIGINT, SIGTERM, SIGUSR1, SIGUSR2};
    for (unsigned i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        sigaction(signals[i], &action, NULL);
    }
    if (!isatty(STDIN_FILENO)) {
        action.sa_handler = SIG_IGN;
        sigaction(SIGHUP, &action, NULL);
    }
    return &state;
}
