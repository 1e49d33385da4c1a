/* Layers that keep a state instead of keys and values: Mamba, the gated delta rule, RWKV, gated linear recurrent units, short convolutions. The
 * recurrence is vector work over its state; the projections around it run on the array. */
#include "sw/hf_maker.h"

#include <string.h>

/* A. Gu, T. Dao, arXiv:2312.00752 (1) and arXiv:2405.21060 (2). */
int hf_mamba(struct hf_maker *m, int in)
{
    const struct hf_config *c = m->c;
    char name[NETWORK_NAME];
    bool second = c->mamba_heads > 0;
    int64_t inner = c->mamba_inner, bc = second ? 2 * c->mamba_groups * c->mamba_state : 0;
    int wide = hf_linear(m, "mamba_in", in, 2 * inner + bc + (second ? c->mamba_heads : 0), false);
    struct conv_spec conv = conv_spec_default;
    conv.depthwise = true;
    conv.kernel[0] = c->mamba_conv ? c->mamba_conv : 4;
    conv.pad[0] = conv.kernel[0] - 1;
    int x = hf_view(m, "branch", wide, inner + bc, m->tokens);
    x = x < 0 ? -1 : build_conv(m->net, hf_named(m, "conv", name), x, &conv, &m->err);
    int64_t params = second ? 3 * c->mamba_heads : inner * (c->mamba_state + 1);
    int step = x;
    if (!second) {
        int bcd = hf_linear(m, "x", x, c->mamba_rank + 2 * c->mamba_state, false);
        bool normed = strcmp(c->model_type, "jamba") == 0;
        bcd = normed ? hf_unary(m, "x_norm", VECTOR_NORM, bcd, RMS_OPS, c->mamba_rank + 2 * c->mamba_state) : bcd;
        step = hf_linear(m, "step", hf_view(m, "rank", bcd, c->mamba_rank, m->tokens), inner, true);
    }
    const struct vector_spec scan = {
        VECTOR_SCAN, inner, m->tokens, 1, SCAN_OPS * m->net->batch * m->tokens * inner * c->mamba_state, params};
    const int in_scan[] = {x, step};
    x = x < 0 || step < 0 ? -1
                          : build_vector(m->net, hf_named(m, "scan", name), in_scan, second ? 1 : 2, &scan, &m->err);
    x = hf_two(m, "mamba_product", VECTOR_MUL, x, hf_view(m, "mamba_gate", wide, inner, m->tokens));
    x = second && !c->mamba_no_norm ? hf_norm(m, "inner_norm", x) : x;
    return hf_linear(m, "mamba_out", x, c->hidden, false);
}

/* Gated delta rule (S. Yang et al., arXiv:2412.06464) as Qwen3-Next has it: a state of key width x value width a head; a token decays it, reads what
 * it predicts for the key, writes the difference, and reads the query. */
int hf_delta(struct hf_maker *m, int in)
{
    const struct hf_config *c = m->c;
    char name[NETWORK_NAME];
    int64_t keys = c->delta_keys * c->delta_key_dim, values = c->delta_values * c->delta_value_dim;
    int wide = hf_linear(m, "delta_in", in, 2 * keys + 2 * values, false);
    int gates = hf_linear(m, "delta_gates", in, 2 * c->delta_values, false);
    struct conv_spec conv = conv_spec_default;
    conv.depthwise = true;
    conv.bias = false;
    conv.kernel[0] = c->delta_conv;
    conv.pad[0] = conv.kernel[0] - 1;
    int x = hf_view(m, "branch", wide, 2 * keys + values, m->tokens);
    x = x < 0 ? -1 : build_conv(m->net, hf_named(m, "conv", name), x, &conv, &m->err);
    int64_t state = 0, elements = 0;
    if (__builtin_mul_overflow(values, c->delta_key_dim, &state) ||
        __builtin_mul_overflow(state, m->net->batch * m->tokens, &elements) || elements > (int64_t)1 << 50) {
        return err_set(&m->err, ERR_DATA, "its state has too many elements");
    }
    const struct vector_spec scan = {VECTOR_SCAN, values, m->tokens, 1, DELTA_OPS * elements, 2 * c->delta_values};
    const int in_scan[] = {x, gates};
    x = x < 0 || gates < 0 ? -1 : build_vector(m->net, hf_named(m, "delta", name), in_scan, 2, &scan, &m->err);
    x = hf_unary(m, "delta_norm", VECTOR_NORM, x, RMS_OPS, c->delta_value_dim);
    x = hf_two(m, "delta_product", VECTOR_MUL, x, hf_view(m, "delta_gate", wide, values, m->tokens));
    return hf_linear(m, "delta_out", x, c->hidden, false);
}

/* Kimi Delta Attention (Kimi Linear, arXiv:2510.26692; transformers' kimi_linear): the gated delta rule with a decay for each channel of the keys. */
int hf_kda(struct hf_maker *m, int in)
{
    const struct hf_config *c = m->c;
    char name[NETWORK_NAME];
    int64_t dim = c->kda_dim, wide = c->kda_heads * dim, elements = 0;
    struct conv_spec conv = conv_spec_default;
    conv.depthwise = true;
    conv.bias = false;
    conv.kernel[0] = c->kda_conv;
    conv.pad[0] = conv.kernel[0] - 1;
    int x = hf_linear(m, "kda_in", in, 3 * wide, false);
    x = x < 0 ? -1 : build_conv(m->net, hf_named(m, "conv", name), x, &conv, &m->err);
    int decay = hf_linear(m, "kda_decay", hf_linear(m, "kda_decay_down", in, dim, false), wide, false);
    int beta = hf_linear(m, "kda_beta", in, c->kda_heads, false);
    int gate =
        hf_linear(m, "kda_gate", c->kda_wide_gate ? in : hf_linear(m, "kda_gate_down", in, dim, false), wide, false);
    if (__builtin_mul_overflow(wide * dim, m->net->batch * m->tokens, &elements) || elements > (int64_t)1 << 50) {
        return err_set(&m->err, ERR_DATA, "its state has too many elements");
    }
    const struct vector_spec spec = {VECTOR_SCAN, wide, m->tokens, 1, DELTA_OPS * elements, c->kda_heads + wide};
    const int from[] = {x, decay, beta};
    x = x < 0 || decay < 0 || beta < 0 ? -1 : build_vector(m->net, hf_named(m, "kda", name), from, 3, &spec, &m->err);
    x = hf_unary(m, "kda_norm", VECTOR_NORM, x, RMS_OPS, dim);
    x = hf_two(m, "kda_product", VECTOR_MUL, x, hf_unary(m, "kda_sigmoid", VECTOR_ACTIVATION, gate, SILU_OPS, 0));
    return hf_linear(m, "kda_out", x, c->hidden, false);
}

/* A convolution of each channel with its own past. */
static int short_conv(struct hf_maker *m, int in, int64_t kernel, bool bias)
{
    char name[NETWORK_NAME];
    struct conv_spec conv = conv_spec_default;
    conv.depthwise = true;
    conv.bias = bias;
    conv.kernel[0] = kernel;
    conv.pad[0] = kernel - 1;
    return in < 0 ? -1 : build_conv(m->net, hf_named(m, "conv", name), in, &conv, &m->err);
}

/* The state's work over one activation or two. */
static int scan(struct hf_maker *m, const char *part, int a, int b, int64_t width, int64_t ops, int64_t params)
{
    char name[NETWORK_NAME];
    const int in[] = {a, b};
    int64_t work = 0;
    if (__builtin_mul_overflow(ops * m->tokens, m->net->batch, &work) || __builtin_mul_overflow(work, width, &work)) {
        return err_set(&m->err, ERR_DATA, "its state has too many elements");
    }
    const struct vector_spec spec = {VECTOR_SCAN, width, m->tokens, 1, work, params};
    return a < 0 || b < 0 ? -1 : build_vector(m->net, hf_named(m, part, name), in, 2, &spec, &m->err);
}

/* What a token mixes of itself and the one before it: a learned share a channel. */
static int shifted(struct hf_maker *m, const char *part, int in)
{
    return hf_unary(m, part, VECTOR_MUL, in, 3, m->c->hidden);
}

/* RWKV-4 (B. Peng et al., arXiv:2305.13048): time mixing. */
int hf_rwkv_time(struct hf_maker *m, int in)
{
    int64_t width = m->c->rwkv_width;
    int k = hf_linear(m, "key", shifted(m, "key_shift", in), width, false);
    int v = hf_linear(m, "value", shifted(m, "value_shift", in), width, false);
    int r = hf_linear(m, "receptance", shifted(m, "receptance_shift", in), width, false);
    int x = scan(m, "wkv", k, v, width, RWKV_OPS, 2 * width);
    x = hf_two(m, "product", VECTOR_MUL, x, hf_unary(m, "sigmoid", VECTOR_ACTIVATION, r, SILU_OPS, 0));
    return hf_linear(m, "output", x, m->c->hidden, false);
}

/* Its channel mixing, which stands where others have an MLP. */
int hf_rwkv_channel(struct hf_maker *m, int in)
{
    int k = hf_linear(m, "up", shifted(m, "up_shift", in), m->c->ffn, false);
    k = hf_unary(m, "activation", VECTOR_ACTIVATION, k, 2, 0);
    int r = hf_linear(m, "gate", shifted(m, "gate_shift", in), m->c->hidden, false);
    r = hf_unary(m, "gate_sigmoid", VECTOR_ACTIVATION, r, SILU_OPS, 0);
    return hf_two(m, "product_mlp", VECTOR_MUL, hf_linear(m, "down", k, m->c->hidden, false), r);
}

/* Griffin's recurrent block (S. De et al., arXiv:2402.19427): a gate beside a convolution and a linear recurrence whose two gates are matrices of a
 * head's width. */
int hf_lru(struct hf_maker *m, int in)
{
    const struct hf_config *c = m->c;
    char name[NETWORK_NAME];
    int64_t width = c->lru_width;
    int gate = hf_unary(m, "lru_activation", VECTOR_ACTIVATION, hf_linear(m, "lru_gate", in, width, true), GELU_OPS, 0);
    int x = short_conv(m, hf_linear(m, "lru_in", in, width, true), c->lru_conv ? c->lru_conv : 4, true);
    struct conv_spec spec = conv_spec_default;
    spec.k = width;
    spec.groups = c->heads;
    int a = x < 0 ? -1 : build_conv(m->net, hf_named(m, "input_gate", name), x, &spec, &m->err);
    int b = x < 0 ? -1 : build_conv(m->net, hf_named(m, "recurrent_gate", name), x, &spec, &m->err);
    x = hf_two(m, "gated", VECTOR_MUL, x, hf_unary(m, "input_sigmoid", VECTOR_ACTIVATION, a, SILU_OPS, 0));
    x = scan(m, "lru", x, b, width, LRU_OPS, width);
    return hf_linear(m, "lru_out", hf_two(m, "lru_product", VECTOR_MUL, x, gate), c->hidden, true);
}

/* LFM2's short convolution between two gates. */
int hf_gated_conv(struct hf_maker *m, int in)
{
    const struct hf_config *c = m->c;
    int wide = hf_linear(m, "conv_in", in, 3 * c->hidden, c->conv_bias);
    int a = hf_view(m, "gate_in", wide, c->hidden, m->tokens), b = hf_view(m, "gate_out", wide, c->hidden, m->tokens);
    int x = hf_two(m, "conv_gated", VECTOR_MUL, hf_view(m, "branch", wide, c->hidden, m->tokens), a);
    x = hf_two(m, "conv_product", VECTOR_MUL, short_conv(m, x, c->conv_cache ? c->conv_cache : 3, c->conv_bias), b);
    return hf_linear(m, "conv_out", x, c->hidden, c->conv_bias);
}
