/* DeepSeek-V4: attention to a window and to compressed keys, a residual of several streams (transformers, modular_deepseek_v4.py, Apache-2.0; the
 * numbers of parameters are the published ones). And the indexer by which it, DeepSeek-V3.2 and GLM-5 choose the keys that a token attends to.
 *
 * One vector a token is key and value of all heads. Of the last `window` tokens it is kept; older ones live on in compressed keys, a weighted sum of
 * `ratio` tokens each (of 2 ratio, overlapping, where an indexer chooses among them). A step closes as many windows as its tokens fill; what is left
 * over waits in a small state. */
#include "sw/hf_maker.h"

#include <stdio.h>

static int64_t product(struct hf_maker *m, int64_t a, int64_t b, int64_t c)
{
    int64_t ab = 0, abc = 0;
    if (__builtin_mul_overflow(a, b, &ab) || __builtin_mul_overflow(ab, c, &abc) || abc > (int64_t)1 << 54) {
        return err_set(&m->err, ERR_DATA, "it has too many elements");
    }
    return abc;
}

/* Vector work from some activations: `ops` in all. */
static int work(struct hf_maker *m, const char *part, enum vector_kind kind, const int *in, int n_in, int64_t channels,
                int64_t rows, int64_t ops)
{
    char name[NETWORK_NAME];
    const struct vector_spec spec = {kind, channels, rows, 1, ops, 0};
    for (int i = 0; i < n_in; i++) {
        if (in[i] < 0) {
            return -1;
        }
    }
    return ops < 0 ? -1 : build_vector(m->net, hf_named(m, part, name), in, n_in, &spec, &m->err);
}

static const char *joined(const char *prefix, const char *part, char out[32])
{
    snprintf(out, 32, "%s%s", prefix, part);
    return out;
}

/* --- Choosing keys -------------------------------------------------------------------------- */

int hf_index(struct hf_maker *m, int in, int query, int keys)
{
    const struct hf_config *c = m->c;
    int q = hf_unary(m, "index_rotary", VECTOR_ROTARY,
                     hf_linear(m, "index_query", query, c->index_heads * c->index_dim, false), ROTARY_OPS, 0);
    int weights = hf_linear(m, "index_weights", in, c->index_heads, false);
    if (keys < 0 || q < 0 || weights < 0) {
        return m->err.code == ERR_NONE ? 0 : -1; /* no keys yet */
    }
    int64_t rows = m->net->act[keys].rows;
    int scores = hf_matmul(m, "index_scores", q, keys, c->index_heads, 1, true);
    const int both[] = {scores, weights};
    /* ReLU, weight, sum over heads; then the largest are found. */
    return work(m, "index_sum", VECTOR_ADD, both, 2, rows, m->tokens,
                scores < 0 ? -1 : 4 * m->net->act[scores].elements);
}

/* --- Compressed keys ------------------------------------------------------------------------ */

/* All compressed keys that there are after this step; -1 without an error when there are none yet. */
static int compressed(struct hf_maker *m, const char *prefix, int in, int64_t width, int64_t ratio, bool overlap)
{
    char part[32], name[NETWORK_NAME];
    int64_t wide = (overlap ? 2 : 1) * width, total = m->context / ratio;
    int64_t fresh = total - (m->context - m->tokens) / ratio;
    int kv = hf_linear(m, joined(prefix, "token", part), in, wide, false);
    int gate = hf_linear(m, joined(prefix, "gate", part), in, wide, false);
    int64_t params = product(m, ratio, wide, 1); /* a bias for each place of a window; the norm of the result */
    gate = params < 0 ? -1 : hf_unary(m, joined(prefix, "place", part), VECTOR_ADD, gate, 1, params + width);
    if (gate < 0 || kv < 0) {
        return -1;
    }
    if (fresh == 0) { /* an earlier step left them */
        return total == 0 ? -1 : build_input(m->net, width, total, 1, &m->err);
    }
    const int both[] = {kv, gate};
    int64_t pool = product(m, fresh, ratio * wide, SOFTMAX_OPS_HF + 2);
    int x = work(m, joined(prefix, "pool", part), VECTOR_NORM, both, 2, width, fresh,
                 pool < 0 ? -1 : pool + fresh * width * RMS_OPS);
    x = hf_unary(m, joined(prefix, "rotary", part), VECTOR_ROTARY, x, ROTARY_OPS, 0);
    joined(prefix, "cache", part);
    return x < 0 ? -1 : build_cache(m->net, hf_named(m, part, name), x, total, &m->err);
}

/* What of the window a step needs, and what it sees: its own tokens and those before. */
static int window_keys(struct hf_maker *m, int in, int64_t *seen)
{
    const struct hf_config *c = m->c;
    char name[NETWORK_NAME];
    int kv = hf_norm(m, "key_norm", hf_linear(m, "key", in, c->head_dim, false));
    kv = hf_unary(m, "key_rotary", VECTOR_ROTARY, kv, ROTARY_OPS, 0);
    int64_t kept = c->window + m->tokens - 1 < m->context ? c->window + m->tokens - 1 : m->context;
    *seen = c->window < m->context ? c->window : m->context;
    kv = kv < 0 ? -1 : build_cache(m->net, hf_named(m, "key_cache", name), kv, kept, &m->err);
    return *seen < kept ? hf_view(m, "key_window", kv, c->head_dim, *seen) : kv;
}

int hf_compressed_attention(struct hf_maker *m, int64_t layer, int in)
{
    const struct hf_config *c = m->c;
    char name[NETWORK_NAME];
    bool sparse = c->kind[layer] == HF_SPARSE;
    int64_t seen = 0, ratio = sparse ? c->sparse_ratio : c->heavy_ratio;
    int latent = hf_norm(m, "query_norm", hf_linear(m, "query_down", in, c->q_rank, false));
    int q = hf_linear(m, "query_up", latent, c->heads * c->head_dim, false);
    q = hf_unary(m, "query_head_norm", VECTOR_NORM, q, RMS_OPS, 0);
    q = hf_unary(m, "query_rotary", VECTOR_ROTARY, q, ROTARY_OPS, 0);
    int keys = window_keys(m, in, &seen);
    if (c->kind[layer] != HF_SLIDING && keys >= 0) {
        int old = compressed(m, "compress_", in, c->head_dim, ratio, sparse);
        int64_t chosen = m->context / ratio;
        if (sparse && m->err.code == ERR_NONE) {
            hf_index(m, in, latent, compressed(m, "index_key_", in, c->index_dim, ratio, true));
            chosen = c->index_topk < chosen ? c->index_topk : chosen;
        }
        const int parts[] = {keys, old >= 0 ? hf_view(m, "compress_chosen", old, c->head_dim, chosen) : -1};
        seen += old >= 0 ? chosen : 0;
        keys = old >= 0 ? work(m, "keys", VECTOR_MOVE, parts, 2, c->head_dim, seen, 0) : keys;
    }
    if (m->err.code != ERR_NONE) {
        return -1;
    }
    int p = hf_unary(m, "softmax", VECTOR_SOFTMAX, hf_matmul(m, "scores", q, keys, c->heads, 1, true), SOFTMAX_OPS_HF,
                     c->heads); /* a score for nothing, one a head */
    int x = hf_matmul(m, "attention", p, keys, c->heads, 1, false);
    x = hf_unary(m, "turn_back", VECTOR_ROTARY, x, ROTARY_OPS, 0);
    struct conv_spec spec = conv_spec_default;
    spec.k = c->out_groups * c->out_rank;
    spec.groups = c->out_groups;
    spec.bias = false;
    x = x < 0 ? -1 : build_conv(m->net, hf_named(m, "output_down", name), x, &spec, &m->err);
    return hf_linear(m, "output", x, c->hidden, false);
}

/* --- Streams (manifold-constrained hyper-connections) --------------------------------------- */

int hf_streams_begin(struct hf_maker *m, int x)
{
    return work(m, "streams", VECTOR_MOVE, &x, 1, m->c->streams * m->c->hidden, m->tokens, 0);
}

/* `results` numbers a token from all its streams: a matrix, a bias and some scales. */
static int mixing(struct hf_maker *m, const char *prefix, int streams, int64_t results, int64_t scales)
{
    char part[32];
    int x = hf_unary(m, joined(prefix, "streams_norm", part), VECTOR_NORM, streams, RMS_OPS, 0);
    x = hf_linear(m, joined(prefix, "mix", part), x, results, true);
    return hf_unary(m, joined(prefix, "mix_scale", part), VECTOR_ACTIVATION, x, SILU_OPS + 2, scales);
}

static int collapse(struct hf_maker *m, const char *prefix, int streams, int mix)
{
    char part[32];
    const int both[] = {streams, mix};
    return work(m, joined(prefix, "collapse", part), VECTOR_ADD, both, 2, m->c->hidden, m->tokens,
                streams < 0 ? -1 : 2 * m->net->act[streams].elements);
}

int hf_streams_in(struct hf_maker *m, const char *prefix, int streams, int *mix)
{
    int64_t s = m->c->streams;
    char part[32];
    int x = mixing(m, prefix, streams, (2 + s) * s, 3);
    /* The streams' own matrix: sums and quotients of rows and columns by turns. */
    *mix = hf_unary(m, joined(prefix, "balance", part), VECTOR_ACTIVATION, x, 4 * m->c->sinkhorn * s / (2 + s), 0);
    return collapse(m, prefix, streams, *mix);
}

int hf_streams_out(struct hf_maker *m, const char *part, int x, int streams, int mix)
{
    const int in[] = {x, streams, mix};
    return work(m, part, VECTOR_ADD, in, 3, m->c->streams * m->c->hidden, m->tokens,
                streams < 0 ? -1 : 2 * (1 + m->c->streams) * m->net->act[streams].elements);
}

int hf_streams_end(struct hf_maker *m, int streams)
{
    return collapse(m, "last_", streams, mixing(m, "last_", streams, m->c->streams, 1));
}
