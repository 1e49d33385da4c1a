/* What the files of ONNX operators share. An operator is a row of the table (onnx_table.c) and a function onnx_do_...() that sets the shapes of
 * its outputs, follows small constants, and adds to the network what the array runs, vector work, or a view. Internal to the reader. */
#ifndef SW_ONNX_OPS_H
#define SW_ONNX_OPS_H

#include "sw/onnx_graph.h"

int onnx_bad_shape(struct onnx *g, const struct onnx_node *n); /* the error that its inputs do not fit */
/* A shape that hangs on numbers that are known only when it runs: the shapes that the file states are taken; without them it is the error `why`. */
int onnx_open(struct onnx *g, const struct onnx_node *n, const char *why);
/* The shape of output i, when somebody asks for it. */
int onnx_set_out(struct onnx *g, const struct onnx_node *n, int i, const int64_t *dim, int rank);
/* Output of another shape over the same elements. */
int onnx_reshaped(struct onnx *g, const struct onnx_node *n, const int64_t *dim, int rank);
void onnx_strides(const struct onnx_value *v, int64_t stride[ONNX_RANK]);
int64_t onnx_product(int64_t a, int64_t b, int64_t c); /* of non-negative numbers; -1 above 2^48 */
int onnx_ops_of(const struct onnx_node *n);            /* operations an element, from the table */
enum vector_kind onnx_kind_of(const struct onnx_node *n);

/* The warning that a number of results is taken as the most that can be. */
void onnx_unknown_number(struct onnx *g, const struct onnx_node *n, int64_t most);

/* Where an operator has its activation, weights and bias (-1: none). */
void onnx_ports(const struct onnx_node *n, int port[3]);
int onnx_bias(const struct onnx_node *n, int port); /* value, -1 for none */
/* One operator of the array whose result is output 0, its MACs counted. in: values of the activation and of what plays the weights. Nothing is added
 * for constants and empty results. */
int onnx_emit(struct onnx *g, const struct onnx_node *n, const struct conv_shape *shape, const int in[2], int bias);
/* MACs into the facts, where the operator is one that counts. */
int onnx_count_macs(struct onnx *g, const struct onnx_node *n, const struct conv_shape *s);
/* The same under a name of its own with the output's shape stated, MACs not counted; *made: its activation. */
int onnx_add_tensor(struct onnx *g, const struct onnx_node *n, const char *name, const struct conv_shape *shape,
                    const int in[2], int bias, const int64_t out_shape[3], int *made);

onnx_op_fn onnx_do_affine_grid, onnx_do_categories, onnx_do_center_crop, onnx_do_classifier, onnx_do_col2im,
    onnx_do_columns, onnx_do_det, onnx_do_dft, onnx_do_loss, onnx_do_max_unpool, onnx_do_mel_weights, onnx_do_optimizer,
    onnx_do_regressor, onnx_do_stft, onnx_do_string_split, onnx_do_tf_idf, onnx_do_window, onnx_do_attention,
    onnx_do_choose, onnx_do_compress, onnx_do_concat, onnx_do_constant, onnx_do_constant_of_shape, onnx_do_conv,
    onnx_do_conv_transpose, onnx_do_crop, onnx_do_depth_space, onnx_do_dynamic_quantize, onnx_do_einsum,
    onnx_do_elementwise, onnx_do_embed_norm, onnx_do_expand, onnx_do_flatten, onnx_do_gather, onnx_do_gather_elements,
    onnx_do_gather_nd, onnx_do_gemm, onnx_do_global_pool, onnx_do_grid_sample, onnx_do_like, onnx_do_matmul,
    onnx_do_moved, onnx_do_non_max_suppression, onnx_do_non_zero, onnx_do_one_hot, onnx_do_packed_matmul, onnx_do_pad,
    onnx_do_pool, onnx_do_quantized_concat, onnx_do_random, onnx_do_range, onnx_do_recurrent, onnx_do_reduce,
    onnx_do_rename, onnx_do_reshape, onnx_do_resize, onnx_do_roi, onnx_do_rotary, onnx_do_same_shape, onnx_do_shape,
    onnx_do_skip_norm, onnx_do_slice, onnx_do_split, onnx_do_squeeze, onnx_do_tile, onnx_do_transpose, onnx_do_unique,
    onnx_do_unsqueeze;

#endif
