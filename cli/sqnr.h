/* What quantizing the weights of a file costs in noise, operator by operator: `dovetail workload --sqnr`. */
#ifndef CLI_SQNR_H
#define CLI_SQNR_H

#include "cli/cli.h"
#include "sw/weights.h"

void sqnr_print(const struct cli *cli, const struct network *net, const struct weights *w);
json_t *sqnr_json(const struct network *net, const struct weights *w); /* a list; caller owns */

#endif
