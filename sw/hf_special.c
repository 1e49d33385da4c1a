/* Attention of single families that others do not share: tokens that see everything (Longformer), scores of relative positions (XLNet), a block that
 * layers share (Zamba2). */
#include "sw/hf_maker.h"

#include <stdio.h>

static int all_heads(struct hf_maker *m, const char *scores, const char *softmax, const char *sum, int q, int k, int v,
                     int64_t learned)
{
    int64_t h = m->c->heads;
    int p = hf_unary(m, softmax, VECTOR_SOFTMAX, hf_matmul(m, scores, q, k, h, h, true), SOFTMAX_OPS_HF, learned);
    return hf_matmul(m, sum, p, v, h, h, false);
}

/* I. Beltagy et al., arXiv:2004.05150: the first token attends to all by projections of its own. (That the others attend to it, too, is one key more.) */
int hf_global_attention(struct hf_maker *m, int in, int x)
{
    int64_t width = m->c->heads * m->c->head_dim;
    int q = hf_linear(m, "global_query", hf_view(m, "global_token", in, m->c->hidden, 1), width, true);
    int k = hf_linear(m, "global_key", in, width, true), v = hf_linear(m, "global_value", in, width, true);
    return hf_two(m, "global_put", VECTOR_ADD, x,
                  all_heads(m, "global_scores", "global_softmax", "global_attention", q, k, v, 0));
}

/* Z. Yang et al., arXiv:1906.08237 (Transformer-XL's): scores by content and by distance, from -tokens to +tokens; vectors for content, place and segment
 * are added to the queries. */
int hf_xlnet_attention(struct hf_maker *m, int in)
{
    const struct hf_config *c = m->c;
    int64_t width = c->heads * c->head_dim;
    int q = hf_linear(m, "query", in, width, false), k = hf_linear(m, "key", in, width, false);
    int v = hf_linear(m, "value", in, width, false);
    int places = hf_unary(m, "distances", VECTOR_MOVE, hf_view(m, "distance_rows", in, c->hidden, 2 * m->tokens), 2, 0);
    int r = hf_linear(m, "distance_key", places, width, false);
    int by_place = hf_view(m, "place_shifted", hf_matmul(m, "place_scores", q, r, c->heads, c->heads, true),
                           c->heads * m->tokens, m->tokens);
    int scores = hf_two(m, "all_scores", VECTOR_ADD, hf_matmul(m, "scores", q, k, c->heads, c->heads, true), by_place);
    int p = hf_unary(m, "softmax", VECTOR_SOFTMAX, scores, SOFTMAX_OPS_HF, 5 * width + m->relative);
    m->relative = 0;
    return hf_linear(m, "output", hf_matmul(m, "attention", p, v, c->heads, c->heads, false), c->hidden, false);
}

/* A projection that all layers share, and beside it two small ones of this layer. */
static int adapted(struct hf_maker *m, const char *part, int in, int64_t k, bool shared, bool adapter)
{
    char down[32], up[32], add[32];
    snprintf(down, sizeof down, "%s_adapter_down", part);
    snprintf(up, sizeof up, "%s_adapter", part);
    snprintf(add, sizeof add, "%s_adapted", part);
    m->shared = shared;
    int x = hf_linear(m, part, in, k, false);
    m->shared = false;
    return adapter ? hf_two(m, add, VECTOR_ADD, x,
                            hf_linear(m, up, hf_linear(m, down, in, m->c->adapter_rank, false), k, false))
                   : x;
}

static int turned(struct hf_maker *m, const char *part, int x)
{
    return m->c->rotary ? hf_unary(m, part, VECTOR_ROTARY, x, ROTARY_OPS, 0) : x;
}

static int shared_norm(struct hf_maker *m, const char *part, int x, bool shared)
{
    m->shared = shared;
    x = hf_norm(m, part, x);
    m->shared = false;
    return x;
}

/* P. Glorioso et al., arXiv:2411.15242: blocks of attention and MLP, used by turns, read the layer's input beside the embedding; what they make, through a
 * matrix of the layer's own, is added to what its recurrence reads. */
int hf_zamba_layer(struct hf_maker *m, int in)
{
    const struct hf_config *c = m->c;
    char name[NETWORK_NAME];
    int64_t wide = c->heads * c->head_dim, kv = c->kv_heads * c->head_dim;
    bool shared = m->turns++ >= c->shared_blocks, adapter = c->attention_adapter;
    const int both[] = {in, m->words};
    int x = in < 0 || m->words < 0 ? -1 : build_concat(m->net, hf_named(m, "beside", name), both, 2, &m->err);
    x = shared_norm(m, "block_norm", x, shared);
    int q = turned(m, "query_rotary", adapted(m, "query", x, wide, shared, adapter));
    int k = hf_cache(m, "key_cache", turned(m, "key_rotary", adapted(m, "key", x, kv, shared, adapter)));
    int v = hf_cache(m, "value_cache", adapted(m, "value", x, kv, shared, adapter));
    int p = hf_unary(m, "softmax", VECTOR_SOFTMAX, hf_matmul(m, "scores", q, k, c->heads, c->kv_heads, true),
                     SOFTMAX_OPS_HF, 0);
    x = adapted(m, "output", hf_matmul(m, "attention", p, v, c->heads, c->kv_heads, false), c->hidden, shared, false);
    x = adapted(m, "gate_up", shared_norm(m, "mlp_norm", x, shared), 2 * c->ffn, shared, true);
    int gate = hf_unary(m, "activation", VECTOR_ACTIVATION, hf_view(m, "gate", x, c->ffn, m->tokens), GELU_OPS, 0);
    x = hf_two(m, "product", VECTOR_MUL, gate, hf_view(m, "up", x, c->ffn, m->tokens));
    x = hf_linear(m, "join", adapted(m, "down", x, c->hidden, shared, false), c->hidden, false);
    x = hf_mamba(m, hf_norm(m, "norm", hf_two(m, "block_add", VECTOR_ADD, x, in)));
    return hf_two(m, "add", VECTOR_ADD, x, in);
}
