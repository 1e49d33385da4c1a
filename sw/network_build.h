/* Building a network operator by operator, with the shapes inferred. Readers of all formats end here.
 *
 * Each function appends one operator to the open block and returns the index of the activation that it makes, or -1 with ERR_DATA in err
 * (a sentence without the operator's name: the caller knows where it stands). Names are copied. */
#ifndef SW_NETWORK_BUILD_H
#define SW_NETWORK_BUILD_H

#include "sw/network.h"

struct network *network_new(const char *name, int64_t batch);
/* An input of the network; the first one is activation 0. */
int build_input(struct network *net, int64_t channels, int64_t rows, int64_t columns, struct err *err);
void build_block(struct network *net,
                 const char *name); /* later operators belong to it; a block without any is dropped */

struct conv_spec {
    int64_t k;      /* output channels; depthwise: channel multiplier */
    bool depthwise; /* groups = input channels */
    int64_t groups;
    int64_t kernel[2], stride[2], dilation[2]; /* rows, columns */
    int64_t pad[4]; /* top, left, bottom, right; -1 first: 'same', output = ceil(in / stride) */
    bool bias;
    bool ceil; /* output size rounded up, as SCALE-Sim does */
};
extern const struct conv_spec conv_spec_default; /* 1x1, stride 1, no padding, one group, with bias */

int build_conv(struct network *net, const char *name, int in, const struct conv_spec *spec, struct err *err);
/* k features from the channels of each row and column. `tied`: the weights are another operator's, not counted again. */
int build_linear(struct network *net, const char *name, int in, int64_t k, bool bias, bool tied, struct err *err);
/* Two activations, `heads` independent products. transpose: out[h][m][n] = sum_d a[h][m][d] b[h][n][d] (scores: rows of a x rows of b, their
 * channels are heads * d); else out[h][m][d] = sum_n a[h][m][n] b[h][n][d] (a's channels are heads * rows of b). b may have kv_heads <= heads,
 * each shared by heads / kv_heads. */
int build_matmul(struct network *net, const char *name, int a, int b, int64_t heads, int64_t kv_heads, bool transpose,
                 struct err *err);

struct pool_spec {
    int64_t kernel[2], stride[2], pad[4]; /* as in conv_spec; stride 0: the kernel's */
    bool ceil;                            /* output size rounded up */
};
int build_pool(struct network *net, const char *name, int in, const struct pool_spec *spec, struct err *err);
int build_global_pool(struct network *net, const char *name, int in, struct err *err);
/* Element-wise over equal shapes (VECTOR_ADD, VECTOR_MUL); a shape of one row and one column is broadcast over rows and columns. */
int build_elementwise(struct network *net, const char *name, enum vector_kind kind, const int *in, int n_in,
                      struct err *err);
/* One result for each element: norm, softmax, activation, move; `ops` operations an element, `params` parameters. */
int build_unary(struct network *net, const char *name, enum vector_kind kind, int in, int64_t ops, int64_t params,
                struct err *err);
int build_embed(struct network *net, const char *name, int in, int64_t vocabulary, int64_t k, struct err *err);
/* The activation's rows after `rows` - its rows that earlier steps left in memory. */
int build_cache(struct network *net, const char *name, int in, int64_t rows, struct err *err);
/* Views: all channels, rows and columns as channels; concatenated channels; the last `rows` rows. */
int build_flatten(struct network *net, const char *name, int in, struct err *err);
int build_concat(struct network *net, const char *name, const int *in, int n_in, struct err *err);
int build_last_rows(struct network *net, const char *name, int in, int64_t rows, struct err *err);

/* Any other vector work: its output's shape, its operations and parameters in all. */
struct vector_spec {
    enum vector_kind kind;
    int64_t channels, rows, columns;
    int64_t ops; /* of the whole batch */
    int64_t params;
};
int build_vector(struct network *net, const char *name, const int *in, int n_in, const struct vector_spec *spec,
                 struct err *err);
/* A view of any shape: a part, a rearrangement of names, or a few constants more. */
int build_view(struct network *net, const char *name, const int *in, int n_in, int64_t channels, int64_t rows,
               int64_t columns, struct err *err);

/* Any tensor operator of the form of a convolution, its output's shape and parameters stated. weights_input: which of `in` plays the weights, -1
 * for own parameters. */
struct tensor_spec {
    struct conv_shape shape;
    int64_t weights, biases;
    int weights_input;
    int64_t channels, rows, columns;
};
int build_tensor(struct network *net, const char *name, const int *in, int n_in, const struct tensor_spec *spec,
                 struct err *err);

/* One matrix of a mixture of experts: k features for `rows` (token, expert) pairs of a sample, spread evenly over `distinct` of the `experts`
 * matrices; those are the groups of the einsum. Parameters of all are counted. The last rows of a group may be empty. */
struct expert_spec {
    int64_t k, rows, experts, distinct;
    bool bias;
};
int build_experts(struct network *net, const char *name, int in, const struct expert_spec *spec, struct err *err);

/* Puts the last operator's name into the table of network_find_op(). */
void build_index(struct network *net);
/* Ends the building: drops empty blocks, marks first and last operator, sets default widths, finds last uses, checks every einsum. */
int build_finish(struct network *net, struct err *err);
/* Which operator reads each activation last; of one that a view looks into, or that fused work goes on with, the last reader of those. */
void build_last_uses(struct network *net);
/* Widths of activations and einsums from those of the operators. ERR_DATA when copies exceed 64 bits. */
int build_widths(struct network *net, struct err *err);

#endif
