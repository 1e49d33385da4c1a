/* The progress of a search on stderr: one line redrawn on a terminal, else a line of key=value at every tenth or each minute, or JSON lines. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "base/strbuf.h"
#include "cli/cli.h"
#include "cli/interrupt.h"
#include "experiments/runner.h"

enum progress_form { PROGRESS_AUTO, PROGRESS_LINE, PROGRESS_KEYS, PROGRESS_JSON, PROGRESS_NONE };
extern const char *const progress_forms[]; /* "auto", "line", "keys", "json", "none", NULL */

struct progress_view {
    enum progress_form form;
    double last_s; /* elapsed seconds at the last line of key=value */
    int64_t last_tenth;
    bool drawn;                        /* a redrawn line stands on the terminal */
    const struct interrupt *interrupt; /* who asks for a line in between; NULL: nobody */
    int answered;                      /* of interrupt->asked */
};

void progress_view_init(struct progress_view *v, const struct cli *cli, enum progress_form form,
                        const struct interrupt *interrupt);
void progress_view_show(void *view, const struct progress *p); /* for struct run_options */
void progress_view_end(struct progress_view *v);               /* leaves the line */

/* A duration that is an estimate or a measurement, to three digits: "4.2s", "72.5s", "12.3min", "1.5h", "2.3d". */
void duration_print(double seconds, struct strbuf *out);

#endif
