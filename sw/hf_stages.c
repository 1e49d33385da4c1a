/* Image networks in stages, each narrower in place and wider in channels, as transformers has them: Swin (Z. Liu et al., arXiv:2103.14030 and 2111.09883),
 * ConvNeXt (Z. Liu et al., arXiv:2201.03545; S. Woo et al., arXiv:2301.00808), ResNet (K. He et al., arXiv:1512.03385, batch norms folded). */
#include "sw/hf_maker.h"

#include <stdio.h>

static int conv(struct hf_maker *m, const char *part, int in, int64_t k, int64_t kernel, int64_t stride, int64_t pad)
{
    char name[NETWORK_NAME];
    struct conv_spec spec = conv_spec_default;
    spec.k = k;
    spec.depthwise = k == 0;
    spec.k = k ? k : 1;
    spec.kernel[0] = spec.kernel[1] = kernel;
    spec.stride[0] = spec.stride[1] = stride;
    spec.pad[0] = spec.pad[1] = spec.pad[2] = spec.pad[3] = pad;
    return in < 0 ? -1 : build_conv(m->net, hf_named(m, part, name), in, &spec, &m->err);
}

static void open_layer(struct hf_maker *m, int stage, int64_t layer)
{
    char name[32];
    snprintf(name, sizeof name, "stage.%d.%lld", stage, (long long)layer);
    hf_open_block(m, name);
}

/* --- Swin: attention within windows --------------------------------------------------------- */

/* The learned part of the scores: a table of differences, or what makes one from them and a temperature a head. */
static int64_t position_params(const struct hf_config *c, int64_t heads)
{
    int64_t side = 2 * c->stages.window - 1;
    return c->stages.kind == HF_SWIN ? side * side * heads : 2 * 512 + 512 + 512 * heads + heads;
}

/* `side` rows of as many places each; windows that do not fill are padded. */
static int windows(struct hf_maker *m, int stage, int in, int64_t side)
{
    const struct hf_config *c = m->c;
    int64_t dim = c->stages.width[stage], heads = c->stages.heads[stage];
    int64_t w = c->stages.window < side ? c->stages.window : side, across = (side + w - 1) / w, n = across * across;
    int64_t padded = across * w * across * w;
    int x = padded > side * side ? hf_view(m, "padded", in, dim, padded) : in;
    int q = hf_linear(m, "query", x, dim, c->qkv_bias), v = hf_linear(m, "value", x, dim, c->qkv_bias);
    int k = hf_linear(m, "key", x, dim, c->qkv_bias && c->stages.kind == HF_SWIN);
    q = hf_view(m, "query_windows", q, n * dim, w * w);
    k = hf_view(m, "key_windows", k, n * dim, w * w);
    v = hf_view(m, "value_windows", v, n * dim, w * w);
    int p = hf_unary(m, "softmax", VECTOR_SOFTMAX, hf_matmul(m, "scores", q, k, n * heads, n * heads, true),
                     SOFTMAX_OPS_HF + 1, position_params(c, heads));
    x = hf_view(m, "places", hf_matmul(m, "attention", p, v, n * heads, n * heads, false), dim, padded);
    x = hf_linear(m, "output", x, dim, true);
    return padded > side * side ? hf_view(m, "cut", x, dim, side * side) : x;
}

static int swin_layer(struct hf_maker *m, int stage, int in, int64_t side)
{
    const struct hf_config *c = m->c;
    int64_t dim = c->stages.width[stage], wide = (int64_t)(c->stages.mlp_ratio * (double)dim);
    int x = hf_two(m, "add", VECTOR_ADD, windows(m, stage, hf_norm(m, "norm", in), side), in);
    int y = hf_linear(m, "up", hf_norm(m, "mlp_norm", x), wide, true);
    y = hf_linear(m, "down", hf_unary(m, "activation", VECTOR_ACTIVATION, y, GELU_OPS, 0), dim, true);
    return hf_two(m, "mlp_add", VECTOR_ADD, y, x);
}

static int swin(struct hf_maker *m)
{
    const struct hf_config *c = m->c;
    int64_t side = c->image / c->patch;
    int in = build_input(m->net, c->image_channels, c->image, c->image, &m->err);
    int x = conv(m, "patches", in, c->stages.width[0], c->patch, c->patch, 0);
    x = hf_norm(m, "norm", hf_view(m, "tokens", x, c->stages.width[0], side * side));
    x = c->image_positions ? hf_unary(m, "position", VECTOR_ADD, x, 1, side * side * c->stages.width[0]) : x;
    for (int s = 0; s < c->stages.n; s++) {
        for (int64_t i = 0; i < c->stages.depth[s] && x >= 0; i++) {
            open_layer(m, s, i);
            x = swin_layer(m, s, x, side);
        }
        if (s + 1 < c->stages.n) { /* four places become one of twice the width */
            bool after = c->stages.kind == HF_SWIN2;
            side = (side + 1) / 2;
            x = hf_view(m, "four", x, 4 * c->stages.width[s], side * side);
            x = hf_linear(m, "merge", after ? x : hf_norm(m, "merge_norm", x), 2 * c->stages.width[s], false);
            x = after ? hf_norm(m, "merge_norm", x) : x;
        }
    }
    hf_open_block(m, "head");
    return hf_norm(m, "norm", x);
}

/* --- ConvNeXt ------------------------------------------------------------------------------- */

static int convnext_layer(struct hf_maker *m, int stage, int in)
{
    const struct hf_config *c = m->c;
    int64_t dim = c->stages.width[stage];
    int x = hf_linear(m, "up", hf_norm(m, "norm", conv(m, "depthwise", in, 0, 7, 1, 3)), 4 * dim, true);
    x = hf_unary(m, "activation", VECTOR_ACTIVATION, x, GELU_OPS, 0);
    x = c->stages.kind == HF_CONVNEXT2 ? hf_unary(m, "response_norm", VECTOR_NORM, x, 6, 8 * dim) : x;
    x = hf_linear(m, "down", x, dim, true);
    x = c->layer_scale ? hf_unary(m, "scale", VECTOR_MUL, x, 1, dim) : x;
    return hf_two(m, "add", VECTOR_ADD, x, in);
}

static int convnext(struct hf_maker *m)
{
    const struct hf_config *c = m->c;
    int in = build_input(m->net, c->image_channels, c->image, c->image, &m->err);
    int x = hf_norm(m, "norm", conv(m, "patches", in, c->stages.width[0], c->patch, c->patch, 0));
    for (int s = 0; s < c->stages.n; s++) {
        for (int64_t i = 0; i < c->stages.depth[s] && x >= 0; i++) {
            open_layer(m, s, i);
            bool narrower = s > 0 && i == 0;
            x = narrower ? conv(m, "halve", hf_norm(m, "halve_norm", x), c->stages.width[s], 2, 2, 0) : x;
            x = convnext_layer(m, s, x);
        }
    }
    hf_open_block(m, "head");
    return x;
}

/* --- ResNet --------------------------------------------------------------------------------- */

static int resnet_layer(struct hf_maker *m, int stage, int in, int64_t stride)
{
    const struct hf_stages *s = &m->c->stages;
    int64_t k = s->width[stage], narrow = k / 4 ? k / 4 : 1;
    int x, beside = in;
    if (in < 0) {
        return -1;
    }
    if (s->basic) {
        x = conv(m, "conv2", conv(m, "conv1", in, k, 3, stride, 1), k, 3, 1, 1);
    } else {
        x = conv(m, "conv1", in, narrow, 1, s->early ? stride : 1, 0);
        x = conv(m, "conv3", conv(m, "conv2", x, narrow, 3, s->early ? 1 : stride, 1), k, 1, 1, 0);
    }
    if (stride > 1 || m->net->act[in].channels != k) {
        beside = conv(m, "shortcut", in, k, 1, stride, 0);
    }
    return hf_two(m, "add", VECTOR_ADD, x, beside);
}

static int resnet(struct hf_maker *m)
{
    const struct hf_stages *s = &m->c->stages;
    char name[NETWORK_NAME];
    const struct pool_spec pool = {.kernel = {3, 3}, .stride = {2, 2}, .pad = {1, 1, 1, 1}};
    int in = build_input(m->net, m->c->image_channels, m->c->image, m->c->image, &m->err);
    int x = conv(m, "conv", in, s->stem, 7, 2, 3);
    x = x < 0 ? -1 : build_pool(m->net, hf_named(m, "pool", name), x, &pool, &m->err);
    for (int stage = 0; stage < s->n; stage++) {
        for (int64_t i = 0; i < s->depth[stage] && x >= 0; i++) {
            open_layer(m, stage, i);
            x = resnet_layer(m, stage, x, i == 0 && (stage > 0 || s->first_halves) ? 2 : 1);
        }
    }
    hf_open_block(m, "head");
    return x;
}

int hf_stages(struct hf_maker *m)
{
    const struct hf_config *c = m->c;
    enum hf_stages_kind kind = c->stages.kind;
    char name[NETWORK_NAME];
    hf_open_block(m, "embeddings");
    int x = kind == HF_RESNET ? resnet(m) : kind == HF_CONVNEXT || kind == HF_CONVNEXT2 ? convnext(m) : swin(m);
    x = x < 0 ? -1 : build_global_pool(m->net, hf_named(m, "mean", name), x, &m->err);
    x = kind == HF_CONVNEXT || kind == HF_CONVNEXT2 ? hf_norm(m, "norm", x) : x;
    return c->labels ? hf_linear(m, "head", x, c->labels, true) : x;
}
