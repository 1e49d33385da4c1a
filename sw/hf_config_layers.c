/* What each layer of a config is: attention over everything or a window, a recurrence, an MLP, experts. */
#include "sw/hf_read.h"

#include <stdio.h>
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
                 {"starcoder2", HF_LAYERS + 1},
                 {"phi3", HF_LAYERS + 1},
                 {"mixtral", HF_LAYERS + 1}};
    int64_t period = 0;
    if (c->window == 0 || hf_count(map, "sliding_window_pattern", &period, d) || period > 0) {
        return period;
    }
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
        period = strcmp(c->model_type, usual[i].type) == 0 ? usual[i].period : period;
    }
    return period;
}

int hf_set_kinds(const struct node *map, struct hf_config *c, struct diags *d)
{
    const struct node *types = node_get(map, "layer_types"), *hybrid = node_get(map, "hybrid_layer_pattern");
    const struct node *pattern = node_get(map, "hybrid_override_pattern");
    const struct node *attending = node_get(map, "attn_layer_indices");
    int64_t period = 0, offset = 0, full = 0;
    if (hf_count(map, "attn_layer_period", &period, d) || hf_count(map, "attn_layer_offset", &offset, d) ||
        hf_count(map, "full_attention_interval", &full, d)) {
        return -1;
    }
    full = full ? full : 4;
    const struct node *blocks = node_get(map, "layers_block_type");
    blocks = blocks && blocks->kind == NODE_SEQUENCE && c->mamba_heads > 0 ? blocks : NULL;
    if (blocks && blocks->n_children != c->layers) {
        return diags_error(d, blocks->mark, NULL, "'layers_block_type' must have a word for each of %lld layers",
                           (long long)c->layers);
    }
    if (pattern && (pattern->kind != NODE_SCALAR || (int64_t)strlen(pattern->text) != c->layers)) {
        return diags_error(d, pattern->mark, NULL,
                           "'hybrid_override_pattern' must have a letter for each of %lld layers",
                           (long long)c->layers);
    }
    int64_t all_but = types || hybrid ? 0 : window_period(map, c, d);
    for (int64_t i = 0; i < c->layers; i++) {
        enum hf_layer_kind kind = c->mamba_state ? HF_MAMBA : HF_ATTENTION;
        char letter = pattern ? pattern->text[i] : blocks ? block_letter(blocks, i) : '\0';
        if (letter != '\0') {
            kind = pattern_kind(letter);
        } else if (period > 0) {
            kind = i % period == offset ? HF_ATTENTION : HF_MAMBA;
        } else if (item_is(types, i, "sliding_attention") || item_is(hybrid, i, "1")) {
            kind = HF_SLIDING;
        } else if (all_but > 0 && kind == HF_ATTENTION && (i + 1) % all_but != 0) {
            kind = HF_SLIDING;
        } else if (item_is(types, i, "attention") || item_is(types, i, "full_attention")) {
            kind = HF_ATTENTION;
        } else if (item_is(types, i, "conv")) {
            return diags_error(d, types->mark, NULL, "layers of short convolutions are not modelled");
        } else if (c->delta_values && (types ? item_is(types, i, "linear_attention") : (i + 1) % full != 0)) {
            kind = HF_DELTA;
        } else if (item_is(types, i, "linear_attention")) {
            return diags_error(d, types->mark, NULL, "layers of linear attention of this kind are not modelled");
        } else if (attending) {
            kind = has_number(attending, i) ? HF_ATTENTION : HF_MAMBA;
        }
        c->kind[i] = (uint8_t)kind;
        bool hybrid_layers = period > 0 || types || attending;
        c->moe[i] = letter == 'E';
        c->mlp[i] = letter != '\0' ? kind == HF_MLP : kind != HF_MAMBA || hybrid_layers;
        c->attention_layers += kind == HF_ATTENTION || kind == HF_SLIDING;
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
        if (c->kind[i] == HF_ATTENTION) {
            c->kv_elements_per_token +=
                c->kv_rank ? c->kv_rank + c->rope_dim : c->kv_heads * (c->head_dim + c->v_head_dim);
        } else if (c->kind[i] == HF_SLIDING) {
            c->kv_elements_per_token += c->sliding_kv_heads * (c->sliding_head_dim + c->sliding_v_head_dim);
        }
    }
}
