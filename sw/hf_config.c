/* config.json of Hugging Face: keys by families, defaults by model type. */
#include "sw/hf_config.h"

#include "base/mem.h"
#include "sw/hf_families.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_NAMES 10

/* One number under the names that families give it; the first one present counts. A dot goes into a nested map. */
struct key {
    size_t offset;
    const char *names[KEY_NAMES];
};
#define KEY(f, ...)                                                                                                    \
    {                                                                                                                  \
        offsetof(struct hf_config, f),                                                                                 \
        {                                                                                                              \
            __VA_ARGS__                                                                                                \
        }                                                                                                              \
    }

static const struct key keys[] = {
    KEY(layers, "decoder_layers", "num_decoder_layers", "num_hidden_layers", "n_layer", "n_layers", "num_layers",
        "layer_num"),
    KEY(hidden, "hidden_size", "n_embd", "n_embed", "d_model", "dim"),
    KEY(heads, "num_attention_heads", "n_head", "n_heads", "num_heads", "attention_heads", "decoder_attention_heads",
        "encoder_attention_heads"),
    KEY(kv_heads, "num_key_value_heads", "num_kv_heads", "head_num_kv", "multi_query_group_num",
        "attn_config.kv_n_heads"),
    KEY(head_dim, "head_dim", "attention_head_dim", "kv_channels", "d_kv"),
    KEY(v_head_dim, "v_head_dim"),
    KEY(vocab, "vocab_size", "padded_vocab_size"),
    KEY(ffn, "intermediate_size", "n_inner", "ffn_hidden_size", "inter_size", "hidden_dim",
        "ffn_config.ffn_hidden_size", "ffn_dim", "d_ff", "decoder_ffn_dim"),
    KEY(experts, "num_local_experts", "n_routed_experts", "num_experts", "ffn_config.moe_num_experts"),
    KEY(top_k, "num_experts_per_tok", "experts_per_token", "ffn_config.moe_top_k", "moe_topk", "top_k_experts"),
    KEY(shared_experts, "n_shared_experts"),
    KEY(moe_ffn, "moe_intermediate_size"),
    KEY(shared_ffn, "shared_expert_intermediate_size", "shared_intermediate_size",
        "moe_shared_expert_intermediate_size"),
    KEY(moe_latent, "moe_latent_size"),
    KEY(kv_rank, "kv_lora_rank"),
    KEY(q_rank, "q_lora_rank"),
    KEY(rope_dim, "qk_rope_head_dim"),
    KEY(nope_dim, "qk_nope_head_dim"),
    KEY(window, "sliding_window"),
    KEY(sliding_kv_heads, "swa_num_key_value_heads"),
    KEY(sliding_head_dim, "swa_head_dim"),
    KEY(sliding_v_head_dim, "swa_v_head_dim"),
    KEY(types, "type_vocab_size"),
    KEY(embedding, "embedding_size", "word_embed_proj_dim"),
    KEY(image, "image_size"),
    KEY(patch, "patch_size"),
    KEY(image_channels, "num_channels"),
    KEY(mamba_state, "ssm_state_size", "mamba_d_state", "state_size"),
    KEY(mamba_conv, "mamba_d_conv", "conv_kernel"),
    KEY(mamba_rank, "time_step_rank", "mamba_dt_rank"),
    KEY(mamba_heads, "mamba_num_heads", "mamba_n_heads"),
    KEY(mamba_groups, "n_groups", "mamba_n_groups"),
    KEY(delta_keys, "linear_num_key_heads"),
    KEY(delta_values, "linear_num_value_heads"),
    KEY(delta_key_dim, "linear_key_head_dim"),
    KEY(delta_value_dim, "linear_value_head_dim"),
    KEY(delta_conv, "linear_conv_kernel_dim"),
};

/* Numbers that a class takes when its file leaves them out (transformers, Gemma3TextConfig). */
static const struct {
    const char *type;
    int64_t heads, kv_heads, head_dim, vocab;
} class_defaults[] = {{"gemma3_text", 8, 4, 256, 262208}};

/* What is not modelled, and would be wrong if it were read as a plain transformer. */
static const struct {
    const char *key, *why;
} refused[] = {
    {"compress_ratios", "attention over compressed keys is not modelled"},
    {"linear_attn_config", "layers of linear attention of this kind are not modelled"},
    {"block_configs", "layers that differ one by one (block_configs) are not modelled"},
    {"attention_hidden_size", "attention by a recurrence over channels (RWKV) is not modelled"},
    {"conv_dim", "a convolutional front end on samples of sound is not modelled"},
    {"depths", "stages of different widths are not modelled: import the network as an ONNX file"},
    {"lru_width", "linear recurrent units are not modelled"},
    {"num_sparse_encoder_layers", "experts in an encoder and a decoder are not modelled"},
    {"lang_ids", "this is a generation config: it says nothing of the architecture"},
};

/* --- Numbers and words ---------------------------------------------------------------------- */

static const struct node *find(const struct node *map, const char *path)
{
    const char *dot = strchr(path, '.');
    if (dot == NULL) {
        return node_get(map, path);
    }
    char outer[48];
    snprintf(outer, sizeof outer, "%.*s", (int)(dot - path), path);
    return find(node_get(map, outer), dot + 1);
}

static bool is_true(const struct node *n)
{
    return n && n->kind == NODE_SCALAR && strcmp(n->text, "true") == 0;
}

static const char *word(const struct node *map, const char *path)
{
    const struct node *n = find(map, path);
    return n && n->kind == NODE_SCALAR ? n->text : "";
}

/* A whole number from 0; 0 when absent or null. */
static int read_count(const struct node *map, const char *path, int64_t *out, struct diags *d)
{
    const struct node *n = find(map, path);
    *out = 0;
    if (n == NULL || n->kind == NODE_NULL ||
        (n->kind == NODE_SCALAR && (strcmp(n->text, "null") == 0 || n->text[0] == '\0'))) {
        return 0;
    }
    char *end = NULL;
    errno = 0;
    long long v = n->kind == NODE_SCALAR ? strtoll(n->text, &end, 10) : -1;
    if (errno || v < 0 || v > (int64_t)1 << 32 || end == NULL || *end != '\0') {
        return diags_error(d, n->mark, NULL, "'%s' must be a whole number", path);
    }
    *out = v;
    return 0;
}

static int read_keys(const struct node *map, struct hf_config *c, struct diags *d)
{
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        int64_t value = 0;
        for (int a = 0; a < KEY_NAMES && keys[i].names[a] && value == 0; a++) {
            if (read_count(map, keys[i].names[a], &value, d)) {
                return -1;
            }
        }
        memcpy((char *)c + keys[i].offset, &value, sizeof value);
    }
    return 0;
}

/* --- What the file leaves to the family ------------------------------------------------------ */

static int family_traits(const struct hf_config *c, const struct node *at, struct diags *d)
{
    int known, traits = hf_family(c->model_type, &known);
    if (!known) {
        diags_warning(d, at->mark, NULL, "model type '%s' is not known: read as a plain decoder", c->model_type);
    }
    return traits;
}

static void set_traits(const struct node *map, const struct node *top, int traits, struct hf_config *c)
{
    const char *acts[] = {word(map, "hidden_act"), word(map, "hidden_activation"), word(map, "activation_type"),
                          word(map, "ffn_config.ffn_act_fn.name")};
    const char *projection = word(map, "feed_forward_proj"); /* T5 */
    c->gated = strncmp(projection, "gated", 5) == 0;
    for (int i = 0; i < 4; i++) {
        c->gated |= strcmp(acts[i], "silu") == 0 || strncmp(acts[i], "swiglu", 6) == 0 || strcmp(acts[i], "swish") == 0;
    }
    c->gated = (c->gated || (traits & HF_GATED)) && !(traits & HF_PLAIN);
    c->rms = !(traits & HF_LAYER_NORM);
    c->norm_bias = (traits & HF_LAYER_NORM) && !(traits & HF_NO_NORM_BIAS);
    c->bare_norm = (traits & HF_BARE_NORM) != 0;
    bool attention_bias = is_true(node_get(map, "attention_bias"));
    c->qkv_bias =
        (traits & (HF_QKV_BIAS | HF_ALL_BIAS)) != 0 || attention_bias || is_true(node_get(map, "use_qkv_bias"));
    bool named_bias = is_true(node_get(map, "bias"));
    bool bias = is_true(node_get(map, "use_bias")) || (named_bias && strncmp(c->model_type, "falcon", 6) == 0);
    attention_bias |= bias || named_bias;
    c->qkv_bias |= attention_bias;
    c->out_bias = ((traits & (HF_ALL_BIAS | HF_OUT_BIAS)) != 0 || attention_bias) && !(traits & HF_NO_OUT_BIAS);
    c->mlp_bias = (traits & (HF_ALL_BIAS | HF_MLP_BIAS)) != 0 || is_true(node_get(map, "mlp_bias")) || bias;
    c->no_key_bias = (traits & HF_NO_KEY_BIAS) != 0;
    c->head_bias = (traits & HF_HEAD_BIAS) != 0 || is_true(node_get(map, "lm_head_bias"));
    c->router_bias = c->expert_bias = (traits & HF_EXPERT_BIAS) != 0;
    c->qk_norm = (traits & HF_QK_NORM) != 0 || is_true(node_get(map, "qk_layernorm"));
    c->wide_qk_norm = (traits & HF_WIDE_QK_NORM) && strcmp(word(map, "qk_norm_type"), "per_head") != 0;
    c->sinks = (traits & HF_SINKS) != 0;
    c->router_bias |= (traits & HF_ROUTER_SHIFT) || strcmp(word(map, "topk_method"), "noaux_tc") == 0;
    c->shared_gate = strncmp(c->model_type, "qwen2_moe", 9) == 0 || node_get(map, "linear_num_value_heads") != NULL;
    c->pre_norm = (traits & HF_PRE_NORM) != 0;
    c->embed_norm = (traits & HF_EMBED_NORM) != 0;
    c->no_final_norm = node_get(map, "do_layer_norm_before") && !is_true(node_get(map, "do_layer_norm_before"));
    c->norms = traits & HF_FOUR_NORMS ? 4 : traits & HF_ONE_NORM ? 1 : 2;
    c->encoder = (traits & HF_ENCODER) != 0;
    c->pooler = (traits & HF_POOLER) != 0;
    c->rotary = !c->encoder && !(traits & (HF_POSITIONS | HF_NO_ROTARY | HF_RELATIVE | HF_STORED_POSITIONS));
    c->shared_layers = strcmp(c->model_type, "albert") == 0;
    const struct node *tie = node_get(map, "tie_word_embeddings");
    tie = tie ? tie : node_get(top, "tie_word_embeddings");
    c->tied = tie ? is_true(tie) : (traits & HF_TIED) != 0;
    c->ffn /= traits & HF_HALF_FFN ? 2 : 1;
}

/* Tables of relative positions: T5 has one of buckets x heads in each stack, DeBERTa one as wide as the model, with a norm. */
static void read_relative(const struct node *map, int traits, struct hf_config *c, struct diags *d)
{
    if (!(traits & HF_RELATIVE)) {
        return;
    }
    int64_t buckets = 0, most = 0;
    read_count(map, "relative_attention_num_buckets", &buckets, d);
    if (is_true(node_get(map, "relative_attention"))) {
        read_count(map, "position_buckets", &buckets, d);
        read_count(map, "max_position_embeddings", &most, d);
        c->relative_width = c->hidden;
        c->relative = 2 * (buckets ? buckets : most);
        const struct node *input = node_get(map, "position_biased_input");
        c->positions = input && !is_true(input) ? 0 : c->positions;
    } else {
        c->relative = (buckets ? buckets : 32) * c->heads;
    }
}

/* An encoder beside the decoder; the numbers read so far are the decoder's. */
static int read_source(const struct node *map, int traits, struct hf_config *c, struct diags *d)
{
    static const struct {
        size_t offset;
        const char *names[2];
    } fields[] = {{offsetof(struct hf_config, source_layers), {"encoder_layers", "num_layers"}},
                  {offsetof(struct hf_config, source_heads), {"encoder_attention_heads", "num_heads"}},
                  {offsetof(struct hf_config, source_ffn), {"encoder_ffn_dim", "d_ff"}},
                  {offsetof(struct hf_config, source_positions), {"max_source_positions", ""}},
                  {offsetof(struct hf_config, mel), {"num_mel_bins", ""}}};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        int64_t value = 0;
        for (int n = 0; n < 2 && value == 0; n++) {
            if (read_count(map, fields[i].names[n], &value, d)) {
                return -1;
            }
        }
        memcpy((char *)c + fields[i].offset, &value, sizeof value);
    }
    c->encoder = false;
    c->source_heads = c->source_heads ? c->source_heads : c->heads;
    c->source_ffn = c->source_ffn ? c->source_ffn : c->ffn;
    c->source_positions = c->source_positions ? c->source_positions : c->positions;
    if (c->source_layers < 1 || c->source_layers > HF_LAYERS || c->hidden < 1 || c->source_heads < 1 ||
        (c->relative == 0 && c->hidden % c->source_heads != 0) || c->source_heads > 1 << 20) {
        return diags_error(d, map->mark, NULL,
                           "an encoder and a decoder, but no number of layers of the encoder, or heads that do not "
                           "divide its width");
    }
    if (traits & HF_RELATIVE) {
        c->rms = true;
    }
    return 0;
}

/* What single families do with keys of common names. */
static void family_details(const struct node *map, struct hf_config *c, struct diags *d)
{
    if (strcmp(c->model_type, "falcon") == 0) {
        bool new_form = is_true(node_get(map, "new_decoder_architecture"));
        c->kv_heads = new_form ? c->kv_heads : is_true(node_get(map, "multi_query")) ? 1 : c->heads;
        c->norms = !new_form && is_true(node_get(map, "parallel_attn")) ? 1 : 2;
        c->rotary = !is_true(node_get(map, "alibi"));
    }
    if (strncmp(c->model_type, "gemma4", 6) == 0) {
        int64_t wide = 0, few = 0;
        read_count(map, "global_head_dim", &wide, d);
        read_count(map, "num_global_key_value_heads", &few, d);
        c->sliding_head_dim = c->sliding_v_head_dim = c->head_dim;
        c->sliding_kv_heads = c->kv_heads;
        c->head_dim = c->v_head_dim = wide ? wide : c->head_dim;
        c->kv_heads = few ? few : c->kv_heads;
        c->shared_ffn = c->experts > 1 ? c->ffn : 0; /* a dense MLP beside the experts */
    }
    if (strcmp(c->model_type, "molmo") == 0) {
        c->embedding = 0; /* `embedding_size` are the rows of the table */
    }
    if (c->vocab > 0) {
        c->image = 0; /* the key is of a vision tower */
    }
    if (strcmp(c->model_type, "falcon_mamba") == 0) {
        read_count(map, "intermediate_size", &c->mamba_inner, d);
    }
    c->gated_attention = c->delta_values > 0;   /* Qwen3-Next */
    if (c->experts == 0 && c->shared_ffn > 0) { /* Granite 4 without experts: the shared MLP is all of it */
        c->ffn = c->shared_ffn;
        c->shared_ffn = 0;
    }
    if (strcmp(c->model_type, "mamba2") == 0) {
        c->mamba_heads = c->heads;
        c->heads = 0;
    }
}

static void fill_defaults(const struct node *map, int traits, struct hf_config *c, struct diags *d)
{
    for (size_t i = 0; i < sizeof class_defaults / sizeof *class_defaults; i++) {
        if (strcmp(word(map, "model_type"), class_defaults[i].type) == 0) {
            c->heads = c->heads ? c->heads : class_defaults[i].heads;
            c->kv_heads = c->kv_heads ? c->kv_heads : class_defaults[i].kv_heads;
            c->head_dim = c->head_dim ? c->head_dim : class_defaults[i].head_dim;
            c->vocab = c->vocab ? c->vocab : class_defaults[i].vocab;
        }
    }
    bool one_kv = is_true(node_get(map, "multi_query")) ||
                  strcmp(word(map, "attn_config.attn_type"), "multiquery_attention") == 0;
    c->kv_heads = c->kv_heads ? c->kv_heads : one_kv ? 1 : c->heads;
    c->head_dim = c->head_dim ? c->head_dim : c->heads ? c->hidden / c->heads : 0;
    c->v_head_dim = c->v_head_dim ? c->v_head_dim : c->head_dim;
    int64_t ratio = 0;
    read_count(map, "expansion_ratio", &ratio, d);
    c->ffn = c->ffn ? c->ffn : (ratio ? ratio : 4) * c->hidden;
    c->moe_ffn = c->moe_ffn ? c->moe_ffn : c->ffn;
    c->shared_ffn = c->shared_ffn ? c->shared_ffn : c->shared_experts * c->moe_ffn;
    if (traits & (HF_POSITIONS | HF_STORED_POSITIONS)) {
        static const char *const names[] = {"max_target_positions", "max_position_embeddings", "n_positions"};
        for (int i = 0; i < 3 && c->positions == 0; i++) {
            read_count(map, names[i], &c->positions, d);
        }
        c->positions += c->positions && (traits & HF_TWO_MORE) ? 2 : 0;
    }
    read_relative(map, traits, c, d);
    c->image_channels = c->image_channels ? c->image_channels : 3;
    const struct node *labels = node_get(map, "id2label");
    c->labels = labels && labels->kind == NODE_MAPPING ? labels->n_children : 2;
    if (labels == NULL && node_get(map, "num_labels")) {
        read_count(map, "num_labels", &c->labels, d);
    }
    c->extra_tokens = strcmp(c->model_type, "deit") == 0 ? 2 : 1;
    if (strncmp(c->model_type, "dinov2", 6) == 0) {
        c->layer_scale = true;
        c->labels = labels ? c->labels : 0; /* the class without a head is the usual one */
    }
    family_details(map, c, d);
    if (c->mamba_state) {
        int64_t expand = 0;
        read_count(map, node_get(map, "mamba_expand") ? "mamba_expand" : "expand", &expand, d);
        int64_t head = 0;
        static const char *const widths[] = {"mamba_head_dim", "mamba_d_head", "head_dim"};
        for (int i = 0; i < 3 && head == 0; i++) {
            read_count(map, widths[i], &head, d);
        }
        c->mamba_inner = c->mamba_heads   ? c->mamba_heads * head
                         : c->mamba_inner ? c->mamba_inner
                                          : (expand ? expand : 2) * c->hidden;
    }
}

/* --- Layer by layer -------------------------------------------------------------------------- */

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
    if (c->window == 0 || read_count(map, "sliding_window_pattern", &period, d) || period > 0) {
        return period;
    }
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
        period = strcmp(c->model_type, usual[i].type) == 0 ? usual[i].period : period;
    }
    return period;
}

static int set_kinds(const struct node *map, struct hf_config *c, struct diags *d)
{
    const struct node *types = node_get(map, "layer_types"), *hybrid = node_get(map, "hybrid_layer_pattern");
    const struct node *pattern = node_get(map, "hybrid_override_pattern");
    const struct node *attending = node_get(map, "attn_layer_indices");
    int64_t period = 0, offset = 0, full = 0;
    if (read_count(map, "attn_layer_period", &period, d) || read_count(map, "attn_layer_offset", &offset, d) ||
        read_count(map, "full_attention_interval", &full, d)) {
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
static int set_experts(const struct node *map, struct hf_config *c, struct diags *d)
{
    int64_t first = 0, step = 0, offset = 0, interleave = 0;
    const struct node *freq = node_get(map, "moe_layer_freq");
    if (read_count(map, "first_k_dense_replace", &first, d) || read_count(map, "expert_layer_period", &step, d) ||
        read_count(map, "expert_layer_offset", &offset, d) ||
        read_count(map, "interleave_moe_layer_step", &interleave, d)) {
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
static int set_llama4(const struct node *map, struct hf_config *c, struct diags *d)
{
    int64_t dense = 0;
    int64_t other = 0;
    if (read_count(map, "intermediate_size_mlp", &dense, d) || read_count(map, "dense_intermediate_size", &other, d)) {
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

static void count_kv(struct hf_config *c)
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

static int check(const struct hf_config *c, const struct node *root, struct diags *d)
{
    if (c->layers < 1 || c->hidden < 1 || (c->heads < 1 && !c->mamba_state)) {
        return diags_error(d, root->mark, NULL,
                           "this file states no architecture: number of layers, width "
                           "and heads are needed");
    }
    if (c->layers > HF_LAYERS) {
        return diags_error(d, root->mark, NULL, "%lld layers; at most %d are possible", (long long)c->layers,
                           HF_LAYERS);
    }
    if (c->delta_values > 0 && (c->delta_keys < 1 || c->delta_key_dim < 1 || c->delta_value_dim < 1 ||
                                c->delta_values % c->delta_keys != 0 || c->delta_conv < 1)) {
        return diags_error(d, root->mark, NULL, "%lld heads of values cannot share %lld of keys in linear attention",
                           (long long)c->delta_values, (long long)c->delta_keys);
    }
    if (c->attention_layers > 0 && (c->heads < 1 || c->head_dim < 1 || c->heads % c->kv_heads != 0)) {
        return diags_error(d, root->mark, NULL, "%lld heads cannot share %lld key heads of width %lld",
                           (long long)c->heads, (long long)c->kv_heads, (long long)c->head_dim);
    }
    if (c->experts > 1 && (c->top_k < 1 || c->top_k > c->experts)) {
        return diags_error(d, root->mark, NULL, "a token cannot take %lld of %lld experts", (long long)c->top_k,
                           (long long)c->experts);
    }
    return 0;
}

/* "MiniCPM3ForCausalLM" is minicpm3: for files that name a class only. */
static void type_of_class(const struct node *top, struct hf_config *c)
{
    const struct node *list = node_get(top, "architectures");
    if (list == NULL || list->kind != NODE_SEQUENCE || list->n_children < 1 || list->child[0].kind != NODE_SCALAR) {
        return;
    }
    size_t n = 0;
    for (const char *p = list->child[0].text; *p && strncmp(p, "For", 3) != 0 && strncmp(p, "LMHead", 6) != 0; p++) {
        if (n + 1 < sizeof c->model_type && strcmp(p, "Model") != 0) {
            c->model_type[n++] = (char)tolower((unsigned char)*p);
        } else {
            break;
        }
    }
    c->model_type[n] = '\0';
}

static int read_text_model(const struct node *top, const struct node *map, struct hf_config *c, struct diags *d)
{
    snprintf(c->model_type, sizeof c->model_type, "%s",
             word(top, "model_type")[0] ? word(top, "model_type") : word(map, "model_type"));
    if (c->model_type[0] == '\0') {
        type_of_class(top, c);
    }
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        const struct node *n = node_get(map, refused[i].key);
        if (n && !(n->kind == NODE_SCALAR && strcmp(n->text, "false") == 0)) {
            return diags_error(d, n->key_mark, NULL, "%s", refused[i].why);
        }
    }
    if (read_keys(map, c, d)) {
        return -1;
    }
    const struct node *blocks = node_get(map, "layers_block_type");
    if (c->layers == 0 && blocks && blocks->kind == NODE_SEQUENCE) {
        c->layers = blocks->n_children;
    }
    if (node_get(map, "encoder") && node_get(map, "decoder")) {
        return diags_error(d, map->mark, NULL, "an encoder and a decoder with configs of their own are not modelled");
    }
    int traits = family_traits(c, top, d);
    set_traits(map, top, traits, c);
    fill_defaults(map, traits, c, d);
    if (is_true(node_get(map, "is_encoder_decoder")) && read_source(map, traits, c, d)) {
        return -1;
    }
    c->sliding_kv_heads = c->sliding_kv_heads ? c->sliding_kv_heads : c->kv_heads;
    c->sliding_head_dim = c->sliding_head_dim ? c->sliding_head_dim : c->head_dim;
    c->sliding_v_head_dim = c->sliding_v_head_dim ? c->sliding_v_head_dim : c->sliding_head_dim;
    if (check(c, top, d) || set_kinds(map, c, d) || set_llama4(map, c, d) || set_experts(map, c, d) ||
        check(c, top, d)) {
        return -1;
    }
    count_kv(c);
    return 0;
}

static void warn_left_out(const struct node *root, struct diags *d)
{
    static const struct {
        const char *key, *what;
    } left_out[] = {
        {"index_topk", "the indexer of its sparse attention is not modelled: attention "
                       "is over the whole context"},
        {"num_nextn_predict_layers", "layers that predict further tokens are not modelled"},
        {"text_config", "only the text model is read"},
        {"sparse_attention_config", "its sparse attention is not modelled: attention is over the whole context"},
        {"hidden_size_per_layer_input", "embeddings of their own for each layer are not modelled"},
        {"vision_config", "the vision tower is not modelled"},
        {"audio_config", "the audio tower is not modelled"},
        {"quantization_config", "the stored number formats are not read: bits are the study's"},
    };
    for (size_t i = 0; i < sizeof left_out / sizeof *left_out; i++) {
        const struct node *n = node_get(root, left_out[i].key);
        if (n && n->kind == NODE_MAPPING) {
            diags_warning(d, n->key_mark, NULL, "%s", left_out[i].what);
        } else if (n && n->kind == NODE_SCALAR && strcmp(n->text, "null") != 0 && strcmp(n->text, "0") != 0) {
            diags_warning(d, n->key_mark, NULL, "%s", left_out[i].what);
        }
    }
}

static int read_root(const struct node *root, struct hf_config *out, struct diags *d)
{
    if (root->kind != NODE_MAPPING) {
        return diags_error(d, root->mark, NULL, "a config.json is a JSON object");
    }
    static const char *const places[] = {"text_config",
                                         "llm_config",
                                         "language_config",
                                         "llm_cfg",
                                         "thinker_config.text_config",
                                         "thinker_config.llm_config"};
    const struct node *text = NULL;
    warn_left_out(root, d);
    for (size_t i = 0; i < sizeof places / sizeof *places && text == NULL; i++) {
        const struct node *n = find(root, places[i]);
        if (n && n->kind == NODE_MAPPING) {
            text = n;
            snprintf(out->nested, sizeof out->nested, "%s", places[i]);
        }
    }
    if (text) {
        warn_left_out(text, d);
    }
    if (text && strcmp(out->nested, "text_config") != 0) {
        diags_warning(d, text->mark, NULL, "only the text model is read");
        return read_text_model(text, text, out, d);
    }
    return read_text_model(root, text ? text : root, out, d);
}

/* Python writes Infinity and NaN, which JSON has not: null of the same length, outside strings. */
static char *without_infinities(const char *text, size_t len)
{
    static const char *const words[] = {"-Infinity", "Infinity", "NaN"};
    char *copy = mem_strndup(text, len);
    bool quoted = false;
    for (char *c = copy; *c; c++) {
        if (*c == '"' && (c == copy || c[-1] != '\\')) {
            quoted = !quoted;
        }
        for (int i = 0; i < 3 && !quoted; i++) {
            size_t n = strlen(words[i]);
            if (strncmp(c, words[i], n) == 0) {
                memset(c, ' ', n);
                memcpy(c, n > 3 ? "null" : " 0 ", n > 3 ? 4 : 3);
            }
        }
    }
    return copy;
}

int hf_config_read(const char *name, const char *text, size_t len, struct hf_config *out, struct diags *d)
{
    const struct mark nowhere = {NULL, 0, 0, 0};
    memset(out, 0, sizeof *out);
    if (strncmp(text, "version https://git-lfs", 23) == 0) {
        return diags_error(d, nowhere, "fetch the file with 'git lfs pull'", "'%s' is a Git LFS pointer, not the file",
                           name);
    }
    if (memchr(text, '\0', len)) {
        return diags_error(d, nowhere, NULL, "'%s' is not a text file", name);
    }
    char *json = without_infinities(text, len);
    struct doc *doc = doc_read_text(name, json, strlen(json), d);
    int rc = doc ? read_root(&doc->root, out, d) : -1;
    doc_free(doc);
    mem_free(json);
    return rc;
}
