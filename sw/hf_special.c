/* Attention of single families that others do not share: tokens that see everything (Longformer), scores of relative positions (XLNet). */
#include "sw/hf_maker.h"

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
