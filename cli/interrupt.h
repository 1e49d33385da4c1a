/* Signals of a run that can be resumed (exit statuses of sysexits, see the manual page):
 *
 *   SIGINT   1st: stop soon, status 130; 2nd: leave at once
 *   SIGTERM, SIGUSR1 ("time is nearly up"): stop soon, status 75
 *   SIGUSR2  a line of progress now, and go on (what is evaluated is in the database within half a second anyhow)
 *   SIGHUP   ignored when standard input is no terminal: a closed session does not end the run */
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

#include <signal.h>

struct interrupt {
    volatile sig_atomic_t stop;  /* 0, or the exit status to stop with: 130 or 75 */
    volatile sig_atomic_t asked; /* grows by one with each SIGUSR2 */
};

/* Installs the handlers; call once. The result lives as long as the program. */
const struct interrupt *interrupt_install(void);

#endif
