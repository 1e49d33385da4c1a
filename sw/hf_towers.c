/* CLIP (A. Radford et al., arXiv:2103.00020) and SigLIP (X. Zhai et al., arXiv:2303.15343) as transformers has them: a text and a vision tower over
 * one text and one image, and what brings both to one width. Their product and its temperature are two numbers and left out of the work. */
#include "sw/hf_maker.h"

/* SigLIP's head: one learned query attends to all patches, then norm and MLP. */
static int attention_pool(struct hf_maker *m, int x)
{
    const struct hf_config *c = m->c;
    int probe = hf_unary(m, "probe", VECTOR_MOVE, hf_view(m, "probe_shape", x, c->hidden, 1), 0, c->hidden);
    int q = hf_linear(m, "pool_query", probe, c->hidden, true);
    int k = hf_linear(m, "pool_key", x, c->hidden, true), v = hf_linear(m, "pool_value", x, c->hidden, true);
    int p = hf_unary(m, "pool_softmax", VECTOR_SOFTMAX, hf_matmul(m, "pool_scores", q, k, c->heads, c->heads, true),
                     SOFTMAX_OPS_HF, 0);
    x = hf_linear(m, "pool_output", hf_matmul(m, "pool_attention", p, v, c->heads, c->heads, false), c->hidden, true);
    return hf_two(m, "pool_add", VECTOR_ADD, hf_mlp(m, "pool_", hf_norm(m, "pool_norm", x), c->ffn, true), x);
}

static int tower(struct hf_maker *m, const struct hf_config *c, const char *prefix, int64_t tokens, int64_t projection)
{
    m->c = c;
    m->tower = prefix;
    m->tokens = m->context = tokens;
    int x = hf_stack(m);
    hf_open_block(m, "head");
    if (c->image) {
        x = hf_norm(m, "norm", x); /* a text tower's is counted with its embeddings */
    }
    if (projection) {
        return hf_linear(m, "projection", hf_view(m, "one", x, c->hidden, 1), projection, false);
    }
    return c->image ? attention_pool(m, x)
                    : hf_linear(m, "projection", hf_view(m, "one", x, c->hidden, 1), c->hidden, true);
}

int hf_towers(struct hf_maker *m, const struct hf_config config[2], int64_t projection)
{
    int64_t tokens = m->tokens;
    int text = tower(m, &config[0], "text.", tokens, projection);
    int image = text < 0 ? -1 : tower(m, &config[1], "image.", hf_image_tokens(&config[1]), projection);
    /* The temperature; SigLIP also adds a number. */
    int last = hf_unary(m, "temperature", VECTOR_MUL, image, 1, projection ? 1 : 2);
    return last < 0 || m->err.code != ERR_NONE ? -1 : build_finish(m->net, &m->err);
}
