/* What the classes of huggingface/transformers (Apache-2.0, src/transformers/models, configuration_*.py) take for numbers that a file leaves out. A
 * model of several modes writes of its text model only what differs from these. */
#include "base/diag.h"
#include "sw/hf_read.h"

#include <string.h>

static const struct {
    const char *type;
    int64_t layers, hidden, heads, kv_heads, head_dim, ffn, vocab; /* 0: by the usual rule */
} classes[] = {
    {"bert", 12, 768, 12, 0, 0, 3072, 30522},
    {"clip_text_model", 12, 512, 8, 0, 0, 2048, 49408},
    {"cohere", 40, 8192, 64, 0, 0, 22528, 256000},
    {"cohere2", 40, 8192, 64, 0, 0, 22528, 256000},
    {"gemma", 28, 3072, 16, 16, 256, 24576, 256000},
    {"gemma2", 26, 2304, 8, 4, 256, 9216, 256000},
    {"gemma3_text", 26, 2304, 8, 4, 256, 9216, 262208},
    {"gpt2", 12, 768, 12, 0, 0, 0, 50257},
    {"gpt_neox", 44, 6144, 64, 0, 0, 24576, 50432},
    {"llama", 32, 4096, 32, 0, 0, 11008, 32000},
    {"mistral", 32, 4096, 32, 8, 0, 14336, 32000},
    {"mixtral", 32, 4096, 32, 8, 0, 14336, 32000},
    {"mllama_text_model", 40, 4096, 32, 8, 0, 14336, 128256},
    {"opt", 12, 768, 12, 0, 0, 3072, 50272},
    {"persimmon", 36, 4096, 64, 0, 0, 16384, 262144},
    {"phi", 24, 2048, 32, 0, 0, 8192, 51200},
    {"phi3", 32, 3072, 32, 0, 0, 8192, 32064},
    {"qwen2", 32, 4096, 32, 32, 0, 22016, 151936},
    {"qwen2_moe", 24, 2048, 16, 16, 0, 5632, 151936},
    {"qwen2_vl_text", 80, 8192, 64, 8, 0, 29568, 152064},
    {"qwen3", 32, 4096, 32, 32, 128, 22016, 151936},
    {"siglip_text_model", 12, 768, 12, 0, 0, 3072, 32000},
    {"clip_vision_model", 12, 768, 12, 0, 0, 3072, 0},
    {"siglip_vision_model", 12, 768, 12, 0, 0, 3072, 0},
    {"stablelm", 32, 2560, 32, 32, 0, 6912, 50304},
};

static void absent(int64_t *value, int64_t usual)
{
    *value = *value ? *value : usual;
}

void hf_class_defaults(const char *type, const struct node *map, struct hf_config *c, struct diags *d)
{
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        if (strcmp(type, classes[i].type) == 0) {
            if (!c->layers || !c->hidden || !c->heads || (!c->vocab && classes[i].vocab)) {
                diags_warning(d, map->mark, NULL, "numbers that the file leaves out are those of the class of '%s'",
                              type);
            }
            bool plain = c->heads == 0; /* key heads follow the heads that a file states */
            absent(&c->layers, classes[i].layers);
            absent(&c->hidden, classes[i].hidden);
            absent(&c->heads, classes[i].heads);
            absent(&c->kv_heads, plain || classes[i].head_dim ? classes[i].kv_heads : 0);
            absent(&c->head_dim, classes[i].head_dim);
            absent(&c->ffn, classes[i].ffn);
            absent(&c->vocab, classes[i].vocab);
            bool texts = strstr(type, "_text_model") != NULL && node_get(map, "max_position_embeddings") == NULL;
            c->positions = !texts ? 0 : type[0] == 'c' ? 77 : type[0] == 's' ? 64 : 0;
            bool sees = strstr(type, "_vision_model") != NULL;
            absent(&c->image, sees ? 224 : 0);
            absent(&c->patch, !sees ? 0 : type[0] == 'c' ? 32 : 16);
        }
    }
}
