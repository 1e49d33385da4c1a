/* The table of families: a row each, what the classes of huggingface/transformers (Apache-2.0, src/transformers/models) build. */
#include "sw/hf_families.h"

#include <string.h>

#define BERT (HF_ENCODER | HF_LAYER_NORM | HF_ALL_BIAS | HF_POSITIONS)
#define GPT (HF_LAYER_NORM | HF_ALL_BIAS | HF_TIED | HF_POSITIONS)
#define NEOX (HF_LAYER_NORM | HF_ALL_BIAS)
#define BART (HF_LAYER_NORM | HF_ALL_BIAS | HF_TIED | HF_POSITIONS | HF_TWO_MORE | HF_EMBED_NORM)
#define SEQ2SEQ (HF_LAYER_NORM | HF_ALL_BIAS | HF_TIED)

static const struct {
    const char *prefix;
    int traits;
} families[] = {
    {"albert", BERT | HF_POOLER},
    {"apertus", HF_QK_NORM | HF_PLAIN},
    {"arcee", HF_PLAIN},
    {"aya_vision", HF_LAYER_NORM | HF_NO_NORM_BIAS | HF_ONE_NORM | HF_TIED},
    {"baichuan", HF_GATED},
    {"bart", BART},
    {"beit", HF_ENCODER | HF_LAYER_NORM | HF_ALL_BIAS},
    {"bert", BERT | HF_POOLER},
    {"big_bird", BERT | HF_POOLER},
    {"biogpt", GPT | HF_TWO_MORE},
    {"blenderbot", SEQ2SEQ | HF_POSITIONS | HF_PRE_NORM},
    {"blenderbot-small", SEQ2SEQ | HF_POSITIONS | HF_EMBED_NORM},
    {"bloom", HF_LAYER_NORM | HF_ALL_BIAS | HF_TIED | HF_NO_ROTARY},
    {"camembert", BERT | HF_POOLER},
    {"chatglm", HF_GATED | HF_QKV_BIAS},
    {"clip", BERT},
    {"clip_vision_model", HF_ENCODER | HF_LAYER_NORM | HF_ALL_BIAS},
    {"codegen", HF_LAYER_NORM | HF_ONE_NORM | HF_MLP_BIAS | HF_HEAD_BIAS},
    {"cohere", HF_LAYER_NORM | HF_NO_NORM_BIAS | HF_ONE_NORM | HF_TIED},
    {"data2vec-text", BERT | HF_POOLER},
    {"dbrx", HF_LAYER_NORM | HF_NO_NORM_BIAS},
    {"deberta", BERT | HF_RELATIVE},
    {"deepseek", 0},
    {"deit", HF_ENCODER | HF_LAYER_NORM | HF_ALL_BIAS},
    {"dinov2", HF_ENCODER | HF_LAYER_NORM | HF_ALL_BIAS},
    {"distilbert", BERT},
    {"dots1", HF_QK_NORM},
    {"electra", BERT},
    {"ernie", BERT | HF_POOLER},
    {"ernie4_5", HF_TIED},
    {"esm", BERT},
    {"exaone", HF_GATED},
    {"exaone4", HF_QK_NORM},
    {"falcon", HF_LAYER_NORM | HF_TIED},
    {"falcon_h1", 0},
    {"falcon_mamba", 0},
    {"falcon_perception", HF_GATED},
    {"gemma", HF_GATED | HF_TIED},
    {"gemma2", HF_GATED | HF_TIED | HF_FOUR_NORMS},
    {"gemma3", HF_GATED | HF_TIED | HF_FOUR_NORMS | HF_QK_NORM},
    {"gemma4", HF_GATED | HF_TIED | HF_FOUR_NORMS | HF_QK_NORM},
    {"git", HF_LAYER_NORM | HF_ALL_BIAS | HF_POSITIONS},
    {"glm", HF_NO_OUT_BIAS},
    {"glm4", HF_NO_OUT_BIAS | HF_FOUR_NORMS},
    {"glm4_moe", HF_NO_OUT_BIAS | HF_ROUTER_SHIFT},
    {"glm_moe", HF_NO_OUT_BIAS},
    {"gpt2", GPT},
    {"bamba", 0},
    {"gpt_bigcode", GPT},
    {"gpt_neo", HF_LAYER_NORM | HF_TIED | HF_POSITIONS | HF_MLP_BIAS | HF_OUT_BIAS},
    {"gpt_neox", NEOX},
    {"gpt_oss", HF_ALL_BIAS | HF_EXPERT_BIAS | HF_SINKS},
    {"gptj", HF_LAYER_NORM | HF_ONE_NORM | HF_MLP_BIAS | HF_HEAD_BIAS},
    {"granite", 0},
    {"hunyuan", 0},
    {"internlm", HF_GATED},
    {"jais", HF_LAYER_NORM | HF_ALL_BIAS | HF_TIED | HF_NO_ROTARY},
    {"jamba", HF_NO_ROTARY},
    {"jetmoe", 0},
    {"kimi", 0},
    {"kimi_linear", HF_GATED | HF_ROUTER_SHIFT},
    {"layoutlm", BERT | HF_POOLER},
    {"lfm2", HF_GATED | HF_TIED | HF_QK_NORM},
    {"llama", 0},
    {"llava", 0},
    {"m2m_100", SEQ2SEQ | HF_PRE_NORM},
    {"mamba", HF_TIED},
    {"marian", SEQ2SEQ | HF_STORED_POSITIONS},
    {"mbart", BART | HF_PRE_NORM},
    {"mimo", 0},
    {"minicpm", HF_TIED},
    {"minicpm3", HF_TIED},
    {"minicpmv", 0},
    {"minimax", HF_QK_NORM | HF_WIDE_QK_NORM},
    {"ministral", 0},
    {"mistral", 0},
    {"mixtral", 0},
    {"mllama", 0},
    {"modernbert", HF_ENCODER | HF_LAYER_NORM | HF_NO_NORM_BIAS | HF_GATED},
    {"molmo", HF_GATED | HF_QKV_BIAS | HF_HALF_FFN},
    {"mpnet", BERT | HF_POOLER | HF_RELATIVE},
    {"mpt", HF_LAYER_NORM | HF_NO_NORM_BIAS | HF_TIED | HF_NO_ROTARY},
    {"mt5", HF_RELATIVE | HF_PRE_NORM},
    {"mvp", BART},
    {"nemotron", HF_LAYER_NORM | HF_PLAIN},
    {"nemotron-nas", 0},
    {"nemotron_h", HF_PLAIN},
    {"nomic_bert", HF_ENCODER | HF_LAYER_NORM | HF_GATED},
    {"nllb", SEQ2SEQ | HF_PRE_NORM},
    {"olmo", HF_BARE_NORM},
    {"olmo2", HF_QK_NORM | HF_WIDE_QK_NORM},
    {"olmo3", HF_QK_NORM | HF_WIDE_QK_NORM},
    {"olmoe", HF_QK_NORM | HF_WIDE_QK_NORM},
    {"opt", GPT | HF_TWO_MORE},
    {"orion", HF_LAYER_NORM},
    {"ov_mamba", HF_TIED},
    {"paligemma", HF_GATED | HF_TIED},
    {"pegasus", SEQ2SEQ | HF_PRE_NORM | HF_STORED_POSITIONS},
    {"persimmon", NEOX},
    {"phi", HF_LAYER_NORM | HF_ALL_BIAS | HF_ONE_NORM | HF_HEAD_BIAS},
    {"phi3", 0},
    {"phi4", 0},
    {"phimoe", HF_LAYER_NORM | HF_QKV_BIAS},
    {"plbart", BART},
    {"qwen", HF_GATED | HF_QKV_BIAS | HF_HALF_FFN},
    {"qwen2", HF_QKV_BIAS},
    {"qwen3", HF_QK_NORM},
    {"recurrent_gemma", HF_GATED | HF_TIED},
    {"roberta", BERT | HF_POOLER},
    {"rwkv", HF_LAYER_NORM | HF_NO_ROTARY},
    {"seed_oss", HF_QKV_BIAS | HF_NO_OUT_BIAS},
    {"siglip", BERT},
    {"siglip_vision_model", HF_ENCODER | HF_LAYER_NORM | HF_ALL_BIAS},
    {"smollm3", HF_TIED},
    {"stablelm", HF_LAYER_NORM},
    {"starcoder2", HF_LAYER_NORM | HF_TIED},
    {"t5", HF_RELATIVE | HF_PRE_NORM | HF_TIED},
    {"vit", HF_ENCODER | HF_LAYER_NORM | HF_ALL_BIAS},
    {"whisper", SEQ2SEQ | HF_POSITIONS | HF_PRE_NORM | HF_NO_KEY_BIAS},
    {"xglm", HF_LAYER_NORM | HF_ALL_BIAS | HF_TIED | HF_NO_ROTARY},
    {"xlm-roberta", BERT | HF_POOLER},
    {"xverse", 0},
    {"yi", 0},
};

int hf_family(const char *model_type, int *known)
{
    size_t best = 0;
    int traits = 0;
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        size_t n = strlen(families[i].prefix);
        if (n > best && strncmp(model_type, families[i].prefix, n) == 0) {
            best = n;
            traits = families[i].traits;
        }
    }
    *known = best > 0;
    return traits;
}
