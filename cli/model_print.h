/* A priced mapping, for people and as JSON. */
#ifndef CLI_MODEL_PRINT_H
#define CLI_MODEL_PRINT_H

#include "experiments/pricing.h"

#include <jansson.h>

/* `explain`: also the loop nest, level by tensor counts, energies, bandwidths and the source of each constant. */
void model_print(const struct pricing *p, const struct cost_options *options, bool explain);
json_t *model_json(const struct pricing *p, const struct cost_options *options);

#endif
