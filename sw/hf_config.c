/* config.json of Hugging Face: keys by families, defaults by model type. */
#include "sw/hf_config.h"

#include "sw/hf_families.h"
#include "sw/hf_read.h"

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
    KEY(kv_heads, "num_key_value_heads", "num_kv_heads", "n_kv_heads", "n_kv_head", "n_head_kv", "head_num_kv",
        "multi_query_group_num", "num_query_groups", "attn_config.kv_n_heads"),
    KEY(head_dim, "head_dim", "attention_head_dim", "kv_channels", "d_kv"),
    KEY(v_head_dim, "v_head_dim"),
    KEY(vocab, "vocab_size", "padded_vocab_size", "n_vocab"),
    KEY(ffn, "intermediate_size", "n_inner", "ffn_hidden_size", "inter_size", "hidden_dim",
        "ffn_config.ffn_hidden_size", "ffn_dim", "d_ff", "d_inner", "decoder_ffn_dim"),
    KEY(experts, "num_local_experts", "n_routed_experts", "num_experts", "ffn_config.moe_num_experts"),
    KEY(top_k, "num_experts_per_tok", "num_experts_per_token", "experts_per_token", "ffn_config.moe_top_k", "moe_topk",
        "top_k_experts"),
    KEY(shared_experts, "n_shared_experts", "num_shared_experts"),
    KEY(moe_ffn, "moe_intermediate_size"),
    KEY(shared_ffn, "shared_expert_intermediate_size", "shared_intermediate_size",
        "moe_shared_expert_intermediate_size", "share_expert_dim"),
    KEY(moe_latent, "moe_latent_size", "routed_expert_hidden_size"),
    KEY(kda_heads, "linear_attn_config.num_heads", "linear_num_heads"),
    KEY(kda_dim, "linear_attn_config.head_dim", "linear_head_dim"),
    KEY(kda_conv, "linear_attn_config.short_conv_kernel_size"),
    KEY(residual_blocks, "attn_res_block_size"),
    KEY(kv_rank, "kv_lora_rank"),
    KEY(q_rank, "q_lora_rank"),
    KEY(rope_dim, "qk_rope_head_dim"),
    KEY(nope_dim, "qk_nope_head_dim"),
    KEY(index_heads, "index_n_heads"),
    KEY(index_dim, "index_head_dim"),
    KEY(index_topk, "index_topk"),
    KEY(out_groups, "o_groups"),
    KEY(out_rank, "o_lora_rank"),
    KEY(streams, "hc_mult"),
    KEY(sinkhorn, "hc_sinkhorn_iters"),
    KEY(hash_layers, "num_hash_layers"),
    KEY(window, "sliding_window", "attention_window_size", "local_attention"),
    KEY(rwkv_width, "attention_hidden_size"),
    KEY(lru_width, "lru_width"),
    KEY(lru_conv, "conv1d_width"),
    KEY(conv_cache, "conv_L_cache"),
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
    KEY(mamba_heads, "mamba_num_heads", "mamba_n_heads", "n_mamba_heads"),
    KEY(mamba_groups, "n_groups", "mamba_n_groups", "mamba_ngroups"),
    KEY(adapter_rank, "adapter_rank"),
    KEY(delta_keys, "linear_num_key_heads"),
    KEY(delta_values, "linear_num_value_heads"),
    KEY(delta_key_dim, "linear_key_head_dim"),
    KEY(delta_value_dim, "linear_value_head_dim"),
    KEY(delta_conv, "linear_conv_kernel_dim"),
    KEY(layer_input, "hidden_size_per_layer_input"),
    KEY(layer_vocab, "vocab_size_per_layer_input"),
    KEY(shared_kv, "num_kv_shared_layers"),
};

/* What is not modelled, and would be wrong if it were read as a plain transformer. */
static const struct {
    const char *key, *why;
} refused[] = {
    {"depths", "stages of different widths are not modelled: import the network as an ONNX file"},
    {"num_sparse_encoder_layers", "experts in an encoder and a decoder are not modelled"},
    {"backbone", "a network on top of a convolutional one is not modelled: import it as an ONNX file"},
    {"backbone_config", "a network on top of another is not modelled: import it as an ONNX file"},
    {"_class_name", "a part of a diffusion pipeline is not modelled: import it as an ONNX file"},
    {"lang_ids", "this is a generation config: it says nothing of the architecture"},
};

/* Types of layers that are no plain transformer's, with keys that look like one's. */
static const struct {
    const char *prefix, *why;
} refused_types[] = {
    {"rwkv5", "recurrences of RWKV-5 and later are not modelled"},
    {"rwkv6", "recurrences of RWKV-5 and later are not modelled"},
    {"rwkv7", "recurrences of RWKV-5 and later are not modelled"},
    {"mobilebert", "its bottlenecks are not modelled: import the network as an ONNX file"},
    {"squeezebert", "its grouped projections are not modelled: import the network as an ONNX file"},
    {"wav2vec2-", "its conformer layers are not modelled: import the network as an ONNX file"},
    {"data2vec-audio", "its convolutions of positions are not modelled: import the network as an ONNX file"},
    {"sew", "its squeezed sequences are not modelled: import the network as an ONNX file"},
    {"funnel", "pooling of tokens between layers is not modelled: import the network as an ONNX file"},
    {"reformer", "reversible layers with hashed attention are not modelled"},
    {"perceiver", "attention to latents is not modelled: import the network as an ONNX file"},
    {"fnet", "Fourier transforms in place of attention are not modelled"},
    {"gemma3n", "its alternating updates of several streams are not modelled"},
    {"led", "projections of their own for global tokens are not modelled: import the network as an ONNX file"},
    {"xlstm", "its recurrence is not modelled"},
    {"retnet", "its recurrence is not modelled"},
    {"minimax_text_01", "layers of lightning attention are not modelled"},
};

/* --- Numbers and words ---------------------------------------------------------------------- */

const struct node *hf_find(const struct node *map, const char *path)
{
    const char *dot = strchr(path, '.');
    if (dot == NULL) {
        return node_get(map, path);
    }
    char outer[48];
    snprintf(outer, sizeof outer, "%.*s", (int)(dot - path), path);
    return hf_find(node_get(map, outer), dot + 1);
}

bool hf_is_true(const struct node *n)
{
    return n && n->kind == NODE_SCALAR && strcmp(n->text, "true") == 0;
}

const char *hf_word(const struct node *map, const char *path)
{
    const struct node *n = hf_find(map, path);
    return n && n->kind == NODE_SCALAR ? n->text : "";
}

/* A whole number from 0; 0 when absent or null. */
int hf_count(const struct node *map, const char *path, int64_t *out, struct diags *d)
{
    const struct node *n = hf_find(map, path);
    *out = 0;
    if (n == NULL || n->kind == NODE_NULL ||
        (n->kind == NODE_SCALAR && (strcmp(n->text, "null") == 0 || n->text[0] == '\0'))) {
        return 0;
    }
    char *end = NULL;
    errno = 0;
    long long v = n->kind == NODE_SCALAR ? strtoll(n->text, &end, 10) : -1;
    if (end && strcmp(end, ".0") == 0) {
        end += 2;
    }
    if (errno || v < 0 || v > (int64_t)1 << 32 || end == NULL || *end != '\0') {
        return diags_error(d, n->mark, NULL, "'%s' must be a whole number from 0 to 2^32", path);
    }
    *out = v;
    return 0;
}

static int read_keys(const struct node *map, struct hf_config *c, struct diags *d)
{
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        int64_t value = 0;
        for (int a = 0; a < KEY_NAMES && keys[i].names[a] && value == 0; a++) {
            const struct node *n = hf_find(map, keys[i].names[a]);
            bool sound = n && n->kind == NODE_SEQUENCE && strcmp(keys[i].names[a], "conv_kernel") == 0;
            if (!sound && hf_count(map, keys[i].names[a], &value, d)) {
                return -1;
            }
        }
        memcpy((char *)c + keys[i].offset, &value, sizeof value);
    }
    return 0;
}

/* --- All of it ---------------------------------------------------------------------------------- */

static int check(const struct hf_config *c, const struct node *root, struct diags *d)
{
    if (c->layers < 1 || c->hidden < 1 || (c->heads < 1 && !c->mamba_state && !c->rwkv_width)) {
        return diags_error(d, root->mark, NULL,
                           "this file states no architecture: number of layers, width "
                           "and heads are needed");
    }
    if (c->vocab < 1 && !c->image && !(c->sound_layers && c->sound_head != HF_SOUND_LETTERS)) {
        return diags_error(d, root->mark, NULL, "this file does not state the size of its vocabulary");
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

/* The text model's own type where that is known, else the whole's, else the class's name. */
static void set_type(const struct node *top, const struct node *map, struct hf_config *c)
{
    const char *whole = hf_word(top, "model_type"), *text = hf_word(map, "model_type");
    int known = 0;
    if (text[0]) {
        hf_family(text, &known);
    }
    snprintf(c->model_type, sizeof c->model_type, "%s", known || !whole[0] ? text : whole);
    if (c->model_type[0] == '\0') {
        type_of_class(top, c);
    }
}

static int refuse(const struct node *map, const struct hf_config *c, struct diags *d)
{
    for (size_t i = 0; i < sizeof refused_types / sizeof *refused_types; i++) {
        if (strncmp(c->model_type, refused_types[i].prefix, strlen(refused_types[i].prefix)) == 0) {
            return diags_error(d, map->mark, NULL, "'%s': %s", c->model_type, refused_types[i].why);
        }
    }
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        const struct node *n = node_get(map, refused[i].key);
        if (n && n->kind != NODE_NULL &&
            !(n->kind == NODE_SCALAR && (strcmp(n->text, "false") == 0 || strcmp(n->text, "null") == 0))) {
            return diags_error(d, n->key_mark, NULL, "%s", refused[i].why);
        }
    }
    return 0;
}

int hf_read_text_model(const struct node *top, const struct node *map, struct hf_config *c, struct diags *d)
{
    if (c->model_type[0] == '\0') {
        set_type(top, map, c);
    }
    if (hf_has_stages(c)) {
        return hf_read_stages(map, c, d);
    }
    if (refuse(map, c, d) || read_keys(map, c, d)) {
        return -1;
    }
    hf_class_defaults(hf_word(map, "model_type")[0] ? hf_word(map, "model_type") : c->model_type, map, c, d);
    const struct node *blocks = node_get(map, "layers_block_type");
    if (c->layers == 0 && blocks && blocks->kind == NODE_SEQUENCE) {
        c->layers = blocks->n_children;
    }
    if (node_get(map, "encoder") && node_get(map, "decoder")) {
        return diags_error(d, map->mark, NULL, "an encoder and a decoder with configs of their own are not modelled");
    }
    int traits = hf_family_traits(c, map, top, d);
    hf_set_traits(map, top, traits, c);
    hf_fill_defaults(map, traits, c, d);
    if (hf_is_true(node_get(map, "is_encoder_decoder")) && hf_read_source(map, traits, c, d)) {
        return -1;
    }
    c->sliding_kv_heads = c->sliding_kv_heads ? c->sliding_kv_heads : c->kv_heads;
    c->sliding_head_dim = c->sliding_head_dim ? c->sliding_head_dim : c->head_dim;
    c->sliding_v_head_dim = c->sliding_v_head_dim ? c->sliding_v_head_dim : c->sliding_head_dim;
    if (hf_set_sound(map, top, c, d) || check(c, top, d) || hf_set_kinds(map, c, d) || hf_set_zamba(map, c, d) ||
        hf_set_kda(map, c, d) || hf_set_compressed(map, c, d) || hf_set_index(map, c, d) || hf_set_dense(map, c, d) ||
        hf_set_experts(map, c, d) || check(c, top, d)) {
        return -1;
    }
    hf_count_kv(c);
    return 0;
}

static void warn_left_out(const struct node *root, struct diags *d)
{
    static const struct {
        const char *key, *what;
    } left_out[] = {
        {"num_nextn_predict_layers", "layers that predict further tokens are not modelled"},
        {"text_config", "only the text model is read"},
        {"num_random_blocks", "its block-sparse attention is not modelled: attention is over the whole context"},
        {"sparse_attention_config", "its sparse attention is not modelled: attention is over the whole context"},
        {"vision_config", "the vision tower is not modelled"},
        {"do_segmentation", "the heads for coordinates, sizes and masks are not modelled"},
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

int hf_read_root(const struct node *root, struct hf_config *out, struct diags *d)
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
    snprintf(out->file_type, sizeof out->file_type, "%s", hf_word(root, "model_type"));
    warn_left_out(root, d);
    for (size_t i = 0; i < sizeof places / sizeof *places && text == NULL; i++) {
        const struct node *n = hf_find(root, places[i]);
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
        return hf_read_text_model(text, text, out, d);
    }
    return hf_read_text_model(root, text ? text : root, out, d);
}
