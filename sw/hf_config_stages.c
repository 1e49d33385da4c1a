/* The keys of image networks in stages: Swin, ConvNeXt, ResNet. */
#include "sw/hf_read.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *type;
    enum hf_stages_kind kind;
    int64_t depth[4], width[4], heads[4], patch,
        window; /* of the class where the file is silent; 0: as many as there are stages, each twice as wide */
} stage_types[] = {
    {"swin", HF_SWIN, {2, 2, 6, 2}, {0}, {3, 6, 12, 24}, 4, 7},
    {"swinv2", HF_SWIN2, {2, 2, 6, 2}, {0}, {3, 6, 12, 24}, 4, 7},
    {"convnext", HF_CONVNEXT, {3, 3, 9, 3}, {96, 192, 384, 768}, {0}, 4, 0},
    {"convnextv2", HF_CONVNEXT2, {3, 3, 9, 3}, {96, 192, 384, 768}, {0}, 4, 0},
    {"resnet", HF_RESNET, {3, 4, 6, 3}, {256, 512, 1024, 2048}, {0}, 1, 0},
};

static int type_of(const char *type)
{
    for (size_t i = 0; i < sizeof stage_types / sizeof *stage_types; i++) {
        if (strcmp(type, stage_types[i].type) == 0) {
            return (int)i;
        }
    }
    return -1;
}

bool hf_has_stages(const struct hf_config *c)
{
    return type_of(c->model_type) >= 0;
}

/* Positive numbers, as many as there are stages; out holds the class's when the key is absent. */
static int read_list(const struct node *map, const char *key, int *n, int64_t *out, struct diags *d)
{
    const struct node *list = node_get(map, key);
    if (list == NULL) {
        return 0;
    }
    if (list->kind != NODE_SEQUENCE || list->n_children < 1 || list->n_children > HF_STAGES ||
        (*n > 0 && list->n_children != *n)) {
        return diags_error(d, list->mark, NULL, "'%s' must have a number for each stage, at most %d", key, HF_STAGES);
    }
    for (int i = 0; i < list->n_children; i++) {
        const struct node *item = &list->child[i];
        char *end = NULL;
        out[i] = item->kind == NODE_SCALAR ? strtoll(item->text, &end, 10) : 0;
        if (end == NULL || *end != '\0' || out[i] < 1 || out[i] > 1 << 20) {
            return diags_error(d, item->mark, NULL, "'%s' has positive whole numbers", key);
        }
    }
    *n = list->n_children;
    return 0;
}

static int read_windows(const struct node *map, struct hf_config *c, int n, struct diags *d)
{
    struct hf_stages *s = &c->stages;
    int64_t width = 0, window = 0;
    if (read_list(map, "num_heads", &n, s->heads, d) || hf_count(map, "embed_dim", &width, d) ||
        hf_count(map, "window_size", &window, d)) {
        return -1;
    }
    s->window = window ? window : s->window;
    for (int i = 0; i < n; i++) {
        s->width[i] = (width ? width : 96) << i;
        if (s->width[i] > 1 << 24 || s->width[i] % s->heads[i] != 0 || s->window > 1 << 12) {
            return diags_error(d, map->mark, NULL, "stage %d: %lld heads do not divide its width of %lld", i,
                               (long long)s->heads[i], (long long)s->width[i]);
        }
    }
    const char *ratio = hf_word(map, "mlp_ratio");
    s->mlp_ratio = ratio[0] ? strtod(ratio, NULL) : 4.0;
    const struct node *bias = node_get(map, "qkv_bias");
    c->qkv_bias = bias == NULL || hf_is_true(bias);
    c->image_positions = hf_is_true(node_get(map, "use_absolute_embeddings"));
    return s->mlp_ratio > 0 && s->mlp_ratio < 1000
               ? 0
               : diags_error(d, map->mark, NULL, "'mlp_ratio' must lie between 0 and 1,000");
}

static int read_convolutions(const struct node *map, struct hf_config *c, struct diags *d)
{
    struct hf_stages *s = &c->stages;
    int64_t stem = 0;
    if (hf_count(map, "embedding_size", &stem, d) || read_list(map, "hidden_sizes", &s->n, s->width, d)) {
        return -1;
    }
    s->stem = stem ? stem : 64;
    s->basic = strcmp(hf_word(map, "layer_type"), "basic") == 0;
    s->first_halves = hf_is_true(node_get(map, "downsample_in_first_stage"));
    s->early = hf_is_true(node_get(map, "downsample_in_bottleneck"));
    const char *scale = hf_word(map, "layer_scale_init_value");
    c->layer_scale = s->kind == HF_CONVNEXT && (scale[0] == '\0' || strtod(scale, NULL) > 0);
    return 0;
}

int hf_read_stages(const struct node *map, struct hf_config *c, struct diags *d)
{
    int type = type_of(c->model_type);
    struct hf_stages *s = &c->stages;
    s->kind = stage_types[type].kind;
    s->window = stage_types[type].window;
    memcpy(s->depth, stage_types[type].depth, sizeof stage_types[type].depth);
    memcpy(s->width, stage_types[type].width, sizeof stage_types[type].width);
    memcpy(s->heads, stage_types[type].heads, sizeof stage_types[type].heads);
    if (read_list(map, "depths", &s->n, s->depth, d)) {
        return -1;
    }
    bool listed = s->n > 0;
    s->n = listed ? s->n : 4;
    bool swin = s->kind == HF_SWIN || s->kind == HF_SWIN2;
    const struct node *other = node_get(map, swin ? "num_heads" : "hidden_sizes");
    if (s->n != 4 && other == NULL) {
        return diags_error(d, map->mark, NULL, "%d stages, but no '%s' for each", s->n,
                           swin ? "num_heads" : "hidden_sizes");
    }
    if (hf_count(map, "image_size", &c->image, d) || hf_count(map, "patch_size", &c->patch, d) ||
        hf_count(map, "num_channels", &c->image_channels, d) ||
        (swin ? read_windows(map, c, s->n, d) : read_convolutions(map, c, d))) {
        return -1;
    }
    c->image = c->image ? c->image : 224;
    c->patch = s->kind == HF_RESNET ? 1 : c->patch ? c->patch : stage_types[type].patch;
    c->image_channels = c->image_channels ? c->image_channels : 3;
    const struct node *labels = node_get(map, "id2label");
    c->labels = labels && labels->kind == NODE_MAPPING ? labels->n_children : 2;
    if (labels == NULL && node_get(map, "num_labels") && hf_count(map, "num_labels", &c->labels, d)) {
        return -1;
    }
    for (int i = 0; i < s->n; i++) {
        c->layers += s->depth[i];
    }
    c->hidden = s->width[s->n - 1];
    c->heads = c->stated_kv_heads = s->heads[s->n - 1];
    c->stated_head_dim = c->heads ? c->hidden / c->heads : 0;
    c->attention_layers = swin ? (int)c->layers : 0;
    c->encoder = c->norm_bias = true;
    if (c->layers > HF_LAYERS || c->image > 1 << 16 || c->image_channels > 1 << 16 || c->patch > 1 << 12) {
        return diags_error(d, map->mark, NULL, "%lld layers on an image of %lld; at most %d and 65,536 are possible",
                           (long long)c->layers, (long long)c->image, HF_LAYERS);
    }
    return 0;
}
