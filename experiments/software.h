/* What a design says of software, set in a network: bit widths, how weights are stored, where operators run. Internal to the evaluator. */
#ifndef EXPERIMENTS_SOFTWARE_H
#define EXPERIMENTS_SOFTWARE_H

#include "costmodel/network_cost.h"
#include "experiments/study.h"

struct software {
    struct network *network;         /* a copy of the study's */
    struct op_place *place;          /* [n_ops], filled */
    struct quantizer *quantizer;     /* [n_ops], scratch */
    struct network_options *options; /* filled */
};

/* Sets everything anew: nothing of an earlier design is left. ERR_NO when partial sums are wider than the accumulators, or a format is none
 * that the MACs multiply; ERR_DATA for widths that no operator can have. */
int software_set(const struct study *s, const double *x, const double *slots, const struct mac *mac,
                 const struct software *out, struct err *err);

#endif
