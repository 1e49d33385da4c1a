/* The numbers of a network's weights, as its file holds them: what quantizing costs is measured on them (sqnr.h).
 *
 * Only ONNX files hold weights. Each tensor operator's are laid out with one output channel after the other, so that a quantizer can go by
 * tensor, by channel or by group. Weights that the file states quantized (QLinearConv, MatMulInteger, DequantizeLinear before the operator)
 * are the numbers that their integers stand for. Batch norms that the file has as nodes of their own are not multiplied in. */
#ifndef SW_WEIGHTS_H
#define SW_WEIGHTS_H

#include "sw/network.h"

struct weight_tensor {
    int64_t channels, per_channel;
    float *value;  /* [channels][per_channel]; NULL: not known. Owned by the weights */
    char why[128]; /* value NULL: why; "" for operators without weights */
};

struct weights {
    int n_ops; /* of the network */
    struct weight_tensor *of;
    int64_t room; /* numbers that may still be kept: a hostile file would have one tensor stand for thousands */
};

/* Reads the weights of a network that network_load() made from the same arguments. NULL and an error in d when the file is of a format
 * without weights or cannot be read. An operator whose weights are not in the file, or come out of an operator that is not followed, has
 * none, and says why. Caller frees. Memory: 4 bytes a weight. */
struct weights *weights_load(const char *model, const struct network *net, const struct network_arg *args, int n_args,
                             int64_t batch, struct diags *d);
void weights_free(struct weights *w); /* NULL is fine */

#endif
