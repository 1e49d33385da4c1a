/* Internal to sweep*.c: one `--over NAME=V1,V2`. */
#ifndef EXPERIMENTS_SWEEP_AXIS_H
#define EXPERIMENTS_SWEEP_AXIS_H

#include "experiments/sweep.h"

/* `s` is the study without it, which says what names there are. -1 after errors in d, then without a path; release in
 * any case. */
int sweep_axis_read(struct sweep_axis *axis, const char *text, const struct study *s, struct diags *d);
/* Value i as YAML: a variable of the space is fixed with a list of one. */
void sweep_axis_value(const struct sweep_axis *axis, int i, struct strbuf *out);
void sweep_axis_release(struct sweep_axis *axis);

#endif
