/* A network from a Hugging Face config.json (hf_config.c reads the file).
 *
 * Modelled: embeddings; attention with shared key heads (GQA, MQA), sliding windows (a token attends to the last `window` ones), the
 * compressed attention of DeepSeek (MLA: keys and values unfolded in a prefill, queries folded into the latent space when context > tokens);
 * MLPs with two or three matrices; mixtures of experts with shared experts (tokens spread evenly; distinct experts touched E (1 - (1 - k/E)^T));
 * Mamba 1 and 2 with the recurrence as vector work (6 operations a state element); vision transformers; the head for the last token.
 * Not modelled: skipping of masked scores, the indexer of sparse attention, prediction of several tokens, vision and audio towers of
 * models of several modes. Shapes: rows are tokens, channels are features. */
#include "base/diag.h"
#include "base/mem.h"
#include "sw/hf_config.h"
#include "sw/import.h"
#include "sw/network_build.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    ROTARY_OPS = 3,
    SOFTMAX_OPS_HF = 5,
    GELU_OPS = 8,
    SILU_OPS = 4,
    RMS_OPS = 4,
    LAYER_OPS = 7,
    SCAN_OPS = 6,
    TANH_OPS = 1
};

/* The network under construction. After the first error every step returns -1 and does nothing, so that a layer reads as a list. */
struct maker {
    const struct hf_config *c;
    struct network *net;
    int64_t tokens, context;
    char block[32];
    bool shared; /* weights are an earlier layer's */
    struct err err;
};

static const char *named(const struct maker *m, const char *part, char out[NETWORK_NAME])
{
    snprintf(out, NETWORK_NAME, "%s.%s", m->block, part);
    return out;
}

static int linear(struct maker *m, const char *part, int in, int64_t k, bool bias)
{
    char name[NETWORK_NAME];
    if (in < 0) {
        return -1;
    }
    int out = build_linear(m->net, named(m, part, name), in, k, bias && !m->shared, m->shared, &m->err);
    return out;
}

static int unary(struct maker *m, const char *part, enum vector_kind kind, int in, int64_t ops, int64_t params)
{
    char name[NETWORK_NAME];
    return in < 0 ? -1 : build_unary(m->net, named(m, part, name), kind, in, ops, m->shared ? 0 : params, &m->err);
}

static int norm(struct maker *m, const char *part, int in)
{
    if (in < 0) {
        return -1;
    }
    int64_t params = m->net->act[in].channels * (m->c->norm_bias ? 2 : 1);
    return unary(m, part, VECTOR_NORM, in, m->c->rms ? RMS_OPS : LAYER_OPS, params);
}

static int two(struct maker *m, const char *part, enum vector_kind kind, int a, int b)
{
    char name[NETWORK_NAME];
    const int in[] = {a, b};
    return a < 0 || b < 0 ? -1 : build_elementwise(m->net, named(m, part, name), kind, in, 2, &m->err);
}

static int matmul(struct maker *m, const char *part, int a, int b, int64_t heads, int64_t kv_heads, bool transpose)
{
    char name[NETWORK_NAME];
    return a < 0 || b < 0 ? -1 : build_matmul(m->net, named(m, part, name), a, b, heads, kv_heads, transpose, &m->err);
}

static int cache(struct maker *m, const char *part, int in)
{
    char name[NETWORK_NAME];
    return in < 0 || m->c->encoder ? in : build_cache(m->net, named(m, part, name), in, m->context, &m->err);
}

static int view(struct maker *m, const char *part, int in, int64_t channels, int64_t rows)
{
    char name[NETWORK_NAME];
    return in < 0 ? -1 : build_view(m->net, named(m, part, name), &in, 1, channels, rows, 1, &m->err);
}

/* A projection of each head by its own matrix. */
static int per_head(struct maker *m, const char *part, int in, int64_t heads, int64_t k)
{
    char name[NETWORK_NAME];
    struct conv_spec spec = conv_spec_default;
    spec.k = heads * k;
    spec.groups = heads;
    spec.bias = false;
    return in < 0 ? -1 : build_conv(m->net, named(m, part, name), in, &spec, &m->err);
}

/* Two activations side by side as one operand. */
static int join(struct maker *m, const char *part, int a, int b, int64_t channels, int64_t rows)
{
    char name[NETWORK_NAME];
    const int in[] = {a, b};
    const struct vector_spec spec = {VECTOR_MOVE, channels, rows, 1, 0, 0};
    return a < 0 || b < 0 ? -1 : build_vector(m->net, named(m, part, name), in, 2, &spec, &m->err);
}

static bool is_rotary(const struct hf_config *c)
{
    return !c->encoder && c->positions == 0 && strncmp(c->model_type, "bloom", 5) != 0 &&
           strncmp(c->model_type, "mpt", 3) != 0;
}

static int rotated(struct maker *m, const char *part, int in)
{
    return is_rotary(m->c) ? unary(m, part, VECTOR_ROTARY, in, ROTARY_OPS, 0) : in;
}

static int head_norm(struct maker *m, const char *part, int in, int64_t width)
{
    return m->c->qk_norm ? unary(m, part, VECTOR_NORM, in, RMS_OPS, width) : in;
}

static int attention(struct maker *m, int in, bool sliding)
{
    const struct hf_config *c = m->c;
    int64_t kv = sliding ? c->sliding_kv_heads : c->kv_heads, dim = sliding ? c->sliding_head_dim : c->head_dim;
    int64_t v_dim = sliding ? c->sliding_v_head_dim : c->v_head_dim;
    int64_t seen = sliding && c->window > 0 && c->window < m->context ? c->window : m->context;
    int q = rotated(m, "query_rotary",
                    head_norm(m, "query_norm", linear(m, "query", in, c->heads * dim, c->qkv_bias), dim));
    int k = rotated(m, "key_rotary", head_norm(m, "key_norm", linear(m, "key", in, kv * dim, c->qkv_bias), dim));
    int v = cache(m, "value_cache", linear(m, "value", in, kv * v_dim, c->qkv_bias));
    k = cache(m, "key_cache", k);
    if (seen < m->context) {
        k = view(m, "key_window", k, kv * dim, seen);
        v = view(m, "value_window", v, kv * v_dim, seen);
    }
    int p = unary(m, "softmax", VECTOR_SOFTMAX, matmul(m, "scores", q, k, c->heads, kv, true), SOFTMAX_OPS_HF, 0);
    return linear(m, "output", matmul(m, "attention", p, v, c->heads, kv, false), c->hidden, c->out_bias);
}

/* DeepSeek-V2's multi-head latent attention (arXiv:2405.04434, section 2.1). */
static int latent_attention(struct maker *m, int in)
{
    const struct hf_config *c = m->c;
    int64_t h = c->heads, nope = c->nope_dim, rope = c->rope_dim, rank = c->kv_rank, v = c->v_head_dim;
    int q = c->q_rank ? norm(m, "query_norm", linear(m, "query_down", in, c->q_rank, false)) : in;
    q = unary(m, "query_rotary", VECTOR_ROTARY, linear(m, "query_up", q, h * (nope + rope), false), ROTARY_OPS, 0);
    int latent = linear(m, "latent", in, rank + rope, false);
    latent = cache(m, "latent_cache", unary(m, "latent_norm", VECTOR_NORM, latent, RMS_OPS, rank));
    int result;
    if (m->context == m->tokens) {
        int kv = linear(m, "key_value_up", view(m, "compressed", latent, rank, m->context), h * (nope + v), false);
        int k = join(m, "keys", kv, latent, h * (nope + rope), m->context);
        int p = unary(m, "softmax", VECTOR_SOFTMAX, matmul(m, "scores", q, k, h, h, true), SOFTMAX_OPS_HF, 0);
        result = matmul(m, "attention", p, view(m, "values", kv, h * v, m->context), h, h, false);
    } else {
        int folded = per_head(m, "key_up", view(m, "query_nope", q, h * nope, m->tokens), h, rank);
        int whole = join(m, "queries", folded, q, h * (rank + rope), m->tokens);
        int p = unary(m, "softmax", VECTOR_SOFTMAX, matmul(m, "scores", whole, latent, h, 1, true), SOFTMAX_OPS_HF, 0);
        int sum = matmul(m, "attention", p, view(m, "compressed", latent, rank, m->context), h, 1, false);
        result = per_head(m, "value_up", sum, h, v);
    }
    return linear(m, "output", result, c->hidden, false);
}

static int mlp(struct maker *m, const char *prefix, int in, int64_t width, bool bias)
{
    char gate[32], up[32], act[32], mul[32], down[32];
    snprintf(gate, sizeof gate, "%sgate", prefix);
    snprintf(up, sizeof up, "%sup", prefix);
    snprintf(act, sizeof act, "%sactivation", prefix);
    snprintf(mul, sizeof mul, "%sproduct", prefix);
    snprintf(down, sizeof down, "%sdown", prefix);
    int x = linear(m, up, in, width, bias);
    if (m->c->gated) {
        int g = unary(m, act, VECTOR_ACTIVATION, linear(m, gate, in, width, bias), SILU_OPS, 0);
        x = two(m, mul, VECTOR_MUL, g, x);
    } else {
        x = unary(m, act, VECTOR_ACTIVATION, x, GELU_OPS, 0);
    }
    return linear(m, down, x, m->c->hidden, bias);
}

static int experts(struct maker *m, const char *part, int in, int64_t k)
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
    return in < 0 ? -1 : build_experts(m->net, named(m, part, name), in, &spec, &m->err);
}

/* Router, routed experts, their weighted sum, shared experts beside. */
static int mixture(struct maker *m, int in)
{
    const struct hf_config *c = m->c;
    char name[NETWORK_NAME];
    unary(m, "route", VECTOR_SOFTMAX, linear(m, "router", in, c->experts, c->router_bias), SOFTMAX_OPS_HF, 0);
    int x = experts(m, "expert_up", in, c->moe_ffn);
    if (c->gated || c->expert_bias) {
        int g =
            unary(m, "expert_activation", VECTOR_ACTIVATION, experts(m, "expert_gate", in, c->moe_ffn), SILU_OPS, 0);
        x = two(m, "expert_product", VECTOR_MUL, g, x);
    } else {
        x = unary(m, "expert_activation", VECTOR_ACTIVATION, x, GELU_OPS, 0);
    }
    x = experts(m, "expert_down", x, c->hidden);
    const struct vector_spec sum = {
        VECTOR_ADD, c->hidden, m->tokens, 1, 2 * m->net->batch * m->tokens * c->top_k * c->hidden, 0};
    x = x < 0 ? -1 : build_vector(m->net, named(m, "expert_sum", name), &x, 1, &sum, &m->err);
    return c->shared_ffn > 0 ? two(m, "shared_sum", VECTOR_ADD, x, mlp(m, "shared_", in, c->shared_ffn, false)) : x;
}

/* A. Gu, T. Dao, arXiv:2312.00752 (1) and arXiv:2405.21060 (2). */
static int mamba(struct maker *m, int in)
{
    const struct hf_config *c = m->c;
    char name[NETWORK_NAME];
    bool second = c->mamba_heads > 0;
    int64_t inner = c->mamba_inner, bc = second ? 2 * c->mamba_groups * c->mamba_state : 0;
    int wide = linear(m, "mamba_in", in, 2 * inner + bc + (second ? c->mamba_heads : 0), false);
    struct conv_spec conv = conv_spec_default;
    conv.depthwise = true;
    conv.kernel[0] = c->mamba_conv ? c->mamba_conv : 4;
    conv.pad[0] = conv.kernel[0] - 1;
    int x = view(m, "branch", wide, inner + bc, m->tokens);
    x = x < 0 ? -1 : build_conv(m->net, named(m, "conv", name), x, &conv, &m->err);
    int64_t params = second ? 3 * c->mamba_heads : inner * (c->mamba_state + 1);
    int step = x;
    if (!second) {
        int bcd = linear(m, "x", x, c->mamba_rank + 2 * c->mamba_state, false);
        step = linear(m, "step", view(m, "rank", bcd, c->mamba_rank, m->tokens), inner, true);
    }
    const struct vector_spec scan = {
        VECTOR_SCAN, inner, m->tokens, 1, SCAN_OPS * m->net->batch * m->tokens * inner * c->mamba_state, params};
    const int in_scan[] = {x, step};
    x = x < 0 || step < 0 ? -1 : build_vector(m->net, named(m, "scan", name), in_scan, second ? 1 : 2, &scan, &m->err);
    x = two(m, "mamba_product", VECTOR_MUL, x, view(m, "mamba_gate", wide, inner, m->tokens));
    x = second ? norm(m, "inner_norm", x) : x;
    return linear(m, "mamba_out", x, c->hidden, false);
}

static int layer(struct maker *m, int64_t i, int in)
{
    const struct hf_config *c = m->c;
    snprintf(m->block, sizeof m->block, "layer.%lld", (long long)i);
    m->shared = c->shared_layers && i > 0;
    build_block(m->net, m->block);
    int x = c->encoder ? in : norm(m, "norm", in), mixed = x;
    if (c->kind[i] == HF_MAMBA) {
        x = mamba(m, x);
    } else if (c->kind[i] != HF_MLP) {
        x = c->kv_rank ? latent_attention(m, x) : attention(m, x, c->kind[i] == HF_SLIDING);
    }
    if (c->kind[i] == HF_MLP) {
        return two(m, "add", VECTOR_ADD, mlp(m, "", mixed, c->ffn, c->mlp_bias), in);
    }
    x = c->norms == 4 ? norm(m, "after_norm", x) : x;
    x = two(m, "add", VECTOR_ADD, x, in);
    x = c->encoder ? norm(m, "norm", x) : x;
    if (!c->mlp[i] || x < 0) {
        return x;
    }
    int before = x, y = c->encoder ? x : c->norms == 1 ? mixed : norm(m, "mlp_norm", x);
    y = c->moe[i] ? mixture(m, y) : mlp(m, "", y, c->ffn, c->mlp_bias);
    y = c->norms == 4 ? norm(m, "mlp_after_norm", y) : y;
    y = two(m, "mlp_add", VECTOR_ADD, y, before);
    return c->encoder ? norm(m, "mlp_norm", y) : y;
}

static int embed(struct maker *m, const char *part, int in, int64_t rows, int64_t k)
{
    char name[NETWORK_NAME];
    return in < 0 ? -1 : build_embed(m->net, named(m, part, name), in, rows, k, &m->err);
}

static int text_input(struct maker *m)
{
    const struct hf_config *c = m->c;
    snprintf(m->block, sizeof m->block, "embeddings");
    build_block(m->net, m->block);
    int64_t width = c->embedding ? c->embedding : c->hidden;
    int in = build_input(m->net, 1, m->tokens, 1, &m->err);
    int x = embed(m, "word", in, c->vocab, width);
    x = c->positions ? two(m, "add", VECTOR_ADD, x, embed(m, "position", in, c->positions, width)) : x;
    x = c->types ? two(m, "add_type", VECTOR_ADD, x, embed(m, "type", in, c->types, width)) : x;
    x = c->encoder || strcmp(c->model_type, "bloom") == 0 ? norm(m, "norm", x) : x;
    return width != c->hidden ? linear(m, "project", x, c->hidden, true) : x;
}

/* Patches as tokens, with the class token, and learned positions. */
static int image_input(struct maker *m)
{
    const struct hf_config *c = m->c;
    snprintf(m->block, sizeof m->block, "embeddings");
    build_block(m->net, m->block);
    char name[NETWORK_NAME];
    struct conv_spec spec = conv_spec_default;
    spec.k = c->hidden;
    spec.kernel[0] = spec.kernel[1] = spec.stride[0] = spec.stride[1] = c->patch;
    int in = build_input(m->net, c->image_channels, c->image, c->image, &m->err);
    int x = in < 0 ? -1 : build_conv(m->net, named(m, "patches", name), in, &spec, &m->err);
    x = view(m, "tokens", x, c->hidden, m->tokens);
    return unary(m, "position", VECTOR_ADD, x, 1, (m->tokens + 1) * c->hidden);
}

static int head(struct maker *m, int x)
{
    const struct hf_config *c = m->c;
    snprintf(m->block, sizeof m->block, "head");
    m->shared = false;
    build_block(m->net, m->block);
    if (c->encoder && !c->image) {
        return c->pooler ? unary(m, "tanh", VECTOR_ACTIVATION,
                                 linear(m, "pooler", view(m, "first", x, c->hidden, 1), c->hidden, true), TANH_OPS, 0)
                         : x;
    }
    x = view(m, "last", norm(m, "norm", x), c->hidden, 1);
    m->shared = c->tied && !c->image;
    return linear(m, "head", x, c->image ? c->labels : c->vocab, c->image || c->head_bias);
}

static int make(struct maker *m)
{
    int x = m->c->image ? image_input(m) : text_input(m);
    for (int64_t i = 0; i < m->c->layers && x >= 0; i++) {
        x = layer(m, i, x);
    }
    x = x < 0 ? x : head(m, x);
    return x < 0 || m->err.code != ERR_NONE ? -1 : build_finish(m->net, &m->err);
}

static int read_args(const struct network_arg *args, int n_args, struct maker *m, struct diags *d)
{
    const struct mark nowhere = {NULL, 0, 0, 0};
    const struct hf_config *c = m->c;
    m->tokens = c->image ? (c->image / c->patch) * (c->image / c->patch) + 1 : 128;
    m->context = 0;
    for (int i = 0; i < n_args; i++) {
        bool tokens = strcmp(args[i].name, "tokens") == 0, context = strcmp(args[i].name, "context") == 0;
        if (c->image || (!tokens && !(context && !c->encoder))) {
            return diags_error(d, nowhere, NULL, "this model has no parameter '%s'", args[i].name);
        }
        if (args[i].value < 1 || args[i].value > (int64_t)1 << 32) {
            return diags_error(d, nowhere, NULL, "'%s' must lie in 1..2^32, not %lld", args[i].name,
                               (long long)args[i].value);
        }
        *(tokens ? &m->tokens : &m->context) = args[i].value;
    }
    m->context = m->context ? m->context : m->tokens;
    if (m->context < m->tokens) {
        return diags_error(d, nowhere, NULL, "%lld tokens cannot attend to a context of %lld: it includes them",
                           (long long)m->tokens, (long long)m->context);
    }
    return 0;
}

struct network *import_hf(const char *name, const char *text, size_t len, const struct network_arg *args, int n_args,
                          int64_t batch, struct diags *d)
{
    const struct mark nowhere = {NULL, 0, 0, 0};
    struct hf_config c;
    struct maker m = {.c = &c, .err = ERR_INIT};
    if (hf_config_read(name, text, len, &c, d)) {
        return NULL;
    }
    if (c.image && (c.patch < 1 || c.image < c.patch)) {
        diags_error(d, nowhere, NULL, "'%s': patches of %lld do not fit an image of %lld", name, (long long)c.patch,
                    (long long)c.image);
        return NULL;
    }
    if (read_args(args, n_args, &m, d)) {
        return NULL;
    }
    m.net = network_new(c.model_type[0] ? c.model_type : "config", batch);
    if (make(&m)) {
        diags_error(d, nowhere, NULL, "'%s', %s: %s", name, m.block, m.err.text);
        network_free(m.net);
        return NULL;
    }
    return m.net;
}
