/* Hugging Face configs: parameters against formulas and published totals, cache per token, prefill and decode, refusals. Files made by us
 * with the published numbers of the models named. */
#include "base/diag.h"
#include "base/strbuf.h"
#include "sw/hf_config.h"
#include "sw/import.h"
#include "tests/run_suite.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#define LLAMA                                                                                                          \
    "\"model_type\": \"llama\", \"hidden_act\": \"silu\", \"hidden_size\": 2048, "                                     \
    "\"intermediate_size\": 8192, "                                                                                    \
    "\"num_attention_heads\": 32, \"num_hidden_layers\": 16, "                                                         \
    "\"num_key_value_heads\": 8, \"vocab_size\": 128256"
#define DEEPSEEK                                                                                                       \
    "\"model_type\": \"deepseek_v3\", \"hidden_act\": \"silu\", \"hidden_size\": "                                     \
    "7168, \"intermediate_size\": 18432, "                                                                             \
    "\"num_attention_heads\": 128, \"num_hidden_layers\": 61, \"kv_lora_rank\": 512, "                                 \
    "\"q_lora_rank\": 1536, "                                                                                          \
    "\"qk_nope_head_dim\": 128, \"qk_rope_head_dim\": 64, \"v_head_dim\": 128, "                                       \
    "\"n_routed_experts\": 256, "                                                                                      \
    "\"n_shared_experts\": 1, \"num_experts_per_tok\": 8, \"moe_intermediate_size\": "                                 \
    "2048, "                                                                                                           \
    "\"first_k_dense_replace\": 3, \"vocab_size\": 129280, \"tie_word_embeddings\": "                                  \
    "false"

static const struct {
    const char *what, *json;
    int64_t params;      /* published, or by the formula written beside it */
    int64_t kv_elements; /* a token */
    int warnings;
} models[] = {
    {"Llama-3.2-1B, tied: 1,235,814,400", "{" LLAMA ", \"tie_word_embeddings\": true, \"head_dim\": 64}", 1235814400,
     16 * 2 * 8 * 64, 0},
    {"BERT base: 109,482,240",
     "{\"model_type\": \"bert\", \"hidden_act\": \"gelu\", \"hidden_size\": 768, "
     "\"intermediate_size\": 3072, "
     "\"max_position_embeddings\": 512, \"num_attention_heads\": 12, "
     "\"num_hidden_layers\": 12, \"type_vocab_size\": 2, \"vocab_size\": 30522}",
     109482240, 0, 0},
    {"GPT-2, old names: 124,439,808",
     "{\"model_type\": \"gpt2\", \"activation_function\": \"gelu_new\", \"n_embd\": "
     "768, \"n_head\": 12, "
     "\"n_layer\": 12, \"n_positions\": 1024, \"vocab_size\": 50257}",
     124439808, 12 * 2 * 768, 0},
    {"Qwen2.5-7B, biased projections: 7,615,616,512",
     "{\"model_type\": \"qwen2\", \"hidden_act\": \"silu\", \"hidden_size\": 3584, "
     "\"intermediate_size\": 18944, \"num_attention_heads\": 28, "
     "\"num_hidden_layers\": 28, \"num_key_value_heads\": 4, "
     "\"vocab_size\": 152064, \"tie_word_embeddings\": false}",
     7615616512, 28 * 2 * 4 * 128, 0},
    {"Mixtral-8x22B: 140,620,634,112",
     "{\"model_type\": \"mixtral\", \"hidden_act\": \"silu\", \"hidden_size\": 6144, "
     "\"intermediate_size\": 16384, \"num_attention_heads\": 48, "
     "\"num_hidden_layers\": 56, \"num_key_value_heads\": 8, "
     "\"num_local_experts\": 8, \"num_experts_per_tok\": 2, \"vocab_size\": 32000, "
     "\"tie_word_embeddings\": false}",
     140620634112, 56 * 2 * 8 * 128, 0},
    {"DeepSeek-V3: 671.03 billion", "{" DEEPSEEK "}", 671026404352, 61 * (512 + 64), 0},
    {"Mamba-2.8B: 2.77 billion",
     "{\"model_type\": \"mamba\", \"hidden_act\": \"silu\", \"hidden_size\": 2560, "
     "\"num_hidden_layers\": 64, "
     "\"state_size\": 16, \"conv_kernel\": 4, \"expand\": 2, \"time_step_rank\": 160, "
     "\"vocab_size\": 50280}",
     2768345600, 0, 0},
    {"a letter a layer: attention, experts beside a shared one",
     "{\"model_type\": \"nemotron_h\", \"hidden_size\": 64, \"num_hidden_layers\": 2, \"hybrid_override_pattern\": "
     "\"*E\", "
     "\"num_attention_heads\": 4, \"num_key_value_heads\": 2, \"head_dim\": 16, \"n_routed_experts\": 4, "
     "\"num_experts_per_tok\": 2, \"moe_intermediate_size\": 32, \"moe_shared_expert_intermediate_size\": 48, "
     "\"vocab_size\": 100, \"tie_word_embeddings\": false}",
     2 * 6400 + 3 * 64 + 3 * 4096 + 64 * 4 + 4 * 2 * 64 * 32 + 2 * 64 * 48, 2 * 2 * 16, 0},
    {"the text model within the thinker, a class in place of a type",
     "{\"thinker_config\": {\"text_config\": {\"architectures\": [\"LlamaForCausalLM\"], \"hidden_act\": \"silu\", "
     "\"hidden_size\": 64, \"intermediate_size\": 96, \"num_attention_heads\": 4, \"num_hidden_layers\": 1, "
     "\"image_size\": 448, \"patch_size\": 14, \"vocab_size\": 100}}}",
     2 * 6400 + 3 * 64 + 4 * 4096 + 3 * 64 * 96, 2 * 64, 1},
    {"blocks of their own: attention with 2 key heads and an MLP; an MLP alone; attention alone; nothing",
     "{\"model_type\": \"nemotron-nas\", \"hidden_size\": 384, \"num_hidden_layers\": 4, \"num_attention_heads\": 4, "
     "\"hidden_act\": \"silu\", \"vocab_size\": 100, \"tie_word_embeddings\": false, \"block_configs\": ["
     "{\"attention\": {\"n_heads_in_group\": 2}, \"ffn\": {\"ffn_mult\": 2.0}}, "
     "{\"attention\": {\"no_op\": true}, \"ffn\": {\"ffn_mult\": 1.1}}, "
     "{\"attention\": {\"n_heads_in_group\": 4}, \"ffn\": {\"no_op\": true}}, "
     "{\"attention\": {\"no_op\": true}, \"ffn\": {\"no_op\": true}}]}",
     2 * 38400 + 384 + 2 * 384 + 2 * 384 * 384 + 2 * 384 * 192 + 3 * 384 * 512 + 384 + 3 * 384 * 512 + 384 +
         2 * 384 * 384 + 2 * 384 * 96,
     2 * 2 * 96 + 2 * 96, 0},
    {"Gemma 4: an embedding for each layer, keys of an earlier layer, a wide MLP there, keys that are the values",
     "{\"model_type\": \"gemma4_text\", \"hidden_size\": 64, \"num_hidden_layers\": 4, \"num_attention_heads\": 4, "
     "\"num_key_value_heads\": 2, \"head_dim\": 16, \"global_head_dim\": 32, \"num_global_key_value_heads\": 1, "
     "\"intermediate_size\": 96, \"vocab_size\": 100, \"tie_word_embeddings\": true, \"attention_k_eq_v\": true, "
     "\"use_double_wide_mlp\": true, \"num_kv_shared_layers\": 2, \"hidden_size_per_layer_input\": 8, "
     "\"vocab_size_per_layer_input\": 50, \"sliding_window\": 16, \"hidden_activation\": \"gelu_pytorch_tanh\", "
     "\"layer_types\": [\"sliding_attention\", \"full_attention\", \"sliding_attention\", \"full_attention\"]}",
     /* tables and norm; each layer's own input; four norms a layer; queries, outputs, their norms; keys; values; MLPs */
     6400 + 64 + 50 * 32 + 64 * 32 + 8 + 4 * (2 * 64 * 8 + 64) + 4 * 4 * 64 + 2 * 2 * 64 * 64 + 2 * 2 * 64 * 128 +
         2 * 16 + 2 * 32 + (64 * 32 + 16) + (64 * 32 + 32) + 64 * 32 + 2 * 3 * 64 * 96 + 2 * 3 * 64 * 192,
     2 * 2 * 16 + 2 * 32, 0},
    {"Kimi K3: delta attention and latent attention with gates, experts in a narrow space, blocks of layers that are "
     "attended to",
     "{\"model_type\": \"kimi_linear\", \"hidden_act\": \"situ\", \"hidden_size\": 64, \"num_hidden_layers\": 4, "
     "\"num_attention_heads\": 4, \"q_lora_rank\": 32, \"kv_lora_rank\": 16, \"qk_rope_head_dim\": 8, "
     "\"qk_nope_head_dim\": 16, \"v_head_dim\": 16, \"mla_use_output_gate\": true, \"num_experts\": 4, "
     "\"num_experts_per_token\": 2, \"num_shared_experts\": 1, \"moe_intermediate_size\": 24, "
     "\"routed_expert_hidden_size\": 40, \"latent_moe_use_norm\": true, \"first_k_dense_replace\": 1, "
     "\"intermediate_size\": 96, \"linear_attn_config\": {\"num_heads\": 2, \"head_dim\": 16, "
     "\"short_conv_kernel_size\": 4, \"use_full_rank_gate\": true, \"kda_layers\": [1, 2, 3], "
     "\"full_attn_layers\": [4]}, \"attn_res_block_size\": 2, \"vocab_size\": 100, \"tie_word_embeddings\": false}",
     2 * 6400 + 64 + 4 * 2 * 64 + 8 * 2 * 64 +
         3 * (3 * 64 * 32 + 3 * 32 * 4 + 64 * 16 + 16 * 32 + 64 * 2 + 64 * 32 + 2 + 32 + 16 + 32 * 64) +
         (64 * 32 + 32 + 32 * 4 * 24 + 64 * 24 + 16 + 16 * 4 * 32 + 2 * 64 * 64) + 3 * 64 * 96 +
         3 * (64 * 4 + 4 + 2 * 64 * 40 + 40 + 3 * 4 * 40 * 24 + 3 * 64 * 24),
     16 + 8, 0},
    {"Meta's params.json of Llama 3.1 8B: 8,030,261,248; it names no type",
     "{\"dim\": 4096, \"ffn_dim_multiplier\": 1.3, \"multiple_of\": 1024, \"n_heads\": 32, \"n_kv_heads\": 8, "
     "\"n_layers\": 32, \"vocab_size\": 128256}",
     8030261248, 32 * 2 * 8 * 128, 1},
    {"text model of two, a type not known, Infinity",
     "{\"model_type\": \"novel\", \"vision_config\": {}, \"limit\": [0.0, Infinity], "
     "\"text_config\": {" LLAMA ", \"tie_word_embeddings\": true}}",
     1235814400, 16 * 2 * 8 * 64, 2},
};

static struct network *import(const char *json, const struct network_arg *args, int n, int *warnings)
{
    struct diags d = DIAGS_INIT;
    struct strbuf text = STRBUF_INIT;
    struct network *net = import_hf("config.json", json, strlen(json), args, n, 1, &d);
    diags_format(&d, false, &text);
    ck_assert_msg(net != NULL, "%s", strbuf_str(&text));
    *warnings = d.n_warnings;
    strbuf_release(&text);
    diags_release(&d);
    return net;
}

START_TEST(parameters_and_cache)
{
    int warnings;
    struct network *net = import(models[_i].json, NULL, 0, &warnings);
    struct network_totals t;
    network_totals(net, &t);
    ck_assert_msg(t.weights + t.biases == models[_i].params, "%s: %lld", models[_i].what,
                  (long long)(t.weights + t.biases));
    ck_assert_msg(warnings == models[_i].warnings, "%s: %d warnings", models[_i].what, warnings);
    struct diags d = DIAGS_INIT;
    struct hf_config c;
    ck_assert_int_eq(hf_config_read("config.json", models[_i].json, strlen(models[_i].json), &c, &d), 0);
    ck_assert_msg(c.kv_elements_per_token == models[_i].kv_elements, "%s: %lld elements of keys and values",
                  models[_i].what, (long long)c.kv_elements_per_token);
    diags_release(&d);
    ck_assert_int_eq(c.kv_elements_per_token, models[_i].kv_elements);
    diags_release(&d);
    network_free(net);
}
END_TEST

/* MACs of Llama: all matrices once a token, the head once, scores and their use tokens x context. */
START_TEST(prefill_and_decode)
{
    static const int64_t step[][2] = {{128, 128}, {1, 4096}, {7, 100}};
    const int64_t matrices = 16 * (2048LL * (32 + 2 * 8) * 64 + 2048LL * 2048 + 3LL * 2048 * 8192);
    for (int i = 0; i < 3; i++) {
        const struct network_arg args[] = {{"tokens", step[i][0]}, {"context", step[i][1]}};
        int warnings;
        struct network *net = import(models[0].json, args, 2, &warnings);
        struct network_totals t;
        network_totals(net, &t);
        ck_assert_int_eq(t.macs, step[i][0] * matrices + 2048LL * 128256 + 16 * 2 * step[i][0] * step[i][1] * 2048);
        network_free(net);
    }
}
END_TEST

/* Folding the queries into the latent space changes the work, never the parameters. */
START_TEST(latent_attention_folds)
{
    const struct network_arg decode[] = {{"tokens", 1}, {"context", 4096}};
    int warnings;
    struct network *net = import("{" DEEPSEEK "}", decode, 2, &warnings);
    struct network_totals t;
    network_totals(net, &t);
    ck_assert_int_eq(t.weights + t.biases, models[5].params);
    const struct op *scores = &net->op[network_find_op(net, "layer.0.scores")];
    ck_assert_int_eq(einsum_macs(&scores->einsum), 128LL * 4096 * (512 + 64));
    const struct op *up = &net->op[network_find_op(net, "layer.60.expert_up")];
    ck_assert_int_eq(up->einsum.bound[einsum_dim(&up->einsum, "G")], 8); /* one token touches its 8 experts */
    ck_assert_int_eq(up->weights, 256LL * 7168 * 2048);
    ck_assert_int_eq(network_find_op(net, "layer.2.router"), -1);
    ck_assert_int_ge(network_find_op(net, "layer.3.router"), 0);
    network_free(net);
}
END_TEST

#define V4                                                                                                             \
    "\"model_type\": \"deepseek_v4\", \"hidden_act\": \"silu\", \"hidden_size\": 4096, \"num_hidden_layers\": 43, "    \
    "\"num_attention_heads\": 64, \"num_key_value_heads\": 1, \"head_dim\": 512, \"qk_rope_head_dim\": 64, "           \
    "\"q_lora_rank\": 1024, \"o_groups\": 8, \"o_lora_rank\": 1024, \"moe_intermediate_size\": 2048, "                 \
    "\"n_routed_experts\": 256, \"n_shared_experts\": 1, \"num_experts_per_tok\": 6, \"topk_method\": \"noaux_tc\", "  \
    "\"hc_mult\": 4, \"hc_sinkhorn_iters\": 20, \"num_hash_layers\": 3, \"sliding_window\": 128, "                     \
    "\"index_n_heads\": 64, \"index_head_dim\": 128, \"index_topk\": 512, \"vocab_size\": 129280, "                    \
    "\"tie_word_embeddings\": false, \"compress_ratios\": [0, 0, "                                                     \
    "4, 128, 4, 128, 4, 128, 4, 128, 4, 128, 4, 128, 4, 128, 4, 128, 4, 128, 4, 128, 4, 128, 4, 128, 4, 128, 4, 128, " \
    "4, 128, 4, 128, 4, 128, 4, 128, 4, 128, 4, 128, 4, 0]"

/* DeepSeek-V4-Flash: 284 billion parameters, 13 of them for a token, as published; both again by hand for one new token. */
static void flash(int64_t context, int64_t *params, int64_t *macs)
{
    const int64_t h = 4096, wide = 64 * 512, q = 1024, out = 8 * 1024, vocab = 129280, mix = (2 + 4) * 4;
    *params = 2 * vocab * h + h + 4 * 4 * h + 4 + 1;
    *macs = vocab * h + 4 * 4 * h;
    for (int layer = 0; layer < 43; layer++) {
        int64_t ratio = layer < 2 ? 0 : layer % 2 ? 128 : 4, keys = ratio ? context / ratio : 0;
        int64_t matrices = h * q + q * wide + h * 512 + wide * 1024 + out * h + 2 * mix * 4 * h + h * 256;
        int64_t vectors = q + 512 + 64 + 2 * h + 2 * (mix + 3) + (layer < 3 ? 0 : 256), products = 0;
        if (ratio == 128) {
            matrices += 2 * h * 512;
            vectors += 128 * 512 + 512;
        } else if (ratio == 4) {
            matrices += 2 * h * 1024 + 2 * h * 256 + q * 64 * 128 + h * 64;
            vectors += 4 * 1024 + 512 + 4 * 256 + 128;
            products = 64 * 128 * keys;
            keys = keys < 512 ? keys : 512;
        }
        keys += context < 128 ? context : 128;
        *params += matrices + vectors + 3 * h * 2048 * (256 + 1);
        *macs += matrices + products + 2 * wide * keys + 3 * h * 2048 * (6 + 1);
    }
}

START_TEST(compressed_keys)
{
    static const int64_t contexts[] = {1, 3, 100, 128, 4096, 1 << 20};
    for (int i = 0; i < 6; i++) {
        const struct network_arg decode[] = {{"tokens", 1}, {"context", contexts[i]}};
        int warnings;
        struct network *net = import("{" V4 "}", decode, 2, &warnings);
        struct network_totals t;
        int64_t params, macs;
        network_totals(net, &t);
        flash(contexts[i], &params, &macs);
        ck_assert_int_eq(params, 284332240471);
        ck_assert_int_eq(t.weights + t.biases, params);
        ck_assert_int_eq(t.macs, macs);
        ck_assert_int_eq(warnings, 0);
        network_free(net);
    }
    struct hf_facts facts;
    ck_assert_int_eq(import_hf_facts("c", "{" V4 "}", strlen("{" V4 "}"), &facts), 0);
    ck_assert_int_eq(facts.kv_elements_per_token, 43 * 512 + 21 * 128 + 20 * 4);
}
END_TEST

/* DeepSeek-V3.2: an indexer in each layer, as the list says in this one; its keys are no keys of the cache. */
START_TEST(an_indexer_chooses_keys)
{
    static const char json[] = "{" DEEPSEEK ", \"index_n_heads\": 64, \"index_head_dim\": 128, \"index_topk\": 2048, "
                               "\"index_topk_freq\": 4, \"index_skip_topk_offset\": 3}";
    const struct network_arg decode[] = {{"tokens", 1}, {"context", 4096}};
    const int64_t indexer = 1536 * 64 * 128 + 7168 * 128 + 2 * 128 + 7168 * 64;
    int warnings;
    struct network *net = import(json, decode, 2, &warnings);
    struct network_totals t;
    network_totals(net, &t);
    ck_assert_int_eq(t.weights + t.biases, models[5].params + (3 + 14) * indexer); /* 0, 1, 2, 6, 10 ... 58 */
    ck_assert_int_eq(einsum_macs(&net->op[network_find_op(net, "layer.6.index_scores")].einsum), 64LL * 128 * 4096);
    ck_assert_int_eq(einsum_macs(&net->op[network_find_op(net, "layer.5.scores")].einsum), 128LL * 2048 * (512 + 64));
    ck_assert_int_eq(network_find_op(net, "layer.5.index_scores"), -1);
    ck_assert_int_eq(warnings, 0);
    network_free(net);
}
END_TEST

START_TEST(windows_bound_what_is_seen)
{
    const char *json = "{\"model_type\": \"gpt_oss\", \"hidden_act\": \"silu\", \"hidden_size\": 64, "
                       "\"intermediate_size\": 64, \"num_attention_heads\": 4, "
                       "\"num_hidden_layers\": 2, \"vocab_size\": 100, \"sliding_window\": 16, "
                       "\"layer_types\": [\"sliding_attention\", \"full_attention\"]}";
    const struct network_arg decode[] = {{"tokens", 1}, {"context", 256}};
    int warnings;
    struct network *net = import(json, decode, 2, &warnings);
    ck_assert_int_eq(einsum_macs(&net->op[network_find_op(net, "layer.0.scores")].einsum), 64 * 16);
    ck_assert_int_eq(einsum_macs(&net->op[network_find_op(net, "layer.1.scores")].einsum), 64 * 256);
    network_free(net);
}
END_TEST

static const struct {
    const char *json;
    struct network_arg arg;
    const char *says;
} bad[] = {
    {"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 880\n",
     {NULL, 0},
     "is a Git LFS pointer, not the file"},
    {"[1, 2]", {NULL, 0}, "a config.json is a JSON object"},
    {"{\"a\": ", {NULL, 0}, "error"},
    {"{\"model_type\": \"novel\"}", {NULL, 0}, "this file states no architecture"},
    {"{\"lang_ids\": [1]}", {NULL, 0}, "this is a generation config"},
    {"{\"model_type\": \"t5\", \"is_encoder_decoder\": true, \"d_model\": 8}",
     {NULL, 0},
     "no number of layers of the encoder"},
    {"{\"is_encoder_decoder\": true, \"encoder\": {}, \"decoder\": {}}", {NULL, 0}, "with configs of their own"},
    {"{\"model_type\": \"rwkv6\", \"attention_hidden_size\": 8}", {NULL, 0}, "RWKV-5 and later are not modelled"},
    {"{\"model_type\": \"led\", \"vocab_size\": 9}", {NULL, 0}, "projections of their own for global tokens"},
    {"{\"model_type\": \"wav2vec2\", \"hidden_size\": 8, \"conv_dim\": [4, 4], \"conv_kernel\": [2]}",
     {NULL, 0},
     "'conv_kernel' must have a number for each of 2 convolutions"},
    {"{\"model_type\": \"hubert\", \"hidden_size\": 16, \"num_hidden_layers\": 1, \"num_attention_heads\": 1, "
     "\"conv_dim\": [4], \"conv_kernel\": [20], \"conv_stride\": [1]}",
     {"samples", 19},
     "19 samples are too few for its convolutions"},
    {"{\"model_type\": \"swin\", \"depths\": [1, 1]}", {NULL, 0}, "2 stages, but no 'num_heads' for each"},
    {"{\"model_type\": \"swin\", \"embed_dim\": 95}", {NULL, 0}, "stage 0: 3 heads do not divide its width of 95"},
    {"{\"model_type\": \"convnext\", \"depths\": [0, 1, 1, 1]}", {NULL, 0}, "'depths' has positive whole numbers"},
    {"{\"model_type\": \"clip\", \"text_config\": {}, \"vision_config\": {\"patch_size\": 500}}",
     {NULL, 0},
     "patches of 500 do not fit an image of 224"},
    {"{\"_class_name\": \"UNet2DConditionModel\"}", {NULL, 0}, "a part of a diffusion pipeline"},
    {"{\"model_type\": \"llama\", \"num_attention_heads\": 4, \"num_hidden_layers\": 1, \"hidden_size\": 64, "
     "\"block_configs\": [{\"attention\": {\"n_heads_in_group\": 3}, \"ffn\": {\"ffn_mult\": 1.0}}]}",
     {NULL, 0},
     "4 heads do not fall into groups of 3"},
    {"{\"model_type\": \"zamba2\", \"vocab_size\": 9, \"num_hidden_layers\": 1, \"hidden_size\": 64, "
     "\"num_attention_heads\": 4, \"layers_block_type\": [\"hybrid\"]}",
     {NULL, 0},
     "Zamba2 needs 'n_mamba_heads'"},
    {"{\"model_type\": \"zamba\", \"vocab_size\": 9, \"num_hidden_layers\": 1, \"hidden_size\": 64, "
     "\"num_attention_heads\": 4, \"layers_block_type\": [\"hybrid\"]}",
     {NULL, 0},
     "layers that share one attention block"},
    {"{" LLAMA ", \"compress_ratios\": [4]}", {NULL, 0}, "is modelled as DeepSeek-V4 has it"},
    {"{" V4 ", \"layer_types\": [\"compressed_sparse_attention\"]}", {NULL, 0}, "a word for each of 43 layers"},
    {"{\"model_type\": \"segformer\", \"depths\": [2, 2, 6, 2]}", {NULL, 0}, "import the network as an ONNX file"},
    {"{" LLAMA ", \"layer_types\": [\"linear_attention\"]}",
     {NULL, 0},
     "layers of linear attention of this kind are not modelled"},
    {"{" LLAMA ", \"linear_attn_config\": {\"num_heads\": 4}}", {NULL, 0}, "linear attention of this kind"},
    {"{" LLAMA ", \"linear_attn_config\": {\"kda_layers\": [1]}}", {NULL, 0}, "linear attention of 0 heads of width 0"},
    {"{" LLAMA ", \"num_experts_per_tok\": 9, \"num_local_experts\": 8}",
     {NULL, 0},
     "a token cannot take 9 of 8 experts"},
    {"{\"model_type\": \"llama\", \"hidden_size\": 64, \"num_hidden_layers\": 99999, "
     "\"num_attention_heads\": 1}",
     {NULL, 0},
     "99999 layers; at most 1024 are possible"},
    {"{\"model_type\": \"llama\", \"hidden_size\": 64, \"num_hidden_layers\": 1, "
     "\"num_attention_heads\": 6, \"num_key_value_heads\": 4}",
     {NULL, 0},
     "6 heads cannot share 4 key heads of width 10"},
    {"{\"model_type\": \"llama\", \"hidden_size\": \"wide\"}", {NULL, 0}, "'hidden_size' must be a whole number"},
    {"{\"model_type\": \"llama\", \"hidden_size\": 4294967297}", {NULL, 0}, "a whole number from 0 to 2^32"},
    {"{\"hidden_size\": 64}", {NULL, 0}, "there is no 'model_type': read as a plain decoder"},
    {"{" LLAMA "}", {"tokns", 3}, "this model has no parameter 'tokns'"},
    {"{" LLAMA "}", {"tokns", 3}, "it has tokens and context"},
    {"{" LLAMA "}", {"context", 3}, "128 tokens cannot attend to a context of 3"},
};

START_TEST(wrong_files_are_refused)
{
    struct diags d = DIAGS_INIT;
    struct strbuf text = STRBUF_INIT;
    ck_assert_ptr_null(
        import_hf("config.json", bad[_i].json, strlen(bad[_i].json), &bad[_i].arg, bad[_i].arg.name != NULL, 1, &d));
    diags_format(&d, false, &text);
    ck_assert_msg(strstr(strbuf_str(&text), bad[_i].says), "%s", strbuf_str(&text));
    strbuf_release(&text);
    diags_release(&d);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hf");
    TCase *tc = tcase_create("hf");
    tcase_add_loop_test(tc, parameters_and_cache, 0, (int)(sizeof models / sizeof *models));
    tcase_add_test(tc, prefill_and_decode);
    tcase_add_test(tc, latent_attention_folds);
    tcase_add_test(tc, compressed_keys);
    tcase_add_test(tc, an_indexer_chooses_keys);
    tcase_add_test(tc, windows_bound_what_is_seen);
    tcase_add_loop_test(tc, wrong_files_are_refused, 0, (int)(sizeof bad / sizeof *bad));
    suite_add_tcase(suite, tc);
    return run_suite(suite, CK_FORK_GETENV);
}
