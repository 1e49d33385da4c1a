/* One external evaluator as a process: lines in, lines out, each with a deadline. Not for several threads at once.
 *
 * Between Dovetail and the program stands a guard (`dovetail evaluator-guard`, cli/evaluator_guard.c): it owns whatever the program starts, and
 * when Dovetail ends, however it ends, the guard sees it and leaves no process behind. */
#ifndef EXPERIMENTS_EXTERNAL_PROCESS_H
#define EXPERIMENTS_EXTERNAL_PROCESS_H

#include "base/err.h"
#include "base/strbuf.h"

#include <stdbool.h>

#define EXTERNAL_LINE ((size_t)1 << 20) /* longest answer, bytes */

struct external_process;

/* Starts argv (NULL-terminated); worker: its number, DOVETAIL_WORKER in its environment. NULL and ERR_EVALUATOR when no process can be made; a program
 * that does not exist is seen when its first line is read. */
struct external_process *external_process_start(char *const *argv, int worker, struct err *err);

enum external_line {
    EXTERNAL_LINE_OK,
    EXTERNAL_LINE_LATE,     /* no answer in time */
    EXTERNAL_LINE_ENDED,    /* the process ended, or closed its output */
    EXTERNAL_LINE_TOO_LONG, /* above EXTERNAL_LINE */
    EXTERNAL_LINE_TWO,      /* more than one line for one request */
};

/* Sends `line` (NULL: nothing; a newline is added) and waits for one line, at most timeout_s. Anything but OK: *why says what happened, and the
 * process is good for nothing but external_process_end(). */
enum external_line external_process_ask(struct external_process *p, const char *line, double timeout_s,
                                        struct strbuf *answer, struct strbuf *why);

/* Ends it: at once, or after closing its input and waiting a second for it to end by itself. No process of it is left when this returns. NULL is fine. */
void external_process_end(struct external_process *p, bool at_once);
/* Closes its input only, so that many can end side by side; external_process_end() must follow. */
void external_process_bid_end(struct external_process *p);

#endif
