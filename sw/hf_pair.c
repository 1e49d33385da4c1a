/* An encoder and a decoder that attends to it: T5, BART, Marian, M2M-100, Pegasus, Whisper (classes of huggingface/transformers, Apache-2.0).
 *
 * A prefill (context = tokens) runs the encoder over `source` tokens and the decoder over `tokens`; a decode runs the decoder alone, and what its
 * layers see of the encoder, keys and values of `source` tokens, comes from memory: its parameters are then those of the decoder. */
#include "sw/hf_maker.h"

#include <stdio.h>

/* `memory` is what keys and values are made from; own: the decoder's earlier tokens join them. */
static int attend(struct hf_maker *m, const char *prefix, int in, int memory, int64_t heads, int64_t dim, bool own)
{
    const struct hf_config *c = m->c;
    char query[32], key[32], value[32], kept_key[32], kept_value[32], scores[32], softmax[32], sum[32], output[32];
    snprintf(query, sizeof query, "%squery", prefix);
    snprintf(key, sizeof key, "%skey", prefix);
    snprintf(value, sizeof value, "%svalue", prefix);
    snprintf(kept_key, sizeof kept_key, "%skey_cache", prefix);
    snprintf(kept_value, sizeof kept_value, "%svalue_cache", prefix);
    snprintf(scores, sizeof scores, "%sscores", prefix);
    snprintf(softmax, sizeof softmax, "%ssoftmax", prefix);
    snprintf(sum, sizeof sum, "%sattention", prefix);
    snprintf(output, sizeof output, "%soutput", prefix);
    int q = hf_linear(m, query, in, heads * dim, c->qkv_bias);
    int k, v;
    if (memory < 0 && !own && m->err.code == ERR_NONE) { /* a decode: an earlier step left them */
        k = build_input(m->net, heads * dim, m->source, 1, &m->err);
        v = build_input(m->net, heads * dim, m->source, 1, &m->err);
    } else {
        k = hf_linear(m, key, memory, heads * dim, c->qkv_bias && !c->no_key_bias);
        v = hf_linear(m, value, memory, heads * dim, c->qkv_bias);
    }
    if (own) {
        k = hf_cache(m, kept_key, k);
        v = hf_cache(m, kept_value, v);
    }
    int64_t learned = m->relative;
    m->relative = 0;
    int p =
        hf_unary(m, softmax, VECTOR_SOFTMAX, hf_matmul(m, scores, q, k, heads, heads, true), SOFTMAX_OPS_HF, learned);
    return hf_linear(m, output, hf_matmul(m, sum, p, v, heads, heads, false), c->hidden, c->out_bias);
}

/* norm, part, add; or part, add, norm. */
static int before(struct hf_maker *m, const char *name, int x)
{
    return m->c->pre_norm ? hf_norm(m, name, x) : x;
}

static int after(struct hf_maker *m, const char *add, const char *name, int part, int x)
{
    int y = hf_two(m, add, VECTOR_ADD, part, x);
    return m->c->pre_norm ? y : hf_norm(m, name, y);
}

static int encoder_layer(struct hf_maker *m, int64_t i, int x)
{
    const struct hf_config *c = m->c;
    int64_t dim = c->relative ? c->head_dim : c->hidden / c->source_heads;
    snprintf(m->block, sizeof m->block, "encoder.%lld", (long long)i);
    build_block(m->net, m->block);
    int y = before(m, "norm", x);
    x = after(m, "add", "norm", attend(m, "", y, y, c->source_heads, dim, false), x);
    y = before(m, "mlp_norm", x);
    return after(m, "mlp_add", "mlp_norm", hf_mlp(m, "", y, c->source_ffn, c->mlp_bias), x);
}

static int decoder_layer(struct hf_maker *m, int64_t i, int x, int encoded)
{
    const struct hf_config *c = m->c;
    snprintf(m->block, sizeof m->block, "layer.%lld", (long long)i);
    build_block(m->net, m->block);
    int y = before(m, "norm", x);
    x = after(m, "add", "norm", attend(m, "", y, y, c->heads, c->head_dim, true), x);
    y = before(m, "cross_norm", x);
    x = after(m, "cross_add", "cross_norm", attend(m, "cross_", y, encoded, c->heads, c->head_dim, false), x);
    y = before(m, "mlp_norm", x);
    return after(m, "mlp_add", "mlp_norm", hf_mlp(m, "", y, c->ffn, c->mlp_bias), x);
}

/* Frames of sound through two convolutions, the second of stride 2 (A. Radford et al., arXiv:2212.04356, section 2.2). */
static int hear(struct hf_maker *m)
{
    const struct hf_config *c = m->c;
    char name[NETWORK_NAME];
    struct conv_spec spec = conv_spec_default;
    spec.k = c->hidden;
    spec.kernel[0] = 3;
    spec.pad[0] = spec.pad[2] = 1;
    int x = build_input(m->net, c->mel, 2 * m->source, 1, &m->err);
    x = x < 0 ? -1 : build_conv(m->net, hf_named(m, "conv1", name), x, &spec, &m->err);
    x = hf_unary(m, "activation1", VECTOR_ACTIVATION, x, GELU_OPS, 0);
    spec.stride[0] = 2;
    x = x < 0 ? -1 : build_conv(m->net, hf_named(m, "conv2", name), x, &spec, &m->err);
    x = hf_unary(m, "activation2", VECTOR_ACTIVATION, x, GELU_OPS, 0);
    return hf_unary(m, "position", VECTOR_ADD, x, 1, c->source_positions * c->hidden);
}

/* Words with their positions; `first`: the table is counted here, not where it is used again. */
static int read_words(struct hf_maker *m, int64_t tokens, int64_t positions, bool first)
{
    const struct hf_config *c = m->c;
    char name[NETWORK_NAME];
    int in = build_input(m->net, 1, tokens, 1, &m->err);
    const struct vector_spec again = {VECTOR_EMBED, c->hidden, tokens, 1, 0, 0};
    int x = in < 0  ? -1
            : first ? hf_embed(m, "word", in, c->vocab, c->hidden)
                    : build_vector(m->net, hf_named(m, "word", name), &in, 1, &again, &m->err);
    x = positions ? hf_two(m, "add", VECTOR_ADD, x, hf_embed(m, "position", in, positions, c->hidden)) : x;
    return c->embed_norm ? hf_norm(m, "norm", x) : x;
}

static int encode(struct hf_maker *m)
{
    const struct hf_config *c = m->c;
    snprintf(m->block, sizeof m->block, "source");
    build_block(m->net, m->block);
    int x = c->mel ? hear(m) : read_words(m, m->source, c->source_positions, true);
    m->relative = c->relative;
    for (int64_t i = 0; i < c->source_layers && x >= 0; i++) {
        x = encoder_layer(m, i, x);
    }
    return c->pre_norm ? hf_norm(m, "last_norm", x) : x;
}

int hf_pair(struct hf_maker *m)
{
    const struct hf_config *c = m->c;
    bool prefill = m->context == m->tokens;
    int encoded = prefill ? encode(m) : -1;
    if (prefill && encoded < 0) {
        return -1;
    }
    snprintf(m->block, sizeof m->block, "target");
    build_block(m->net, m->block);
    int x = read_words(m, m->tokens, c->positions, !prefill || c->mel);
    m->relative = c->relative;
    for (int64_t i = 0; i < c->layers && x >= 0; i++) {
        x = decoder_layer(m, i, x, encoded);
    }
    snprintf(m->block, sizeof m->block, "head");
    build_block(m->net, m->block);
    x = hf_view(m, "last", c->pre_norm ? hf_norm(m, "norm", x) : x, c->hidden, 1);
    m->shared = c->tied;
    return hf_linear(m, "head", x, c->vocab, c->head_bias);
}
