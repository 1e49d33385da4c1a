/* A design's cost in detail: energy by level and tensor, the operators that cost most, what binds them, and the sources of the constants. */
#ifndef CLI_EXPLAIN_H
#define CLI_EXPLAIN_H

#include "experiments/evaluator.h"

#include <jansson.h>

/* `layer` (NULL: all) must be an operator's name; ERR_USAGE when it is none. */
int explain_print(const struct evaluation_detail *d, const char *layer, struct err *err);
/* NULL on an error. */
json_t *explain_json(const struct evaluation_detail *d, const char *layer, struct err *err);
/* The loop nests, found anew by the mapper (the same ones: law 2): printed, or with `list` appended to that JSON array. */
int explain_mappings(const struct evaluation_detail *d, const char *layer, json_t *list, struct err *err);

#endif
