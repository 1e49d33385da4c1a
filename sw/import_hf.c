/* A network from a Hugging Face config.json (hf_config.c reads the file).
 *
 * Modelled: embeddings; attention with shared key heads (GQA, MQA), sliding windows (a token attends to the last `window` ones), the
 * compressed attention of DeepSeek (MLA: keys and values unfolded in a prefill, queries folded into the latent space when context > tokens);
 * MLPs with two or three matrices; mixtures of experts with shared experts (tokens spread evenly; distinct experts touched E (1 - (1 - k/E)^T));
 * Mamba 1 and 2 with the recurrence as vector work (6 operations a state element); vision transformers; the head for the last token.
 * Not modelled: skipping of masked scores, prediction of several tokens, vision and audio towers of models of several modes. Shapes: rows are tokens,
 * channels are features. Beside this file: hf_pair.c (encoder and decoder), hf_towers.c (CLIP), hf_stages.c (Swin, ConvNeXt, ResNet), hf_sound.c (wav2vec
 * 2.0), hf_compressed.c (DeepSeek-V4), hf_recurrent.c, hf_special.c. */
#include "base/diag.h"
#include "base/mem.h"
#include "sw/hf_maker.h"
#include "sw/import.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void hf_open_block(struct hf_maker *m, const char *name)
{
    snprintf(m->block, sizeof m->block, "%s%s", m->tower, name);
    build_block(m->net, m->block);
}

int64_t hf_image_tokens(const struct hf_config *c)
{
    return (c->image / c->patch) * (c->image / c->patch) + c->extra_tokens;
}

int hf_embed(struct hf_maker *m, const char *part, int in, int64_t rows, int64_t k)
{
    char name[NETWORK_NAME];
    return in < 0 ? -1 : build_embed(m->net, hf_named(m, part, name), in, rows, k, &m->err);
}

/* Gemma 3n and 4: a second table, whose rows hold a vector for each layer, joined with a projection of the first. */
static int layer_inputs(struct hf_maker *m, int in, int x)
{
    const struct hf_config *c = m->c;
    int64_t wide = 0;
    if (c->layer_input == 0 || x < 0) {
        return -1;
    }
    if (__builtin_mul_overflow(c->layers, c->layer_input, &wide)) {
        return err_set(&m->err, ERR_DATA, "the embedding of each layer's own is too wide");
    }
    int own = hf_embed(m, "own_word", in, c->layer_vocab ? c->layer_vocab : c->vocab, wide);
    int projected = hf_linear(m, "own_project", x, wide, false);
    projected = hf_unary(m, "own_norm", VECTOR_NORM, projected, RMS_OPS, c->layer_input);
    return hf_two(m, "own_sum", VECTOR_ADD, projected, own);
}

static int text_input(struct hf_maker *m)
{
    const struct hf_config *c = m->c;
    hf_open_block(m, "embeddings");
    int64_t width = c->embedding ? c->embedding : c->hidden;
    int in = build_input(m->net, 1, m->tokens, 1, &m->err);
    int x = hf_embed(m, "word", in, c->vocab, width);
    bool early = c->encoder; /* positions are as wide as the embedding; a decoder's as the model */
    x = !early && width != c->hidden ? hf_linear(m, "project", x, c->hidden, false) : x;
    int64_t wide = early ? width : c->hidden;
    x = c->positions ? hf_two(m, "add", VECTOR_ADD, x, hf_embed(m, "position", in, c->positions, wide)) : x;
    x = c->types ? hf_two(m, "add_type", VECTOR_ADD, x, hf_embed(m, "type", in, c->types, wide)) : x;
    bool normed = (c->encoder && !c->distances) || strcmp(c->model_type, "bloom") == 0;
    x = normed ? hf_norm(m, "norm", x) : x;
    x = strcmp(c->model_type, "rwkv") == 0 ? hf_norm(m, "norm", x) : x;
    m->per_layer = layer_inputs(m, in, x);
    /* The table, and for DeBERTa its norm. */
    m->relative = c->relative_width ? (c->relative + 2) * c->relative_width : c->relative;
    return early && width != c->hidden ? hf_linear(m, "project", x, c->hidden, true) : x;
}

/* Patches as tokens, with the class token, and learned positions. */
static int image_input(struct hf_maker *m)
{
    const struct hf_config *c = m->c;
    hf_open_block(m, "embeddings");
    char name[NETWORK_NAME];
    struct conv_spec spec = conv_spec_default;
    spec.k = c->hidden;
    spec.bias = !c->patch_norm;
    spec.kernel[0] = spec.kernel[1] = spec.stride[0] = spec.stride[1] = c->patch;
    int in = build_input(m->net, c->image_channels, c->image, c->image, &m->err);
    int x = in < 0 ? -1 : build_conv(m->net, hf_named(m, "patches", name), in, &spec, &m->err);
    x = hf_view(m, "tokens", x, c->hidden, m->tokens);
    int64_t vectors = (c->image_positions ? m->tokens : 0) + c->extra_tokens + c->mask_token;
    x = hf_unary(m, "position", VECTOR_ADD, x, 1, vectors * c->hidden);
    return c->patch_norm ? hf_norm(m, "norm", x) : x;
}

static int head(struct hf_maker *m, int x)
{
    const struct hf_config *c = m->c;
    hf_open_block(m, "head");
    m->shared = false;
    if (c->sound_layers) {
        return hf_sound_head(m, x);
    }
    if (c->encoder && !c->image) {
        return c->pooler ? hf_unary(m, "tanh", VECTOR_ACTIVATION,
                                    hf_linear(m, "pooler", hf_view(m, "first", x, c->hidden, 1), c->hidden, true),
                                    TANH_OPS, 0)
                         : x;
    }
    x = c->compressed ? hf_streams_end(m, x) : x;
    x = c->residual_blocks ? hf_blocks_sum(m, "residual", x) : x;
    x = hf_view(m, "last", c->no_final_norm ? x : hf_norm(m, "norm", x), c->hidden, 1);
    if (c->image && c->labels == 0) {
        return x;
    }
    x = c->embedding && c->embedding != c->hidden ? hf_linear(m, "project", x, c->embedding, false) : x;
    m->shared = c->tied && !c->image;
    return hf_linear(m, "head", x, c->image ? c->labels : c->vocab, c->image || c->head_bias);
}

int hf_stack(struct hf_maker *m)
{
    int x = m->c->image ? image_input(m) : m->c->sound_layers ? hf_sound_input(m) : text_input(m);
    x = m->c->compressed ? hf_streams_begin(m, x) : x;
    m->words = x;
    for (int64_t i = 0; i < m->c->layers && x >= 0; i++) {
        x = hf_layer(m, i, x);
    }
    return x;
}

static int make(struct hf_maker *m)
{
    if (m->c->source_layers) {
        int out = hf_pair(m);
        return out < 0 || m->err.code != ERR_NONE ? -1 : build_finish(m->net, &m->err);
    }
    if (m->c->stages.n) {
        return hf_stages(m) < 0 || m->err.code != ERR_NONE ? -1 : build_finish(m->net, &m->err);
    }
    int x = hf_stack(m);
    x = x < 0 ? x : head(m, x);
    return x < 0 || m->err.code != ERR_NONE ? -1 : build_finish(m->net, &m->err);
}

static int read_args(const struct network_arg *args, int n_args, struct hf_maker *m, struct diags *d)
{
    const struct mark nowhere = {NULL, 0, 0, 0};
    const struct hf_config *c = m->c;
    bool fixed = strstr(c->model_type, "_text_model") && c->positions > 0; /* what a tower reads is padded to them */
    m->tokens = c->image ? hf_image_tokens(c) : fixed ? c->positions : 128;
    m->context = 0;
    m->source = c->mel ? c->source_positions : 128;
    m->samples = 16000; /* a second */
    for (int i = 0; i < n_args; i++) {
        bool tokens = strcmp(args[i].name, "tokens") == 0, context = strcmp(args[i].name, "context") == 0;
        bool source = strcmp(args[i].name, "source") == 0 && c->source_layers > 0;
        bool samples = strcmp(args[i].name, "samples") == 0;
        if (c->image || samples != (c->sound_layers > 0) ||
            (!samples && !tokens && !source && !(context && !c->encoder))) {
            return diags_error(d, nowhere,
                               c->image                              ? "it has none"
                               : c->sound_layers > 0                 ? "it has samples"
                               : c->source_layers > 0 && !c->encoder ? "it has tokens, context and source"
                               : c->source_layers > 0                ? "it has tokens and source"
                               : c->encoder                          ? "it has tokens"
                                                                     : "it has tokens and context",
                               "this model has no parameter '%s'", args[i].name);
        }
        if (args[i].value < 1 || args[i].value > (int64_t)1 << 32) {
            return diags_error(d, nowhere, NULL, "'%s' must lie in 1..2^32, not %lld", args[i].name,
                               (long long)args[i].value);
        }
        *(samples ? &m->samples : tokens ? &m->tokens : source ? &m->source : &m->context) = args[i].value;
    }
    m->tokens = c->sound_layers ? hf_sound_frames(c, m->samples) : m->tokens;
    if (m->tokens < 1) {
        return diags_error(d, nowhere, NULL, "%lld samples are too few for its convolutions", (long long)m->samples);
    }
    m->context = m->context ? m->context : m->tokens;
    if (m->context < m->tokens) {
        return diags_error(d, nowhere, NULL, "%lld tokens cannot attend to a context of %lld: it includes them",
                           (long long)m->tokens, (long long)m->context);
    }
    return 0;
}

static bool patches_fit(const char *name, const struct hf_config *c, struct diags *d)
{
    const struct mark nowhere = {NULL, 0, 0, 0};
    if (c->image && (c->patch < 1 || c->image < c->patch)) {
        diags_error(d, nowhere, NULL, "'%s': patches of %lld do not fit an image of %lld", name, (long long)c->patch,
                    (long long)c->image);
        return false;
    }
    return true;
}

/* The network of what m->c or the towers say. */
static struct network *finish(const char *name, struct hf_maker *m, const struct hf_config *tower, int64_t projection,
                              int64_t batch, struct diags *d)
{
    const struct mark nowhere = {NULL, 0, 0, 0};
    m->net = network_new(m->c->model_type[0] ? m->c->model_type : "config", batch);
    if (tower ? hf_towers(m, tower, projection) : make(m)) {
        diags_error(d, nowhere, NULL, "'%s', %s: %s", name, m->block, m->err.text);
        network_free(m->net);
        return NULL;
    }
    return m->net;
}

struct network *import_hf(const char *name, const char *text, size_t len, const struct network_arg *args, int n_args,
                          int64_t batch, struct diags *d)
{
    struct hf_config *c = mem_alloc(2 * sizeof *c);
    struct hf_maker m = {.c = c, .err = ERR_INIT, .kept = {{-1, -1}, {-1, -1}}, .per_layer = -1, .tower = ""};
    int64_t projection = 0;
    int towers = hf_config_read_towers(name, text, len, c, &projection, d);
    struct network *net = NULL;
    if (towers >= 0 && (towers || hf_config_read(name, text, len, c, d) == 0) && patches_fit(name, c, d) &&
        (!towers || patches_fit(name, c + 1, d)) && read_args(args, n_args, &m, d) == 0) {
        net = finish(name, &m, towers ? c : NULL, projection, batch, d);
    }
    mem_free(c);
    return net;
}

int import_hf_facts(const char *name, const char *text, size_t len, struct hf_facts *out)
{
    struct diags said_before = DIAGS_INIT;
    struct hf_config *c = mem_alloc(2 * sizeof *c);
    int64_t projection = 0;
    int rc = hf_config_read_towers(name, text, len, c, &projection, &said_before);
    rc = rc == 0 ? hf_config_read(name, text, len, c, &said_before) : rc < 0 ? -1 : 0;
    if (rc == 0) {
        *out = (struct hf_facts){.layers = c->layers,
                                 .hidden = c->hidden,
                                 .heads = c->heads,
                                 .kv_heads = c->stated_kv_heads,
                                 .head_dim = c->stated_head_dim,
                                 .vocab = c->vocab,
                                 .attention_layers = c->attention_layers,
                                 .kv_elements_per_token = c->kv_elements_per_token};
        snprintf(out->type, sizeof out->type, "%s", c->file_type);
        snprintf(out->read_as, sizeof out->read_as, "%s", c->model_type);
    }
    diags_release(&said_before);
    mem_free(c);
    return rc;
}
