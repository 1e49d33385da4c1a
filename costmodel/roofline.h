/* What a tensor operator costs by a formula alone, without a mapping: some 1 us where the mapper takes 100 to 1,000. For guesses that need
 * only rank designs (docs/search.md, "Two fidelities"): compute and compulsory words are bounds, words beyond those an estimate. */
#ifndef COSTMODEL_ROOFLINE_H
#define COSTMODEL_ROOFLINE_H

#include "costmodel/network_cost.h"

/* The same operator and core_split (enum core_split, or a dimension) as mapper_best() takes. Dense; capacity is not checked. 0; -1 with
 * ERR_DATA when operands are too wide. */
int roofline_cost(const struct accelerator *a, const struct einsum *e, int core_split, struct op_cost *out,
                  struct err *err);

#endif
