/* What each layer of a config is: attention over everything or a window, a recurrence, an MLP, experts. */
#include "sw/hf_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool item_is(const struct node *list, int64_t i, const char *text)
{
    return list && list->kind == NODE_SEQUENCE && i < list->n_children && list->child[i].kind == NODE_SCALAR &&
           strcmp(list->child[i].text, text) == 0;
}

static bool has_number(const struct node *list, int64_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)number);
    for (int i = 0; list->kind == NODE_SEQUENCE && i < list->n_children; i++) {
        if (item_is(list, i, text)) {
            return true;
        }
    }
    return false;
}

/* Nemotron-H: a letter a layer; 'E' is an MLP of experts. */
static enum hf_layer_kind pattern_kind(char c)
{
    return c == 'M' ? HF_MAMBA : c == '-' || c == 'E' ? HF_MLP : HF_ATTENTION;
}

/* The same as a list of words. */
static char block_letter(const struct node *list, int64_t i)
{
    return item_is(list, i, "mamba") ? 'M' : item_is(list, i, "moe") ? 'E' : item_is(list, i, "mlp") ? '-' : '*';
}

/* Without a list of layers: every n-th one sees the whole context, the others a window (1: all do; above the number of layers: none does). */
static int64_t window_period(const struct node *map, const struct hf_config *c, struct diags *d)
{
    static const struct {
        const char *type;
        int64_t period;
    } usual[] = {{"gemma2", 2},
                 {"gemma3", 6},
                 {"gemma3_text", 6},
                 {"cohere2", 4},
                 {"mistral", HF_LAYERS + 1},
                 {"longformer", HF_LAYERS + 1},
                 {"starcoder2", HF_LAYERS + 1},
                 {"phi3", HF_LAYERS + 1},
                 {"mixtral", HF_LAYERS + 1}};
    int64_t period = 0;
    const struct node *letters = node_get(map, "sliding_window_pattern");
    if (letters && letters->kind == NODE_SCALAR && strspn(letters->text, "LG") == strlen(letters->text)) {
        return (int64_t)strlen(letters->text); /* "LLLG": the last of them is global */
    }
    if (c->window == 0 || hf_count(map, "sliding_window_pattern", &period, d) || period > 0) {
        return period;
    }
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
        period = strcmp(c->model_type, usual[i].type) == 0 ? usual[i].period : period;
    }
    return period;
}

/* The keys by which files say what each layer is. */
struct plan {
    const struct node *types, *hybrid, *pattern, *attending, *blocks, *cycle;
    int64_t period, offset, full, all_but, global;
};

static const struct node *list_of(const struct node *map, const char *key)
{
    const struct node *n = node_get(map, key);
    return n && n->kind == NODE_SEQUENCE ? n : NULL;
}

static int read_plan(const struct node *map, const struct hf_config *c, struct plan *p, struct diags *d)
{
    p->types = node_get(map, "layer_types");
    p->hybrid = node_get(map, "hybrid_layer_pattern");
    p->pattern = node_get(map, "hybrid_override_pattern");
    p->attending = list_of(map, "attn_layer_indices");
    p->attending = p->attending ? p->attending : list_of(map, "full_attn_idxs");
    p->cycle = list_of(map, "block_types");
    p->cycle = p->cycle ? p->cycle : list_of(map, "_block_types");
    p->blocks = list_of(map, "layers_block_type");
    if (hf_count(map, "attn_layer_period", &p->period, d) || hf_count(map, "attn_layer_offset", &p->offset, d) ||
        hf_count(map, "full_attention_interval", &p->full, d) ||
        hf_count(map, "global_attn_every_n_layers", &p->global, d)) {
        return -1;
    }
    p->full = p->full ? p->full : 4;
    bool zamba2 = strcmp(c->model_type, "zamba2") == 0; /* hf_set_zamba() */
    p->blocks = zamba2 ? NULL : p->blocks;
    for (int64_t i = 0; p->blocks && i < p->blocks->n_children; i++) {
        if (item_is(p->blocks, i, "hybrid")) {
            return diags_error(d, p->blocks->mark, NULL,
                               "layers that share one attention block are modelled as Zamba2 has them, not as this");
        }
    }
    p->blocks = c->mamba_heads > 0 ? p->blocks : NULL;
    if (p->blocks && p->blocks->n_children != c->layers) {
        return diags_error(d, p->blocks->mark, NULL, "'layers_block_type' must have a word for each of %lld layers",
                           (long long)c->layers);
    }
    if (p->pattern && (p->pattern->kind != NODE_SCALAR || (int64_t)strlen(p->pattern->text) != c->layers)) {
        return diags_error(d, p->pattern->mark, NULL,
                           "'hybrid_override_pattern' must have a letter for each of %lld layers",
                           (long long)c->layers);
    }
    p->all_but = p->types || p->hybrid ? 0 : window_period(map, c, d);
    return 0;
}

static int letter_of(const struct plan *p, int64_t i)
{
    return p->pattern ? p->pattern->text[i] : p->blocks ? block_letter(p->blocks, i) : '\0';
}

/* -1 with an error when it is not modelled. */
static int layer_kind(const struct plan *p, const struct hf_config *c, int64_t i, struct diags *d)
{
    enum hf_layer_kind usual = c->rwkv_width ? HF_RWKV : c->mamba_state ? HF_MAMBA : HF_ATTENTION;
    if (letter_of(p, i) != '\0') {
        return (int)pattern_kind((char)letter_of(p, i));
    }
    if (c->mamba_beside) {
        return HF_BOTH;
    }
    if (p->period > 0) {
        return i % p->period == p->offset ? HF_ATTENTION : HF_MAMBA;
    }
    if (c->lru_width && p->cycle &&
        p->cycle->n_children > 0) { /* Griffin: the list repeats; attention is to a window */
        return item_is(p->cycle, i % p->cycle->n_children, "attention") ? HF_SLIDING : HF_LRU;
    }
    if (item_is(p->types, i, "sliding_attention") || item_is(p->hybrid, i, "1") ||
        (p->all_but > 0 && usual == HF_ATTENTION && (i + 1) % p->all_but != 0)) {
        return HF_SLIDING;
    }
    if (p->types == NULL && p->global > 0 && i % p->global != 0) { /* ModernBERT */
        return HF_SLIDING;
    }
    if (item_is(p->types, i, "attention") || item_is(p->types, i, "full_attention")) {
        return HF_ATTENTION;
    }
    if (item_is(p->types, i, "conv")) {
        return HF_CONV;
    }
    if (c->delta_values && (p->types ? item_is(p->types, i, "linear_attention") : (i + 1) % p->full != 0)) {
        return HF_DELTA;
    }
    if (c->kda_heads > 0 && (item_is(p->types, i, "linear_attention") || item_is(p->types, i, "kda_attention"))) {
        return HF_KDA;
    }
    if (item_is(p->types, i, "linear_attention")) {
        return diags_error(d, p->types->mark, NULL, "layers of linear attention of this kind are not modelled");
    }
    if (p->attending) {
        return has_number(p->attending, i) ? HF_ATTENTION : c->conv_cache ? HF_CONV : HF_MAMBA;
    }
    return (int)usual;
}

int hf_set_kinds(const struct node *map, struct hf_config *c, struct diags *d)
{
    struct plan p = {0};
    if (read_plan(map, c, &p, d)) {
        return -1;
    }
    c->attention_layers = 0;
    for (int64_t i = 0; i < c->layers; i++) {
        int kind = layer_kind(&p, c, i, d);
        if (kind < 0) {
            return -1;
        }
        c->kind[i] = (uint8_t)kind;
        bool hybrid_layers = p.period > 0 || p.types || p.attending;
        c->moe[i] = letter_of(&p, i) == 'E';
        c->mlp[i] = letter_of(&p, i) != '\0' ? kind == HF_MLP : kind != HF_MAMBA || hybrid_layers;
        c->attention_layers += kind == HF_ATTENTION || kind == HF_SLIDING || kind == HF_BOTH;
    }
    return hf_set_blocks(map, c, d);
}

/* Zamba2: which layers have the shared block before their recurrence, as numbers or words. */
int hf_set_zamba(const struct node *map, struct hf_config *c, struct diags *d)
{
    const struct node *ids = list_of(map, "hybrid_layer_ids"), *words = list_of(map, "layers_block_type");
    if (strcmp(c->model_type, "zamba2") != 0) {
        return 0;
    }
    int64_t wide = 0;
    if (hf_count(map, "num_mem_blocks", &c->shared_blocks, d)) {
        return -1;
    }
    c->shared_blocks = c->shared_blocks ? c->shared_blocks : 1;
    c->attention_layers = 0;
    for (int64_t i = 0; i < c->layers; i++) {
        bool hybrid = ids ? has_number(ids, i) : item_is(words, i, "hybrid");
        c->kind[i] = hybrid ? HF_ZAMBA : HF_MAMBA;
        c->mlp[i] = false;
        c->attention_layers += hybrid;
    }
    if (c->mamba_heads < 1 || c->attention_layers == 0 || c->heads < 1 || c->head_dim < 1 || c->adapter_rank < 1 ||
        c->adapter_rank > 1 << 20 || c->kv_heads < 1 || __builtin_mul_overflow(c->heads, c->head_dim, &wide) ||
        wide > 1 << 24) {
        return diags_error(d, map->mark, NULL,
                           "Zamba2 needs 'n_mamba_heads', 'adapter_rank', heads, and 'hybrid_layer_ids' or "
                           "'layers_block_type' with \"hybrid\" in it");
    }
    return 0;
}

/* Kimi Linear numbers its layers from 1. */
int hf_set_kda(const struct node *map, struct hf_config *c, struct diags *d)
{
    const struct node *all = node_get(map, "linear_attn_config"),
                      *linear = hf_find(map, "linear_attn_config.kda_layers");
    if (all && all->kind == NODE_MAPPING && linear == NULL) {
        return diags_error(d, all->mark, NULL, "layers of linear attention of this kind are not modelled");
    }
    for (int64_t i = 0; linear && i < c->layers; i++) {
        if (has_number(linear, i + 1)) {
            c->attention_layers -= c->kind[i] == HF_ATTENTION;
            c->kind[i] = HF_KDA;
        }
    }
    bool any = linear != NULL;
    for (int64_t i = 0; i < c->layers; i++) {
        any |= c->kind[i] == HF_KDA;
    }
    int64_t width = 0;
    if (any && (c->kda_heads < 1 || c->kda_dim < 1 || __builtin_mul_overflow(c->kda_heads, c->kda_dim, &width) ||
                width > 1 << 24 || c->kda_conv > 1024)) {
        return diags_error(d, map->mark, NULL, "linear attention of %lld heads of width %lld", (long long)c->kda_heads,
                           (long long)c->kda_dim);
    }
    if (c->residual_blocks > 0 && (c->layers - 1) / c->residual_blocks >= HF_RESIDUALS) {
        return diags_error(d, map->mark, NULL, "'attn_res_block_size' makes more than %d blocks", HF_RESIDUALS);
    }
    return 0;
}

/* A positive number of a block of DeciLM. 0, or -1 with an error. */
static int block_number(const struct node *block, const char *path, double *out, struct diags *d)
{
    const struct node *n = hf_find(block, path);
    char *end = NULL;
    *out = n && n->kind == NODE_SCALAR ? strtod(n->text, &end) : 0.0;
    if (!(*out > 0.0) || *out > 1e6 || *end != '\0') {
        return diags_error(d, n ? n->mark : block->mark, NULL, "a block without '%s'", path);
    }
    return 0;
}

/* DeciLM (Nemotron-NAS): an entry a layer; it may lack its attention or its MLP. Widths as in the class: 2/3 of the factor, up to a multiple
 * of 256. */
static int set_block(const struct node *block, int64_t i, struct hf_config *c, struct diags *d)
{
    bool no_attention = hf_is_true(hf_find(block, "attention.no_op")), no_mlp = hf_is_true(hf_find(block, "ffn.no_op"));
    double group = 1.0, factor = 1.0;
    if (hf_is_true(hf_find(block, "attention.replace_with_linear")) ||
        hf_is_true(hf_find(block, "ffn.replace_with_linear"))) {
        return diags_error(d, block->mark, NULL, "a linear layer in place of attention or an MLP is not modelled");
    }
    if ((!no_attention && block_number(block, "attention.n_heads_in_group", &group, d)) ||
        (!no_mlp && block_number(block, "ffn.ffn_mult", &factor, d))) {
        return -1;
    }
    int64_t heads = (int64_t)group;
    if (heads < 1 || c->heads % heads != 0) {
        return diags_error(d, block->mark, NULL, "%lld heads do not fall into groups of %lld", (long long)c->heads,
                           (long long)heads);
    }
    int64_t width = (int64_t)(2.0 * factor * (double)c->hidden / 3.0);
    c->layer_kv[i] = c->heads / heads;
    c->layer_ffn[i] = (width + 255) / 256 * 256;
    c->mlp[i] = !no_mlp;
    c->kind[i] = (uint8_t)(!no_attention ? HF_ATTENTION : no_mlp ? HF_NOTHING : HF_MLP);
    c->attention_layers += !no_attention;
    return 0;
}

int hf_set_blocks(const struct node *map, struct hf_config *c, struct diags *d)
{
    const struct node *list = list_of(map, "block_configs");
    if (list == NULL) {
        return 0;
    }
    if (list->n_children != c->layers) {
        return diags_error(d, list->mark, NULL, "'block_configs' must have an entry for each of %lld layers",
                           (long long)c->layers);
    }
    c->attention_layers = 0;
    for (int64_t i = 0; i < c->layers; i++) {
        if (set_block(&list->child[i], i, c, d)) {
            return -1;
        }
    }
    return 0;
}

/* Which layers have experts: all, all but the first ones, each n-th, or a list. */
int hf_set_experts(const struct node *map, struct hf_config *c, struct diags *d)
{
    int64_t first = 0, step = 0, offset = 0, interleave = 0;
    const struct node *freq = node_get(map, "moe_layer_freq");
    if (hf_count(map, "first_k_dense_replace", &first, d) || hf_count(map, "expert_layer_period", &step, d) ||
        hf_count(map, "expert_layer_offset", &offset, d) ||
        hf_count(map, "interleave_moe_layer_step", &interleave, d)) {
        return -1;
    }
    bool one_part =
        node_get(map, "hybrid_override_pattern") || (node_get(map, "layers_block_type") && c->mamba_heads > 0);
    for (int64_t i = 0; i < c->layers; i++) {
        bool moe = c->experts > 1 && c->mlp[i] && i >= first;
        if (step > 0) {
            moe = moe && i % step == offset;
        } else if (interleave > 0) {
            moe = moe && (i + 1) % interleave == 0;
        } else if (freq && freq->kind == NODE_SEQUENCE) {
            moe = moe && item_is(freq, i, "1");
        }
        c->moe[i] = one_part ? c->moe[i] && c->experts > 1 : moe;
    }
    return 0;
}

/* llama4 and others: `intermediate_size` is the experts' width, dense layers have another, and one shared expert stands beside the routed ones. */
int hf_set_dense(const struct node *map, struct hf_config *c, struct diags *d)
{
    int64_t dense = 0;
    int64_t other = 0;
    if (hf_count(map, "intermediate_size_mlp", &dense, d) || hf_count(map, "dense_intermediate_size", &other, d)) {
        return -1;
    }
    c->ffn = other ? other : c->ffn; /* MiniMax-M3 */
    if (dense > 0) {
        c->moe_ffn = c->ffn;
        c->shared_experts = 1;
        c->shared_ffn = c->ffn;
        c->ffn = dense;
        c->dense_beside = true;
    }
    return 0;
}

void hf_count_kv(struct hf_config *c)
{
    for (int64_t i = 0; i < c->layers && !c->encoder; i++) {
        int64_t kv = c->layer_kv[i] ? c->layer_kv[i] : c->kv_heads;
        if (i >= c->layers - c->shared_kv) {
            continue;
        }
        if (c->compressed) {
            int64_t ratio = c->kind[i] == HF_SPARSE ? c->sparse_ratio : c->kind[i] == HF_HEAVY ? c->heavy_ratio : 0;
            c->kv_elements_per_token += c->head_dim + (ratio ? c->head_dim / ratio : 0);
        } else if (c->kind[i] == HF_ATTENTION || c->kind[i] == HF_BOTH || c->kind[i] == HF_ZAMBA) {
            c->kv_elements_per_token += c->kv_rank ? c->kv_rank + c->rope_dim : kv * (c->head_dim + c->v_head_dim);
        } else if (c->kind[i] == HF_SLIDING) {
            c->kv_elements_per_token += c->sliding_kv_heads * (c->sliding_head_dim + c->sliding_v_head_dim);
        }
    }
}
