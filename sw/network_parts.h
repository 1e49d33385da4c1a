/* What the files that build a network share. Internal to them: network_build.c (activations, blocks, operators), network_tensor.c (what the array runs),
 * network_vector.c (vector work and views), network_finish.c (what is known when all operators are there). */
#ifndef SW_NETWORK_PARTS_H
#define SW_NETWORK_PARTS_H

#include "sw/network_build.h"

/* Elements of one activation or weight: keeps every later product of a width within int64. */
#define NETWORK_COUNT_MAX ((int64_t)1 << 48)

/* a * b * c, or -1 when above NETWORK_COUNT_MAX. All are at least 1. */
int64_t network_product(int64_t a, int64_t b, int64_t c);
/* Appends the operator with its output's shape. Returns the output, or -1 and nothing is added. */
int network_add_op(struct network *net, const char *name, struct op *op, const int *in, int n_in, int64_t channels,
                   int64_t rows, int64_t columns, struct err *err);
/* Output extent of a window along one axis; below 1 when the kernel does not fit. */
int64_t network_window(int64_t size, int64_t kernel, int64_t stride, int64_t dilation, int64_t before, int64_t after,
                       bool ceil);

#endif
