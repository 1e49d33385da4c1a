/* The keys of DeepSeek-V4, and of the indexers of DeepSeek-V3.2 and GLM-5, with what they must fit. */
#include "sw/hf_read.h"

#include <stdlib.h>
#include <string.h>

/* `compress_ratios` has a number a layer (and some for layers that predict further tokens): 0 is a window alone, 4 has an indexer. */
static int set_by_ratios(const struct node *list, struct hf_config *c, struct diags *d)
{
    if (list->kind != NODE_SEQUENCE || list->n_children < c->layers) {
        return diags_error(d, list->mark, NULL, "'compress_ratios' must have a number for each of %lld layers",
                           (long long)c->layers);
    }
    for (int64_t i = 0; i < c->layers; i++) {
        const struct node *n = &list->child[i];
        char *end = NULL;
        long long ratio = n->kind == NODE_SCALAR ? strtoll(n->text, &end, 10) : -1;
        if (end == NULL || *end != '\0' || ratio < 0 || ratio > 1 << 20 ||
            (ratio > 0 && ratio != c->sparse_ratio && c->heavy_ratio > 0 && ratio != c->heavy_ratio)) {
            return diags_error(d, n->mark, NULL, "ratios are 0, 4 and one other whole number");
        }
        bool heavy = ratio > 0 && ratio != c->sparse_ratio;
        c->heavy_ratio = heavy ? ratio : c->heavy_ratio;
        c->kind[i] = (uint8_t)(ratio == 0 ? HF_SLIDING : heavy ? HF_HEAVY : HF_SPARSE);
    }
    return 0;
}

/* `layer_types` with `compress_rates`. */
static int set_by_types(const struct node *map, const struct node *list, struct hf_config *c, struct diags *d)
{
    int64_t sparse = 0;
    if (hf_count(map, "compress_rates.compressed_sparse_attention", &sparse, d) ||
        hf_count(map, "compress_rates.heavily_compressed_attention", &c->heavy_ratio, d)) {
        return -1;
    }
    c->sparse_ratio = sparse ? sparse : c->sparse_ratio;
    c->heavy_ratio = c->heavy_ratio ? c->heavy_ratio : 128;
    if (list->kind != NODE_SEQUENCE || list->n_children < c->layers || c->sparse_ratio > 1 << 20 ||
        c->heavy_ratio > 1 << 20) {
        return diags_error(d, list->mark, NULL, "'layer_types' must have a word for each of %lld layers",
                           (long long)c->layers);
    }
    for (int64_t i = 0; i < c->layers; i++) {
        const char *word = list->child[i].kind == NODE_SCALAR ? list->child[i].text : "";
        c->kind[i] = (uint8_t)(strcmp(word, "compressed_sparse_attention") == 0    ? HF_SPARSE
                               : strcmp(word, "heavily_compressed_attention") == 0 ? HF_HEAVY
                                                                                   : HF_SLIDING);
    }
    return 0;
}

static bool types_compress(const struct node *list)
{
    for (int i = 0; list && list->kind == NODE_SEQUENCE && i < list->n_children; i++) {
        const struct node *n = &list->child[i];
        if (n->kind == NODE_SCALAR && strstr(n->text, "compressed_")) {
            return true;
        }
    }
    return false;
}

int hf_set_compressed(const struct node *map, struct hf_config *c, struct diags *d)
{
    const struct node *ratios = node_get(map, "compress_ratios"), *types = node_get(map, "layer_types");
    if (ratios == NULL && !types_compress(types)) {
        return 0;
    }
    const struct node *at = ratios ? ratios : types;
    c->sparse_ratio = 4;
    if (c->out_groups < 1 || c->out_rank < 1 || c->q_rank < 1 || c->streams < 1 || c->window < 1 || c->kv_rank > 0 ||
        c->kv_heads != 1 || c->experts < 2) {
        return diags_error(
            d, at->key_mark, NULL,
            "attention over compressed keys is modelled as DeepSeek-V4 has it: one key head, 'q_lora_rank', "
            "'o_groups', 'o_lora_rank', 'hc_mult', 'sliding_window' and experts");
    }
    if (types_compress(types) ? set_by_types(map, types, c, d) : set_by_ratios(ratios, c, d)) {
        return -1;
    }
    if (c->index_heads < 1 || c->index_dim < 1 || c->index_topk < 1 || c->streams > 64 || c->sinkhorn > 1000 ||
        c->out_groups > c->heads || (c->heads * c->head_dim) % c->out_groups != 0 || c->out_rank > 1 << 24) {
        return diags_error(
            d, at->key_mark, NULL, "%lld heads of %lld in %lld groups, %lld streams, or an indexer that is not stated",
            (long long)c->heads, (long long)c->head_dim, (long long)c->out_groups, (long long)c->streams);
    }
    c->compressed = true;
    c->attention_layers = (int)c->layers;
    return 0;
}

/* An indexer chooses the keys of latent attention; some layers take the choice of an earlier one (GLM-5.2). */
int hf_set_index(const struct node *map, struct hf_config *c, struct diags *d)
{
    int64_t every = 0, first = 0;
    const struct node *types = node_get(map, "indexer_types");
    if (hf_count(map, "index_topk_freq", &every, d) || hf_count(map, "index_skip_topk_offset", &first, d)) {
        return -1;
    }
    if (c->compressed || c->kv_rank == 0 || c->index_heads < 1 || c->index_dim < 1 || c->index_topk < 1) {
        c->index_topk = c->compressed ? c->index_topk : 0;
        return 0;
    }
    for (int64_t i = 0; i < c->layers; i++) {
        bool listed = types && types->kind == NODE_SEQUENCE && i < types->n_children;
        c->indexes[i] = listed ? types->child[i].kind == NODE_SCALAR && strcmp(types->child[i].text, "full") == 0
                               : every < 2 || i < first || (i - first + 1) % every == 0;
    }
    return 0;
}
