/* What a config leaves to its family, and what single families do with keys of common names. */
#include "base/diag.h"
#include "sw/hf_families.h"
#include "sw/hf_read.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* A type that is not in the table is read by what its file shows: an encoder has types of tokens or a masked head; else it is a decoder. */
static int guess_traits(const struct node *map, const struct node *top)
{
    const struct node *list = node_get(top, "architectures");
    const char *class =
        list && list->kind == NODE_SEQUENCE && list->n_children > 0 && list->child[0].kind == NODE_SCALAR
            ? list->child[0].text
            : "";
    if (node_get(map, "type_vocab_size") || strstr(class, "ForMaskedLM")) {
        return HF_ENCODER | HF_LAYER_NORM | HF_ALL_BIAS | HF_POSITIONS;
    }
    return 0;
}

int hf_family_traits(const struct hf_config *c, const struct node *map, const struct node *top, struct diags *d)
{
    int known, traits = hf_family(c->model_type, &known);
    if (!known) {
        traits = guess_traits(map, top);
        diags_warning(d, top->mark, NULL,
                      c->model_type[0] == '\0' ? "there is no 'model_type'%s: read as a plain %s"
                                               : "model type '%s' is not known: read as a plain %s",
                      c->model_type, traits & HF_ENCODER ? "encoder" : "decoder");
    }
    return traits;
}

void hf_set_traits(const struct node *map, const struct node *top, int traits, struct hf_config *c)
{
    const char *acts[] = {hf_word(map, "hidden_act"), hf_word(map, "hidden_activation"),
                          hf_word(map, "activation_type"), hf_word(map, "ffn_config.ffn_act_fn.name")};
    const char *projection = hf_word(map, "feed_forward_proj"); /* T5 */
    c->gated = strncmp(projection, "gated", 5) == 0;
    for (int i = 0; i < 4; i++) {
        c->gated |= strcmp(acts[i], "silu") == 0 || strncmp(acts[i], "swiglu", 6) == 0 || strcmp(acts[i], "swish") == 0;
    }
    bool named = acts[0][0] || acts[1][0] || acts[2][0] || acts[3][0] || hf_word(map, "activation_function")[0];
    bool usual = !named && !(traits & (HF_LAYER_NORM | HF_RELATIVE)); /* the classes of Llama's form take silu */
    c->gated = (c->gated || usual || (traits & HF_GATED)) && !(traits & HF_PLAIN);
    c->rms = !(traits & HF_LAYER_NORM);
    c->norm_bias = (traits & HF_LAYER_NORM) && !(traits & HF_NO_NORM_BIAS);
    c->bare_norm = (traits & HF_BARE_NORM) != 0;
    bool attention_bias = hf_is_true(node_get(map, "attention_bias"));
    c->qkv_bias =
        (traits & (HF_QKV_BIAS | HF_ALL_BIAS)) != 0 || attention_bias || hf_is_true(node_get(map, "use_qkv_bias"));
    bool named_bias = hf_is_true(node_get(map, "bias"));
    bool bias = hf_is_true(node_get(map, "use_bias")) || (named_bias && strncmp(c->model_type, "falcon", 6) == 0);
    attention_bias |= bias || named_bias;
    c->qkv_bias |= attention_bias;
    c->out_bias = ((traits & (HF_ALL_BIAS | HF_OUT_BIAS)) != 0 || attention_bias) && !(traits & HF_NO_OUT_BIAS);
    c->mlp_bias = (traits & (HF_ALL_BIAS | HF_MLP_BIAS)) != 0 || hf_is_true(node_get(map, "mlp_bias")) || bias;
    c->no_key_bias = (traits & HF_NO_KEY_BIAS) != 0;
    c->head_bias = (traits & HF_HEAD_BIAS) != 0 || hf_is_true(node_get(map, "lm_head_bias"));
    c->router_bias = c->expert_bias = (traits & HF_EXPERT_BIAS) != 0;
    c->qk_norm = (traits & HF_QK_NORM) != 0 || hf_is_true(node_get(map, "qk_layernorm"));
    c->wide_qk_norm = (traits & HF_WIDE_QK_NORM) && strcmp(hf_word(map, "qk_norm_type"), "per_head") != 0;
    c->sinks = (traits & HF_SINKS) != 0;
    c->router_bias |= (traits & HF_ROUTER_SHIFT) || strcmp(hf_word(map, "topk_method"), "noaux_tc") == 0;
    c->shared_gate = strncmp(c->model_type, "qwen2_moe", 9) == 0 || node_get(map, "linear_num_value_heads") != NULL;
    c->pre_norm = (traits & HF_PRE_NORM) != 0;
    c->embed_norm = (traits & HF_EMBED_NORM) != 0;
    c->no_final_norm = node_get(map, "do_layer_norm_before") && !hf_is_true(node_get(map, "do_layer_norm_before"));
    c->norms = traits & HF_FOUR_NORMS ? 4 : traits & HF_ONE_NORM ? 1 : 2;
    c->encoder = (traits & HF_ENCODER) != 0;
    c->pooler = (traits & HF_POOLER) != 0;
    bool turned = strcmp(c->model_type, "modernbert") == 0 || strcmp(c->model_type, "nomic_bert") == 0;
    c->rotary =
        (!c->encoder || turned) && !(traits & (HF_POSITIONS | HF_NO_ROTARY | HF_RELATIVE | HF_STORED_POSITIONS));
    c->shared_layers = strcmp(c->model_type, "albert") == 0;
    const struct node *tie = node_get(map, "tie_word_embeddings");
    tie = tie ? tie : node_get(top, "tie_word_embeddings");
    c->tied = tie ? hf_is_true(tie) : (traits & HF_TIED) != 0;
    c->ffn /= traits & HF_HALF_FFN ? 2 : 1;
}

/* Tables of relative positions: T5 has one of buckets x heads in each stack, DeBERTa one as wide as the model, with a norm. */
static void read_relative(const struct node *map, int traits, struct hf_config *c, struct diags *d)
{
    if (!(traits & HF_RELATIVE)) {
        return;
    }
    int64_t buckets = 0, most = 0;
    hf_count(map, "relative_attention_num_buckets", &buckets, d);
    if (hf_is_true(node_get(map, "relative_attention"))) {
        hf_count(map, "position_buckets", &buckets, d);
        hf_count(map, "max_position_embeddings", &most, d);
        c->relative_width = c->hidden;
        c->relative = 2 * (buckets ? buckets : most);
        const struct node *input = node_get(map, "position_biased_input");
        c->positions = input && !hf_is_true(input) ? 0 : c->positions;
    } else {
        c->relative = (buckets ? buckets : 32) * c->heads;
    }
}

/* An encoder beside the decoder; the numbers read so far are the decoder's. */
int hf_read_source(const struct node *map, int traits, struct hf_config *c, struct diags *d)
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
            if (hf_count(map, fields[i].names[n], &value, d)) {
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

/* LFM2 states the width of an MLP of two matrices; the class takes 2/3 of it, up to a multiple. */
static void lfm2_width(const struct node *map, struct hf_config *c, struct diags *d)
{
    int64_t width = 0, multiple = 0;
    hf_count(map, "block_ff_dim", &width, d);
    hf_count(map, "block_multiple_of", &multiple, d);
    const struct node *adjust = node_get(map, "block_auto_adjust_ff_dim");
    const char *factor = hf_word(map, "block_ffn_dim_multiplier");
    c->ffn = width ? width : c->ffn;
    if ((adjust == NULL || hf_is_true(adjust)) && c->experts == 0) {
        double scaled = floor((double)(2 * c->ffn / 3) * (factor[0] ? strtod(factor, NULL) : 1.0));
        multiple = multiple ? multiple : 256;
        c->ffn = scaled > 0 && scaled < 1e12 ? ((int64_t)scaled + multiple - 1) / multiple * multiple : c->ffn;
    }
    c->conv_bias = hf_is_true(node_get(map, "conv_bias"));
}

/* A table a layer: one entry a head for each difference of rows and columns, three for the class token (H. Bao et al., arXiv:2106.08254). */
static void beit_details(const struct node *map, struct hf_config *c)
{
    int64_t side = c->patch > 0 ? c->image / c->patch : 0;
    bool tables = hf_is_true(node_get(map, "use_relative_position_bias"));
    c->layer_relative = tables && side > 0 && side < 1 << 12 ? (2 * side - 1) * (2 * side - 1) + 3 : 0;
    c->image_positions = hf_is_true(node_get(map, "use_absolute_position_embeddings"));
    const char *scale = hf_word(map, "layer_scale_init_value");
    c->vocab = c->image > 0 ? 0 : c->vocab; /* of the visual words that it learned from */
    c->layer_scale = scale[0] == '\0' || strtod(scale, NULL) > 0;
}

/* What single families do with keys of common names. */
static void family_details(const struct node *map, struct hf_config *c, struct diags *d)
{
    if (strcmp(c->model_type, "falcon") == 0) {
        bool new_form = hf_is_true(node_get(map, "new_decoder_architecture"));
        c->kv_heads = new_form ? c->kv_heads : hf_is_true(node_get(map, "multi_query")) ? 1 : c->heads;
        c->norms = !new_form && hf_is_true(node_get(map, "parallel_attn")) ? 1 : 2;
        c->rotary = !hf_is_true(node_get(map, "alibi"));
    }
    if (strncmp(c->model_type, "gemma4", 6) == 0) {
        int64_t wide = 0, few = 0;
        hf_count(map, "global_head_dim", &wide, d);
        hf_count(map, "num_global_key_value_heads", &few, d);
        c->sliding_head_dim = c->sliding_v_head_dim = c->head_dim;
        c->sliding_kv_heads = c->kv_heads;
        c->head_dim = c->v_head_dim = wide ? wide : c->head_dim;
        c->kv_heads = few ? few : c->kv_heads;
        c->keys_are_values = hf_is_true(node_get(map, "attention_k_eq_v"));
        c->wide_shared = hf_is_true(node_get(map, "use_double_wide_mlp"));
        c->shared_ffn = c->experts > 1 ? c->ffn : 0; /* a dense MLP beside the experts */
    }
    if (strcmp(c->model_type, "longformer") == 0) { /* a number, or one a layer: the first counts */
        const struct node *window = node_get(map, "attention_window");
        const struct node *one =
            window && window->kind == NODE_SEQUENCE && window->n_children > 0 ? &window->child[0] : window;
        c->window = one && one->kind == NODE_SCALAR ? strtoll(one->text, NULL, 10) : 512;
        c->window = c->window < 1 || c->window > 1 << 30 ? 512 : c->window;
        c->global_token = true;
    }
    if (strcmp(c->model_type, "zamba2") == 0) {
        c->rotary = hf_is_true(node_get(map, "use_mem_rope"));
        c->attention_adapter = hf_is_true(node_get(map, "use_shared_attention_adapter"));
    }
    if (strcmp(c->model_type, "xlnet") == 0) {
        c->distances = true;
        c->relative = c->hidden; /* the embedding of what is masked */
    }
    if (strcmp(c->model_type, "beit") == 0 || strcmp(c->model_type, "data2vec-vision") == 0) {
        beit_details(map, c);
    }
    if (strcmp(c->model_type, "falcon_h1") == 0) {
        const struct node *norm = node_get(map, "mamba_rms_norm");
        c->mamba_beside = true;
        c->mamba_no_norm = !norm || !hf_is_true(norm);
        hf_count(map, "mamba_d_ssm", &c->mamba_inner, d);
    }
    if (strcmp(c->model_type, "recurrent_gemma") == 0) {
        c->lru_width = c->lru_width ? c->lru_width : c->hidden;
        c->ffn /= 2; /* of both halves together */
        c->mlp_bias = c->out_bias = true;
    }
    if (strcmp(c->model_type, "rwkv") == 0) {
        c->rwkv_width = c->rwkv_width ? c->rwkv_width : c->hidden;
    }
    if (strncmp(c->model_type, "lfm2", 4) == 0) {
        lfm2_width(map, c, d);
    }
    if (strcmp(c->model_type, "molmo") == 0) {
        c->embedding = 0; /* `embedding_size` are the rows of the table */
    }
    if (c->vocab > 0) {
        c->image = 0; /* the key is of a vision tower */
    }
    if (strcmp(c->model_type, "falcon_mamba") == 0) {
        hf_count(map, "intermediate_size", &c->mamba_inner, d);
    }
    c->gated_attention =
        c->delta_values > 0 || hf_is_true(node_get(map, "mla_use_output_gate")); /* Qwen3-Next, Kimi K3 */
    c->kda_wide_gate = hf_is_true(hf_find(map, "linear_attn_config.use_full_rank_gate"));
    c->latent_norm = hf_is_true(node_get(map, "latent_moe_use_norm"));
    c->delta_conv = c->delta_conv ? c->delta_conv : c->kda_conv;
    c->kda_conv = c->kda_conv ? c->kda_conv : c->delta_conv ? c->delta_conv : 4;
    if (c->experts == 0 && c->shared_ffn > 0) { /* Granite 4 without experts: the shared MLP is all of it */
        c->ffn = c->shared_ffn;
        c->shared_ffn = 0;
    }
    if (strcmp(c->model_type, "mamba2") == 0) {
        c->mamba_heads = c->heads;
        c->heads = 0;
    }
}

/* Meta's params.json: 2/3 of four times the width, times a factor, up to a multiple (llama/model.py, FeedForward). 0: not that. */
static int64_t meta_width(const struct node *map, const struct hf_config *c, struct diags *d)
{
    int64_t multiple = 0;
    const char *factor = hf_word(map, "ffn_dim_multiplier");
    hf_count(map, "multiple_of", &multiple, d);
    double width =
        floor((double)(8 * c->hidden / 3) * (factor[0] && strcmp(factor, "null") ? strtod(factor, NULL) : 1.0));
    return multiple && width > 0 && width < 1e12 ? ((int64_t)width + multiple - 1) / multiple * multiple : 0;
}

void hf_fill_defaults(const struct node *map, int traits, struct hf_config *c, struct diags *d)
{
    bool one_kv = hf_is_true(node_get(map, "multi_query")) ||
                  strcmp(hf_word(map, "attn_config.attn_type"), "multiquery_attention") == 0;
    c->kv_heads = c->kv_heads ? c->kv_heads : one_kv ? 1 : c->heads;
    c->head_dim = c->head_dim ? c->head_dim : c->heads ? c->hidden / c->heads : 0;
    c->v_head_dim = c->v_head_dim ? c->v_head_dim : c->head_dim;
    int64_t ratio = 0;
    hf_count(map, "expansion_ratio", &ratio, d);
    c->ffn = c->ffn ? c->ffn : meta_width(map, c, d);
    c->ffn = c->ffn ? c->ffn : (ratio ? ratio : 4) * c->hidden;
    c->moe_ffn = c->moe_ffn ? c->moe_ffn : c->ffn;
    c->shared_ffn = c->shared_ffn ? c->shared_ffn : c->shared_experts * c->moe_ffn;
    if (traits & (HF_POSITIONS | HF_STORED_POSITIONS)) {
        static const char *const names[] = {"max_target_positions", "max_position_embeddings", "n_positions"};
        for (int i = 0; i < 3 && c->positions == 0; i++) {
            hf_count(map, names[i], &c->positions, d);
        }
        c->positions += c->positions && (traits & HF_TWO_MORE) ? 2 : 0;
    }
    const char *kind = hf_word(map, "position_embedding_type");
    if (strcmp(kind, "rotary") == 0 || strcmp(kind, "rope") == 0) { /* ESM-2 */
        c->positions = 0;
        c->rotary = true;
    }
    read_relative(map, traits, c, d);
    c->image_channels = c->image_channels ? c->image_channels : 3;
    const struct node *labels = node_get(map, "id2label");
    c->labels = labels && labels->kind == NODE_MAPPING ? labels->n_children : 2;
    if (labels == NULL && node_get(map, "num_labels")) {
        hf_count(map, "num_labels", &c->labels, d);
    }
    c->extra_tokens = strcmp(c->model_type, "deit") == 0 ? 2 : 1;
    c->image_positions = true;
    if (strncmp(c->model_type, "dinov2", 6) == 0) {
        c->layer_scale = c->mask_token = true;
        c->labels = labels ? c->labels : 0; /* the class without a head is the usual one */
    }
    if (strstr(c->model_type,
               "_vision_model")) { /* a tower without a head; CLIP's has no bias, but a norm before the layers */
        c->labels = 0;
        c->patch_norm = strncmp(c->model_type, "clip", 4) == 0;
        c->extra_tokens = c->patch_norm ? 1 : 0;
    }
    c->stated_kv_heads = c->kv_heads;
    c->stated_head_dim = c->head_dim;
    family_details(map, c, d);
    if (c->mamba_state) {
        int64_t expand = 0;
        hf_count(map, node_get(map, "mamba_expand") ? "mamba_expand" : "expand", &expand, d);
        int64_t head = 0;
        static const char *const widths[] = {"mamba_head_dim", "mamba_d_head", "mamba_headdim", "head_dim"};
        for (int i = 0; i < 4 && head == 0; i++) {
            hf_count(map, widths[i], &head, d);
        }
        c->mamba_inner = c->mamba_heads   ? c->mamba_heads * head
                         : c->mamba_inner ? c->mamba_inner
                                          : (expand ? expand : 2) * c->hidden;
    }
}
