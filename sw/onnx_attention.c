/* Attention and its surroundings as single operators: those of com.microsoft (what ONNX Runtime's optimizer and exporters write) and Attention of
 * ONNX 23. Each becomes what it is made of: products of the array, softmax as vector work. Their MACs are not among the facts, which count
 * Conv, ConvTranspose, Gemm, MatMul and Einsum.
 *
 * Masked scores are computed. What earlier steps left (past) is read as an input, and handed on (present) as a view.
 * Source: docs/ContribOperators.md of microsoft/onnxruntime (MIT). */
#include "base/diag.h"
#include "sw/onnx_ops.h"

#include <stdio.h>
#include <string.h>

enum { SOFTMAX = 5, ROTARY = 3 };

/* One attention, whatever names its operator gives to things. */
struct heads {
    int64_t batch, queries, keys; /* tokens that ask, tokens that are seen */
    int64_t heads, kv_heads, width, v_width;
};

static int part(struct onnx *g, const struct onnx_node *n, const char *what, const struct conv_shape *shape,
                const int act[2], int64_t weights, int64_t biases, const int64_t three[3])
{
    char name[NETWORK_NAME];
    struct err err = ERR_INIT;
    snprintf(name, sizeof name, "%.48s.%s", n->name, what);
    const struct tensor_spec spec = {.shape = *shape,
                                     .weights = weights,
                                     .biases = biases,
                                     .weights_input = act[1] < 0 ? -1 : 1,
                                     .channels = three[0],
                                     .rows = three[1],
                                     .columns = three[2]};
    int made = build_tensor(g->net, name, act, act[1] < 0 ? 1 : 2, &spec, &err);
    return made < 0 ? onnx_error(g, n, "%s", err.text) : made;
}

/* Rows of `channels` features by a matrix of its own: k features. */
static int linear(struct onnx *g, const struct onnx_node *n, const char *what, int act, int64_t rows, int64_t channels,
                  int64_t k, int64_t biases)
{
    struct conv_shape s = conv_shape_unit;
    int64_t weights = onnx_product(channels, k, 1);
    s.p = rows;
    s.c = channels;
    s.k = k;
    const int64_t three[] = {k, rows, 1};
    const int in[] = {act, -1};
    int made =
        weights < 0 ? onnx_error(g, n, "more than 2^48 weights") : part(g, n, what, &s, in, weights, biases, three);
    if (made >= 0 && n->proto->n_input > 1) {
        onnx_keep_weights(g, n, g->net->n_ops - 1, n->proto->input[1]);
    }
    return made;
}

static bool in_range(const struct heads *h)
{
    const int64_t limit = (int64_t)1 << 32;
    const int64_t sizes[] = {h->batch, h->queries, h->keys, h->heads, h->kv_heads, h->width, h->v_width};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        if (sizes[i] < 1 || sizes[i] > limit) {
            return false;
        }
    }
    return h->heads % h->kv_heads == 0 && onnx_product(h->batch * h->heads, h->queries, h->keys) > 0 &&
           onnx_product(onnx_product(h->batch, h->heads, h->keys), h->width, 1) > 0 &&
           onnx_product(onnx_product(h->batch, h->heads, h->keys), h->v_width, 1) > 0;
}

/* Scores, softmax, weighted sum; q, k, v are activations. The result becomes output 0, which has its shape. */
static int attend(struct onnx *g, const struct onnx_node *n, const struct heads *h, int q, int k, int v)
{
    if (q < 0 || k < 0 || v < 0) {
        return onnx_error(g, n, "constants in place of queries, keys or values");
    }
    char name[NETWORK_NAME];
    struct err err = ERR_INIT;
    struct conv_shape s = conv_shape_unit;
    int64_t groups = h->batch * h->kv_heads, shared = h->heads / h->kv_heads * h->queries;
    s.g = groups;
    s.p = shared;
    s.c = h->width;
    s.k = h->keys;
    const int qk[] = {q, k};
    const int64_t wide[] = {groups * h->keys, shared, 1};
    int scores = part(g, n, "scores", &s, qk, 0, 0, wide);
    if (scores < 0) {
        return -1;
    }
    snprintf(name, sizeof name, "%.48s.softmax", n->name);
    const struct vector_spec soft = {VECTOR_SOFTMAX, wide[0], wide[1], 1, SOFTMAX * wide[0] * wide[1], 0};
    int p = build_vector(g->net, name, &scores, 1, &soft, &err);
    if (p < 0) {
        return onnx_error(g, n, "%s", err.text);
    }
    s.c = h->keys;
    s.k = h->v_width;
    const int pv[] = {p, v};
    const int64_t three[] = {h->heads * h->v_width, h->batch * h->queries, 1};
    int made = part(g, n, "sum", &s, pv, 0, 0, three);
    struct onnx_value *out = onnx_out(g, n, 0);
    if (out && made >= 0) {
        out->act = made;
    }
    return made < 0 ? -1 : 0;
}

static int act_of(const struct onnx_value *v)
{
    return v ? v->act : -1;
}

/* What is handed to the next step: `rank` dimensions, over the activation `act`. */
static int hand_on(struct onnx *g, const struct onnx_node *n, int i, const int64_t *dim, int rank, int act)
{
    struct onnx_value *out = onnx_out(g, n, i);
    if (onnx_set_out(g, n, i, dim, rank)) {
        return -1;
    }
    if (out) {
        out->act = act;
    }
    return 0;
}

/* What is not the attention that its name says is costed as moving its data, with a warning. */
static int misfit(struct onnx *g, const struct onnx_node *n)
{
    const struct mark nowhere = {NULL, 0, 0, 0};
    const struct onnx_value *in = onnx_in(g, n, 0);
    if (in == NULL || g->strict) {
        return onnx_error(g, n, "its heads do not fit its inputs and weights");
    }
    diags_warning(g->d, nowhere, NULL, "%s: the heads of %s '%s' do not fit its inputs: costed as moving its data",
                  g->file, n->proto->op_type, n->name);
    for (int i = 0; i < n->n_out; i++) {
        struct onnx_value *out = onnx_out(g, n, i);
        if (out && !onnx_stated_shape(g, out) && onnx_set_out(g, n, i, in->dim, in->rank)) {
            return -1;
        }
        if (onnx_vector(g, n, i, VECTOR_MOVE, 0)) {
            return -1;
        }
    }
    return 0;
}

/* com.microsoft Attention and QAttention: one product makes queries, keys and values. */
static int packed_attention(struct onnx *g, struct onnx_node *n, int bias, int past_port)
{
    const struct onnx_value *x = onnx_in(g, n, 0), *w = onnx_in(g, n, 1), *b = onnx_in(g, n, bias);
    const struct onnx_value *past = onnx_in(g, n, past_port);
    int64_t sizes[3] = {0}, heads = onnx_attr_int(n, "num_heads", 0);
    int stated = onnx_attr_ints(n, "qkv_hidden_sizes", sizes, 3);
    if (x == NULL || w == NULL || x->rank != 3 || w->rank != 2 || w->dim[0] != x->dim[2] || heads < 1) {
        return misfit(g, n);
    }
    if (stated != 3) {
        sizes[0] = sizes[1] = sizes[2] = w->dim[1] / 3;
    }
    bool with_past = past != NULL && past->rank == 5;
    struct heads h = {.batch = x->dim[0],
                      .queries = x->dim[1],
                      .keys = x->dim[1] + (with_past ? past->dim[3] : 0),
                      .heads = heads,
                      .kv_heads = heads,
                      .width = sizes[0] / heads,
                      .v_width = sizes[2] / heads};
    if (sizes[0] + sizes[1] + sizes[2] != w->dim[1] || sizes[0] % heads || sizes[2] % heads || !in_range(&h)) {
        return misfit(g, n);
    }
    const int64_t dim[] = {h.batch, h.queries, sizes[2]}, present[] = {2, h.batch, heads, h.keys, h.width};
    if (onnx_set_out(g, n, 0, dim, 3)) {
        return -1;
    }
    if (x->act < 0) {
        return onnx_set_out(g, n, 1, present, 5);
    }
    int qkv = linear(g, n, "qkv", x->act, h.batch * h.queries, x->dim[2], w->dim[1], b && b->act < 0 ? b->elements : 0);
    int seen = with_past && past->act >= 0 && past->dim[3] > 0 ? past->act : qkv;
    return qkv < 0 || hand_on(g, n, 1, present, 5, qkv) ? -1 : attend(g, n, &h, qkv, seen, seen);
}

/* Queries (batch, tokens, width) or (batch, heads, tokens, width of one). */
static bool read_rows(const struct onnx_value *v, int64_t heads, int64_t *batch, int64_t *rows, int64_t *width)
{
    if (v == NULL || (v->rank != 3 && v->rank != 4) || heads < 1 || (v->rank == 3 && v->dim[2] % heads != 0)) {
        return false;
    }
    *batch = v->dim[0];
    *rows = v->rank == 3 ? v->dim[1] : v->dim[2];
    *width = v->rank == 3 ? v->dim[2] / heads : v->dim[3];
    return true;
}

/* Attention of given queries, keys and values; where the operator has past keys and values, and its attributes' names. */
static int open_attention(struct onnx *g, struct onnx_node *n, int past_port, const char *heads_name,
                          const char *kv_name)
{
    const struct onnx_value *q = onnx_in(g, n, 0), *k = onnx_in(g, n, 1), *v = onnx_in(g, n, 2);
    const struct onnx_value *past = onnx_in(g, n, past_port);
    bool four = q && q->rank == 4;
    struct heads h = {.heads = onnx_attr_int(n, heads_name, four ? q->dim[1] : 0)};
    h.kv_heads = onnx_attr_int(n, kv_name, k && k->rank == 4 ? k->dim[1] : h.heads);
    int64_t batch;
    if (k == NULL || v == NULL) {
        return misfit(g, n);
    }
    if (!read_rows(q, h.heads, &h.batch, &h.queries, &h.width) ||
        !read_rows(k, h.kv_heads, &batch, &h.keys, &h.width) ||
        !read_rows(v, h.kv_heads, &batch, &h.keys, &h.v_width)) {
        return misfit(g, n);
    }
    bool with_past = past != NULL && past->rank == 4 && past->dim[2] > 0;
    h.keys += with_past ? past->dim[2] : 0;
    const int64_t three[] = {h.batch, h.queries, h.heads * h.v_width};
    const int64_t wide[] = {h.batch, h.heads, h.queries, h.v_width};
    const int64_t keys[] = {h.batch, h.kv_heads, h.keys, h.width}, values[] = {h.batch, h.kv_heads, h.keys, h.v_width};
    if (!in_range(&h)) {
        return misfit(g, n);
    }
    if (onnx_set_out(g, n, 0, four ? wide : three, four ? 4 : 3) || hand_on(g, n, 1, keys, 4, k->act) ||
        hand_on(g, n, 2, values, 4, v->act)) {
        return -1;
    }
    const int64_t scores[] = {h.batch, h.heads, h.queries, h.keys}; /* ONNX 23: as the last output */
    if (onnx_set_out(g, n, 3, scores, 4) || onnx_vector(g, n, 3, VECTOR_MOVE, 0)) {
        return -1;
    }
    const struct onnx_value *old_v = onnx_in(g, n, past_port + 1);
    return attend(g, n, &h, act_of(q), with_past && past->act >= 0 ? past->act : act_of(k),
                  with_past && old_v && old_v->act >= 0 ? old_v->act : act_of(v));
}

int onnx_do_attention(struct onnx *g, struct onnx_node *n)
{
    const char *op = n->proto->op_type, *domain = n->proto->domain;
    if (strcmp(op, "GroupQueryAttention") == 0) {
        return open_attention(g, n, 3, "num_heads", "kv_num_heads");
    }
    if (strcmp(op, "MultiHeadAttention") == 0) {
        return open_attention(g, n, 6, "num_heads", "num_heads");
    }
    if (strcmp(op, "QAttention") == 0) {
        return packed_attention(g, n, 2, 8);
    }
    bool standard = domain == NULL || domain[0] == '\0' || strcmp(domain, "ai.onnx") == 0;
    return standard ? open_attention(g, n, 4, "q_num_heads", "kv_num_heads") : packed_attention(g, n, 2, 4);
}

/* com.microsoft EmbedLayerNormalization: rows of three tables, their sum, a norm. */
int onnx_do_embed_norm(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *ids = onnx_in(g, n, 0), *table = onnx_in(g, n, 2);
    if (ids == NULL || table == NULL || ids->rank != 2 || table->rank != 2) {
        return onnx_bad_shape(g, n);
    }
    const int64_t dim[] = {ids->dim[0], ids->dim[1], table->dim[1]}, mask[] = {ids->dim[0]};
    if (onnx_set_out(g, n, 0, dim, 3) || onnx_set_out(g, n, 1, mask, 1) || onnx_set_out(g, n, 2, dim, 3)) {
        return -1;
    }
    const struct onnx_value *out = onnx_out(g, n, 0);
    int64_t elements = onnx_product(onnx_product(dim[0], dim[1], 1), dim[2], onnx_ops_of(n));
    if (elements < 0) {
        return onnx_error(g, n, "more than 2^48 operations");
    }
    return onnx_vector(g, n, 0, VECTOR_EMBED, elements) || (out && onnx_vector(g, n, 2, VECTOR_MOVE, 0)) ? -1 : 0;
}

/* com.microsoft Skip(Simplified)LayerNormalization: the norm of a sum; output 3 is the sum, which the next layer adds to. */
int onnx_do_skip_norm(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    const int64_t one[] = {1};
    if (in == NULL) {
        return onnx_bad_shape(g, n);
    }
    if (onnx_set_out(g, n, 0, in->dim, in->rank) || onnx_set_out(g, n, 1, one, 1) || onnx_set_out(g, n, 2, one, 1) ||
        onnx_set_out(g, n, 3, in->dim, in->rank)) {
        return -1;
    }
    return onnx_vector(g, n, 0, VECTOR_NORM, in->elements * onnx_ops_of(n)) ||
                   onnx_vector(g, n, 3, VECTOR_ADD, in->elements)
               ? -1
               : 0;
}

/* com.microsoft RotaryEmbedding, and that of ONNX 23: the shape of the first input. */
int onnx_do_rotary(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    return in == NULL                                 ? onnx_bad_shape(g, n)
           : onnx_set_out(g, n, 0, in->dim, in->rank) ? -1
                                                      : onnx_vector(g, n, 0, VECTOR_ROTARY, in->elements * ROTARY);
}

/* com.microsoft MatMulNBits: weights of K x N packed in few bits. */
int onnx_do_packed_matmul(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *x = onnx_in(g, n, 0), *b = onnx_in(g, n, 5);
    int64_t k = onnx_attr_int(n, "K", 0), cols = onnx_attr_int(n, "N", 0), dim[ONNX_RANK];
    const int64_t limit = (int64_t)1 << 32;
    if (x == NULL || x->rank < 1 || k < 1 || cols < 1 || k > limit || cols > limit || x->dim[x->rank - 1] != k) {
        return onnx_bad_shape(g, n);
    }
    memcpy(dim, x->dim, sizeof dim);
    dim[x->rank - 1] = cols;
    if (onnx_set_out(g, n, 0, dim, x->rank) || x->act < 0 || x->elements == 0) {
        return x->act < 0 || x->elements == 0 ? 0 : -1;
    }
    struct onnx_value *out = onnx_out(g, n, 0);
    int made = linear(g, n, "product", x->act, x->elements / k, k, cols, b && b->act < 0 ? b->elements : 0);
    if (out && made >= 0) {
        out->act = made;
    }
    return made < 0 ? -1 : 0;
}
