/* The keys of wav2vec 2.0, HuBERT and WavLM that text models have not. */
#include "sw/hf_read.h"

#include <stdlib.h>
#include <string.h>

static int read_list(const struct node *map, const char *key, int n, int64_t *out, struct diags *d)
{
    const struct node *list = node_get(map, key);
    if (list == NULL || list->kind != NODE_SEQUENCE || list->n_children != n) {
        return diags_error(d, list ? list->mark : map->mark, NULL,
                           "'%s' must have a number for each of %d convolutions", key, n);
    }
    for (int i = 0; i < n; i++) {
        char *end = NULL;
        const struct node *item = &list->child[i];
        out[i] = item->kind == NODE_SCALAR ? strtoll(item->text, &end, 10) : 0;
        if (end == NULL || *end != '\0' || out[i] < 1 || out[i] > 1 << 20) {
            return diags_error(d, item->mark, NULL, "'%s' has positive whole numbers", key);
        }
    }
    return 0;
}

static bool is_false(const struct node *n)
{
    return n && n->kind == NODE_SCALAR && strcmp(n->text, "false") == 0;
}

static double probability(const struct node *map, const char *key, double usual)
{
    const char *text = hf_word(map, key);
    return text[0] ? strtod(text, NULL) : usual;
}

int hf_set_sound(const struct node *map, const struct node *top, struct hf_config *c, struct diags *d)
{
    const struct node *dims = node_get(map, "conv_dim"), *list = node_get(top, "architectures");
    if (dims == NULL || dims->kind != NODE_SEQUENCE) {
        return 0; /* LFM2 has a number there */
    }
    if (hf_is_true(node_get(map, "add_adapter"))) {
        return diags_error(d, node_get(map, "add_adapter")->key_mark, NULL, "its adapter is not modelled");
    }
    if (dims->n_children < 1 || dims->n_children > HF_SOUND_LAYERS) {
        return diags_error(d, dims->mark, NULL, "%d convolutions; 1 to %d are possible", dims->n_children,
                           HF_SOUND_LAYERS);
    }
    c->sound_layers = dims->n_children;
    if (read_list(map, "conv_dim", c->sound_layers, c->sound_dim, d) ||
        read_list(map, "conv_kernel", c->sound_layers, c->sound_kernel, d) ||
        read_list(map, "conv_stride", c->sound_layers, c->sound_stride, d) ||
        hf_count(map, "num_conv_pos_embeddings", &c->place_kernel, d) ||
        hf_count(map, "num_conv_pos_embedding_groups", &c->place_groups, d) ||
        hf_count(map, "classifier_proj_size", &c->embedding, d)) {
        return -1;
    }
    c->place_kernel = c->place_kernel ? c->place_kernel : 128;
    c->place_groups = c->place_groups ? c->place_groups : 16;
    c->sound_norms = strcmp(hf_word(map, "feat_extract_norm"), "layer") == 0;
    c->sound_bias = hf_is_true(node_get(map, "conv_bias"));
    c->sound_plain = is_false(node_get(map, "feat_proj_layer_norm"));
    c->sound_masked = probability(map, "mask_time_prob", 0.05) > 0 || probability(map, "mask_feature_prob", 0) > 0;
    bool named = list && list->kind == NODE_SEQUENCE && list->n_children > 0 && list->child[0].kind == NODE_SCALAR;
    const char *class = named ? list->child[0].text : "";
    c->sound_head = strstr(class, "ForCTC")                      ? HF_SOUND_LETTERS
                    : strstr(class, "ForSequenceClassification") ? HF_SOUND_CLASSES
                                                                 : HF_SOUND_NOTHING;
    if (strcmp(c->model_type, "wavlm") ==
        0) { /* S. Chen et al., arXiv:2110.13900: a table of distances, gated in each layer */
        int64_t buckets = 0;
        hf_count(map, "num_buckets", &buckets, d);
        c->relative = (buckets ? buckets : 320) * c->heads;
        c->gated_distances = true;
    }
    return 0;
}
