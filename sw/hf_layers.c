/* The parts of a layer: attention, MLP, mixture of experts; and a layer of a decoder or an encoder from them and hf_recurrent.c. See import_hf.c. */
#include "sw/hf_maker.h"

#include <math.h>
#include <stdio.h>

const char *hf_named(const struct hf_maker *m, const char *part, char out[NETWORK_NAME])
{
    snprintf(out, NETWORK_NAME, "%s.%s", m->block, part);
    return out;
}

int hf_linear(struct hf_maker *m, const char *part, int in, int64_t k, bool bias)
{
    char name[NETWORK_NAME];
    if (in < 0) {
        return -1;
    }
    int out = build_linear(m->net, hf_named(m, part, name), in, k, bias && !m->shared, m->shared, &m->err);
    return out;
}

int hf_unary(struct hf_maker *m, const char *part, enum vector_kind kind, int in, int64_t ops, int64_t params)
{
    char name[NETWORK_NAME];
    return in < 0 ? -1 : build_unary(m->net, hf_named(m, part, name), kind, in, ops, m->shared ? 0 : params, &m->err);
}

int hf_norm(struct hf_maker *m, const char *part, int in)
{
    if (in < 0) {
        return -1;
    }
    int64_t params = m->c->bare_norm ? 0 : m->net->act[in].channels * (m->c->norm_bias ? 2 : 1);
    return hf_unary(m, part, VECTOR_NORM, in, m->c->rms ? RMS_OPS : LAYER_OPS, params);
}

int hf_two(struct hf_maker *m, const char *part, enum vector_kind kind, int a, int b)
{
    char name[NETWORK_NAME];
    const int in[] = {a, b};
    return a < 0 || b < 0 ? -1 : build_elementwise(m->net, hf_named(m, part, name), kind, in, 2, &m->err);
}

int hf_matmul(struct hf_maker *m, const char *part, int a, int b, int64_t heads, int64_t kv_heads, bool transpose)
{
    char name[NETWORK_NAME];
    return a < 0 || b < 0 ? -1
                          : build_matmul(m->net, hf_named(m, part, name), a, b, heads, kv_heads, transpose, &m->err);
}

int hf_cache(struct hf_maker *m, const char *part, int in)
{
    char name[NETWORK_NAME];
    return in < 0 || m->c->encoder ? in : build_cache(m->net, hf_named(m, part, name), in, m->context, &m->err);
}

int hf_view(struct hf_maker *m, const char *part, int in, int64_t channels, int64_t rows)
{
    char name[NETWORK_NAME];
    return in < 0 ? -1 : build_view(m->net, hf_named(m, part, name), &in, 1, channels, rows, 1, &m->err);
}

/* A projection of each head by its own matrix. */
static int per_head(struct hf_maker *m, const char *part, int in, int64_t heads, int64_t k)
{
    char name[NETWORK_NAME];
    struct conv_spec spec = conv_spec_default;
    spec.k = heads * k;
    spec.groups = heads;
    spec.bias = false;
    return in < 0 ? -1 : build_conv(m->net, hf_named(m, part, name), in, &spec, &m->err);
}

/* Two activations side by side as one operand. */
static int join(struct hf_maker *m, const char *part, int a, int b, int64_t channels, int64_t rows)
{
    char name[NETWORK_NAME];
    const int in[] = {a, b};
    const struct vector_spec spec = {VECTOR_MOVE, channels, rows, 1, 0, 0};
    return a < 0 || b < 0 ? -1 : build_vector(m->net, hf_named(m, part, name), in, 2, &spec, &m->err);
}

static int rotated(struct hf_maker *m, const char *part, int in)
{
    return m->c->rotary ? hf_unary(m, part, VECTOR_ROTARY, in, ROTARY_OPS, 0) : in;
}

static int head_norm(struct hf_maker *m, const char *part, int in, int64_t width)
{
    if (!m->c->qk_norm || in < 0) {
        return in;
    }
    int64_t params = (m->c->wide_qk_norm ? m->net->act[in].channels : width) * (m->c->norm_bias ? 2 : 1);
    return hf_unary(m, part, VECTOR_NORM, in, m->c->rms ? RMS_OPS : LAYER_OPS, params);
}

/* Keys and values of a layer: its own, or an earlier one's of the same kind; without a projection of their own the values are the keys. */
static void keys_values(struct hf_maker *m, int64_t layer, int in, bool sliding, int64_t kv, int *key, int *value)
{
    const struct hf_config *c = m->c;
    int64_t dim = sliding ? c->sliding_head_dim : c->head_dim;
    int64_t v_dim = sliding ? c->sliding_v_head_dim : c->v_head_dim;
    if (layer >= c->layers - c->shared_kv && m->kept[sliding][0] >= 0) {
        *key = m->kept[sliding][0];
        *value = m->kept[sliding][1];
        return;
    }
    int k = hf_linear(m, "key", in, kv * dim, c->qkv_bias && !c->no_key_bias);
    int v = c->keys_are_values && !sliding ? k : hf_linear(m, "value", in, kv * v_dim, c->qkv_bias);
    *value = hf_cache(m, "value_cache", v);
    *key = hf_cache(m, "key_cache", rotated(m, "key_rotary", head_norm(m, "key_norm", k, dim)));
    m->kept[sliding][0] = *key;
    m->kept[sliding][1] = *value;
}

/* A gate from the layer's input over what its attention came to. */
static int gated(struct hf_maker *m, int in, int x, int64_t width)
{
    int gate = hf_linear(m, "attention_gate", in, width, m->c->qkv_bias);
    return hf_two(m, "attention_product", VECTOR_MUL, x, hf_unary(m, "sigmoid", VECTOR_ACTIVATION, gate, SILU_OPS, 0));
}

static int attention(struct hf_maker *m, int64_t layer, int in, bool sliding)
{
    const struct hf_config *c = m->c;
    int64_t kv = c->layer_kv[layer] ? c->layer_kv[layer] : sliding ? c->sliding_kv_heads : c->kv_heads;
    int64_t dim = sliding ? c->sliding_head_dim : c->head_dim;
    int64_t v_dim = sliding ? c->sliding_v_head_dim : c->v_head_dim;
    int64_t seen = sliding && c->window > 0 && c->window < m->context ? c->window : m->context;
    int k, v;
    int q = rotated(m, "query_rotary",
                    head_norm(m, "query_norm", hf_linear(m, "query", in, c->heads * dim, c->qkv_bias), dim));
    keys_values(m, layer, in, sliding, kv, &k, &v);
    if (seen < m->context) {
        k = hf_view(m, "key_window", k, kv * dim, seen);
        v = hf_view(m, "value_window", v, kv * v_dim, seen);
    }
    int64_t learned = (c->sinks ? c->heads : 0) + m->relative + c->layer_relative * c->heads +
                      (c->gated_distances ? c->heads + 8 * (c->head_dim + 1) : 0);
    m->relative = 0;
    int p = hf_unary(m, "softmax", VECTOR_SOFTMAX, hf_matmul(m, "scores", q, k, c->heads, kv, true), SOFTMAX_OPS_HF,
                     learned);
    int x = hf_matmul(m, "attention", p, v, c->heads, kv, false);
    x = c->gated_attention ? gated(m, in, x, c->heads * v_dim) : x;
    x = c->global_token ? hf_global_attention(m, in, x) : x;
    return hf_linear(m, "output", x, c->hidden, c->out_bias);
}

/* DeepSeek-V3.2's choice of keys for latent attention. How many a token attends to. */
static int64_t chosen(struct hf_maker *m, int64_t layer, int in, int query)
{
    const struct hf_config *c = m->c;
    if (c->index_topk == 0) {
        return m->context;
    }
    if (c->indexes[layer]) {
        int k = hf_linear(m, "index_key", in, c->index_dim, false);
        k = hf_unary(m, "index_key_norm", VECTOR_NORM, k, LAYER_OPS, 2 * c->index_dim);
        k = hf_cache(m, "index_cache", hf_unary(m, "index_key_rotary", VECTOR_ROTARY, k, ROTARY_OPS, 0));
        hf_index(m, in, query, k);
    }
    return c->index_topk < m->context ? c->index_topk : m->context;
}

/* DeepSeek-V2's multi-head latent attention (arXiv:2405.04434, section 2.1). */
static int latent_attention(struct hf_maker *m, int64_t layer, int in)
{
    const struct hf_config *c = m->c;
    int64_t h = c->heads, nope = c->nope_dim, rope = c->rope_dim, rank = c->kv_rank, v = c->v_head_dim;
    int q = c->q_rank ? hf_norm(m, "query_norm", hf_linear(m, "query_down", in, c->q_rank, false)) : in;
    int64_t seen = chosen(m, layer, in, q);
    q = hf_unary(m, "query_rotary", VECTOR_ROTARY, hf_linear(m, "query_up", q, h * (nope + rope), false), ROTARY_OPS,
                 0);
    int latent = hf_linear(m, "latent", in, rank + rope, false);
    latent = hf_cache(m, "latent_cache", hf_unary(m, "latent_norm", VECTOR_NORM, latent, RMS_OPS, rank));
    int result;
    if (m->context == m->tokens) {
        int kv =
            hf_linear(m, "key_value_up", hf_view(m, "compressed", latent, rank, m->context), h * (nope + v), false);
        int k = join(m, "keys", kv, latent, h * (nope + rope), m->context);
        k = seen < m->context ? hf_view(m, "keys_chosen", k, h * (nope + rope), seen) : k;
        int p = hf_unary(m, "softmax", VECTOR_SOFTMAX, hf_matmul(m, "scores", q, k, h, h, true), SOFTMAX_OPS_HF, 0);
        result = hf_matmul(m, "attention", p, hf_view(m, "values", kv, h * v, seen), h, h, false);
    } else {
        int folded = per_head(m, "key_up", hf_view(m, "query_nope", q, h * nope, m->tokens), h, rank);
        int whole = join(m, "queries", folded, q, h * (rank + rope), m->tokens);
        latent = seen < m->context ? hf_view(m, "latent_chosen", latent, rank + rope, seen) : latent;
        int p = hf_unary(m, "softmax", VECTOR_SOFTMAX, hf_matmul(m, "scores", whole, latent, h, 1, true),
                         SOFTMAX_OPS_HF, 0);
        int sum = hf_matmul(m, "attention", p, hf_view(m, "compressed", latent, rank, seen), h, 1, false);
        result = per_head(m, "value_up", sum, h, v);
    }
    return hf_linear(m, "output", c->gated_attention ? gated(m, in, result, h * v) : result, c->hidden, false);
}

int hf_mlp(struct hf_maker *m, const char *prefix, int in, int64_t width, bool bias)
{
    char gate[32], up[32], act[32], mul[32], down[32];
    snprintf(gate, sizeof gate, "%sgate", prefix);
    snprintf(up, sizeof up, "%sup", prefix);
    snprintf(act, sizeof act, "%sactivation", prefix);
    snprintf(mul, sizeof mul, "%sproduct", prefix);
    snprintf(down, sizeof down, "%sdown", prefix);
    int x = hf_linear(m, up, in, width, bias);
    if (m->c->gated) {
        int g = hf_unary(m, act, VECTOR_ACTIVATION, hf_linear(m, gate, in, width, bias), SILU_OPS, 0);
        x = hf_two(m, mul, VECTOR_MUL, g, x);
    } else {
        x = hf_unary(m, act, VECTOR_ACTIVATION, x, GELU_OPS, 0);
    }
    return hf_linear(m, down, x, m->c->hidden, bias);
}

static int experts(struct hf_maker *m, const char *part, int in, int64_t k)
{
    const struct hf_config *c = m->c;
    char name[NETWORK_NAME];
    double e = (double)c->experts, t = (double)(m->tokens * m->net->batch);
    int64_t distinct = llround(e * (1.0 - pow(1.0 - (double)c->top_k / e, t)));
    const struct expert_spec spec = {
        .k = k,
        .rows = m->tokens * c->top_k,
        .experts = c->experts,
        .distinct = distinct < c->top_k ? c->top_k : distinct,
        .bias = c->expert_bias,
    };
    return in < 0 ? -1 : build_experts(m->net, hf_named(m, part, name), in, &spec, &m->err);
}

/* The expert that every token takes, in Qwen2-MoE weighed by a number of its own. */
static int shared_expert(struct hf_maker *m, int in, int routed)
{
    int x = hf_mlp(m, "shared_", in, m->c->shared_ffn, false);
    if (m->c->shared_gate) {
        int gate =
            hf_unary(m, "shared_sigmoid", VECTOR_ACTIVATION, hf_linear(m, "shared_weigh", in, 1, false), SILU_OPS, 0);
        char name[NETWORK_NAME];
        const int both[] = {x, gate};
        const struct vector_spec spec = {
            VECTOR_MUL, m->c->hidden, m->tokens, 1, m->net->batch * m->tokens * m->c->hidden, 0};
        x = x < 0 || gate < 0 ? -1 : build_vector(m->net, hf_named(m, "shared_weighed", name), both, 2, &spec, &m->err);
    }
    return hf_two(m, "shared_sum", VECTOR_ADD, routed, x);
}

/* Router, routed experts, their weighted sum, shared experts beside. */
static int mixture(struct hf_maker *m, int64_t layer, int in)
{
    const struct hf_config *c = m->c;
    char name[NETWORK_NAME];
    hf_unary(m, "route", VECTOR_SOFTMAX,
             hf_linear(m, "router", in, c->experts, c->router_bias && layer >= c->hash_layers), SOFTMAX_OPS_HF, 0);
    int64_t width = c->moe_latent ? c->moe_latent : c->hidden;
    int each = c->moe_latent ? hf_linear(m, "latent_down", in, c->moe_latent, false) : in;
    each = c->latent_norm && c->moe_latent ? hf_norm(m, "latent_norm_in", each) : each;
    int x = experts(m, "expert_up", each, c->moe_ffn);
    if (c->gated || c->expert_bias) {
        int g = hf_unary(m, "expert_activation", VECTOR_ACTIVATION, experts(m, "expert_gate", each, c->moe_ffn),
                         SILU_OPS, 0);
        x = hf_two(m, "expert_product", VECTOR_MUL, g, x);
    } else {
        x = hf_unary(m, "expert_activation", VECTOR_ACTIVATION, x, GELU_OPS, 0);
    }
    x = experts(m, "expert_down", x, width);
    const struct vector_spec sum = {VECTOR_ADD, width, m->tokens, 1, 2 * m->net->batch * m->tokens * c->top_k * width,
                                    0};
    x = x < 0 ? -1 : build_vector(m->net, hf_named(m, "expert_sum", name), &x, 1, &sum, &m->err);
    x = c->moe_latent ? hf_linear(m, "latent_up", x, c->hidden, false) : x;
    return c->shared_ffn > 0 ? shared_expert(m, in, x) : x;
}

/* What a layer does along the tokens. */
static int mix(struct hf_maker *m, int64_t i, int x)
{
    switch ((enum hf_layer_kind)m->c->kind[i]) {
    case HF_MAMBA:
        return hf_mamba(m, x);
    case HF_DELTA:
        return hf_delta(m, x);
    case HF_RWKV:
        return hf_rwkv_time(m, x);
    case HF_KDA:
        return hf_kda(m, x);
    case HF_LRU:
        return hf_lru(m, x);
    case HF_CONV:
        return hf_gated_conv(m, x);
    case HF_BOTH:
        return hf_two(m, "mixed", VECTOR_ADD, hf_mamba(m, x), attention(m, i, x, false));
    default:
        return m->c->distances    ? hf_xlnet_attention(m, x)
               : m->c->compressed ? hf_compressed_attention(m, i, x)
               : m->c->kv_rank    ? latent_attention(m, i, x)
                                  : attention(m, i, x, m->c->kind[i] == HF_SLIDING);
    }
}

/* And along the channels. */
static int transform(struct hf_maker *m, int64_t i, int x)
{
    const struct hf_config *c = m->c;
    int64_t width = c->layer_ffn[i] ? c->layer_ffn[i] : c->ffn;
    width *= c->wide_shared && i >= c->layers - c->shared_kv ? 2 : 1;
    return c->rwkv_width ? hf_rwkv_channel(m, x) : c->moe[i] ? mixture(m, i, x) : hf_mlp(m, "", x, width, c->mlp_bias);
}

/* Gemma's embedding of its own for each layer: it gates what the layer made (transformers, Gemma4TextDecoderLayer). */
static int add_layer_input(struct hf_maker *m, int in)
{
    if (m->per_layer < 0 || in < 0) {
        return in;
    }
    int own = hf_view(m, "own_input", m->per_layer, m->c->layer_input, m->tokens);
    int gate = hf_unary(m, "own_activation", VECTOR_ACTIVATION, hf_linear(m, "own_gate", in, m->c->layer_input, false),
                        GELU_OPS, 0);
    int x = hf_linear(m, "own_output", hf_two(m, "own_product", VECTOR_MUL, gate, own), m->c->hidden, false);
    return hf_two(m, "own_add", VECTOR_ADD, hf_norm(m, "own_norm", x), in);
}

/* A layer of DeepSeek-V4: each part reads a sum of the streams, and writes to all of them. */
static int layer_of_streams(struct hf_maker *m, int64_t i, int streams)
{
    int mix_in = -1, transform_in = -1;
    int x = hf_streams_in(m, "", streams, &mix_in);
    streams = hf_streams_out(m, "add", mix(m, i, hf_norm(m, "norm", x)), streams, mix_in);
    x = hf_streams_in(m, "mlp_", streams, &transform_in);
    return hf_streams_out(m, "mlp_add", transform(m, i, hf_norm(m, "mlp_norm", x)), streams, transform_in);
}

int hf_blocks_sum(struct hf_maker *m, const char *part, int x)
{
    char name[NETWORK_NAME];
    int in[HF_RESIDUALS + 1], n = 0;
    while (n < m->n_sums) {
        in[n] = m->block_sum[n];
        n++;
    }
    in[n++] = x;
    if (x < 0 || n == 1) {
        return x;
    }
    int64_t ops = n * (RMS_OPS + 4) * m->net->act[x].elements; /* norm, product with a query, sum */
    const struct vector_spec spec = {VECTOR_ADD, m->c->hidden, m->tokens, 1, ops, 2 * m->c->hidden};
    return build_vector(m->net, hf_named(m, part, name), in, n, &spec, &m->err);
}

/* A layer of Kimi K3: each part reads a weighted sum of the blocks of layers before, and adds to its own block's. */
static int layer_of_blocks(struct hf_maker *m, int64_t i, int sum)
{
    int x = hf_blocks_sum(m, "residual", sum);
    bool first = i % m->c->residual_blocks == 0;
    if (first) {
        m->block_sum[m->n_sums++] = sum;
    }
    x = mix(m, i, hf_norm(m, "norm", x));
    sum = first ? x : hf_two(m, "add", VECTOR_ADD, x, sum);
    x = hf_norm(m, "mlp_norm", hf_blocks_sum(m, "mlp_residual", sum));
    return hf_two(m, "mlp_add", VECTOR_ADD, transform(m, i, x), sum);
}

int hf_layer(struct hf_maker *m, int64_t i, int in)
{
    const struct hf_config *c = m->c;
    char name[32];
    snprintf(name, sizeof name, "layer.%lld", (long long)i);
    hf_open_block(m, name);
    m->shared = c->shared_layers && i > 0;
    if (c->kind[i] == HF_NOTHING) {
        return in;
    }
    if (c->kind[i] == HF_ZAMBA) {
        return hf_zamba_layer(m, in);
    }
    if (c->compressed) {
        return layer_of_streams(m, i, in);
    }
    if (c->residual_blocks) {
        return layer_of_blocks(m, i, in);
    }
    int x = c->encoder ? in : hf_norm(m, "norm", in), mixed = x;
    if (c->kind[i] == HF_MLP) {
        return hf_two(m, "add", VECTOR_ADD, transform(m, i, mixed), in);
    }
    x = mix(m, i, x);
    x = c->norms == 4 ? hf_norm(m, "after_norm", x) : x;
    x = c->layer_scale ? hf_unary(m, "scale", VECTOR_MUL, x, 1, c->hidden) : x;
    x = hf_two(m, "add", VECTOR_ADD, x, in);
    x = c->encoder ? hf_norm(m, "norm", x) : x;
    if (!c->mlp[i] || x < 0) {
        return x;
    }
    int before = x, y = c->encoder ? x : c->norms == 1 ? mixed : hf_norm(m, "mlp_norm", x);
    y = transform(m, i, y);
    y = c->norms == 4 ? hf_norm(m, "mlp_after_norm", y) : y;
    y = c->layer_scale ? hf_unary(m, "mlp_scale", VECTOR_MUL, y, 1, c->hidden) : y;
    y = add_layer_input(m, hf_two(m, "mlp_add", VECTOR_ADD, y, before));
    return c->encoder ? hf_norm(m, "mlp_norm", y) : y;
}
