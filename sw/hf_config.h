/* What a Hugging Face config.json says of a language or vision transformer, whatever its family calls it.
 *
 * Read by families of keys (`num_hidden_layers`, `n_layer`, `num_layers` ... are one number), then by what is known of the model type
 * where the file is silent (biases, gated MLP, tied embeddings). Sources of the defaults: the configuration classes of
 * huggingface/transformers (Apache-2.0). */
#ifndef SW_HF_CONFIG_H
#define SW_HF_CONFIG_H

#include "base/doc.h"

#include <stdint.h>

#define HF_LAYERS 1024
#define HF_RESIDUALS 64
#define HF_STAGES 8
#define HF_SOUND_LAYERS 8

enum hf_layer_kind {
    HF_ATTENTION,
    HF_SLIDING,
    HF_MAMBA,
    HF_MLP,
    HF_DELTA,
    HF_RWKV,
    HF_LRU,
    HF_CONV,
    HF_BOTH,
    HF_KDA,    /* Kimi Delta Attention */
    HF_ZAMBA,  /* Mamba-2 after a block that all such layers share, with adapters of their own */
    HF_SPARSE, /* DeepSeek-V4: a window, and compressed keys that an indexer chooses */
    HF_HEAVY,  /* DeepSeek-V4: a window, and compressed keys */
    HF_NOTHING
};

enum hf_stages_kind { HF_SWIN, HF_SWIN2, HF_CONVNEXT, HF_CONVNEXT2, HF_RESNET };

/* An image network in stages of different widths. */
struct hf_stages {
    int n; /* 0: it is not one */
    enum hf_stages_kind kind;
    int64_t depth[HF_STAGES], width[HF_STAGES], heads[HF_STAGES]; /* [n]; heads: Swin */
    int64_t window;                                               /* Swin: places along a side */
    double mlp_ratio;
    int64_t stem; /* ResNet: width before the stages */
    bool basic, first_halves,
        early; /* two 3x3 a layer; the first stage has a stride, too; a bottleneck's stride is in its first */
};

enum hf_sound_head { HF_SOUND_NOTHING, HF_SOUND_LETTERS, HF_SOUND_CLASSES };

struct hf_config {
    char model_type[48];
    char file_type[48]; /* what the file calls all of it; "" when it does not */
    char nested[32];    /* "text_config" when the text model stands there, else "" */
    int64_t layers, hidden, heads, kv_heads, head_dim, v_head_dim, vocab, ffn;
    int64_t stated_kv_heads,
        stated_head_dim; /* of the usual layer; Gemma 4 has others where a layer sees the whole context */
    bool gated;          /* three matrices in an MLP instead of two */
    bool rms;            /* RMS norm instead of layer norm */
    bool norm_bias;      /* layer norm with a bias */
    bool bare_norm;      /* norms without parameters */
    bool qkv_bias, out_bias, mlp_bias, head_bias;
    bool no_key_bias;   /* of the three, the keys have none */
    bool qk_norm;       /* norm of each head's queries and keys */
    bool wide_qk_norm;  /* over all heads together */
    bool rotary;        /* positions turn queries and keys */
    bool sinks;         /* a learned score for nothing, one a head */
    bool no_final_norm; /* before the head */
    int norms;          /* norms a layer: 1, 2 or 4 */
    bool tied;          /* the head is the embedding */
    bool shared_layers; /* all layers have the same weights (ALBERT) */
    bool encoder;       /* no KV cache, no head */
    bool pooler;
    int64_t positions;                    /* rows of a learned position table; 0: none */
    int64_t types;                        /* rows of the token type table */
    int64_t embedding;                    /* width of the embedding when it is not hidden (ALBERT) */
    int64_t image, patch, image_channels; /* vision transformer; image 0: text */
    int64_t labels;                       /* classes of a vision transformer */
    int64_t experts, top_k, shared_experts, moe_ffn, shared_ffn; /* experts 0: dense */
    bool router_bias, expert_bias;
    bool shared_gate;                            /* one number a token weighs the shared expert */
    bool dense_beside;                           /* llama4: dense layers have an MLP of their own width */
    int64_t kv_rank, q_rank, rope_dim, nope_dim; /* MLA; kv_rank 0: none; q_rank 0: queries are not compressed */
    int64_t index_heads, index_dim,
        index_topk;                    /* the indexer of sparse attention, and how many keys it chooses; 0: none */
    bool compressed;                   /* DeepSeek-V4's attention; its streams are > 0 then */
    int64_t sparse_ratio, heavy_ratio; /* tokens of a compressed key */
    int64_t out_groups, out_rank;      /* the output's projection in two steps */
    int64_t streams, sinkhorn;         /* of the residual; rounds by which their matrix is balanced */
    int64_t hash_layers;               /* so many first layers choose experts by a table of tokens */
    int64_t relative;                  /* entries of a table of relative positions, of each stack */
    int64_t relative_width;            /* DeBERTa: width of its table of relative positions, with a norm; else 0 */
    int64_t source_layers, source_heads, source_ffn; /* the encoder beside the decoder; 0: there is none */
    int64_t source_positions;                        /* rows of its position table */
    int64_t mel;                                     /* Whisper: features of a frame of sound; 0: text */
    bool pre_norm, embed_norm;                       /* of encoder and decoder */
    struct hf_stages stages;
    int sound_layers; /* convolutions on samples of sound; 0: it does not hear */
    int64_t sound_dim[HF_SOUND_LAYERS], sound_kernel[HF_SOUND_LAYERS], sound_stride[HF_SOUND_LAYERS];
    bool sound_norms, sound_bias;       /* each of them has a norm, not the first alone; has biases */
    bool sound_plain, sound_masked;     /* no norm before the projection; a vector for what is masked */
    int64_t place_kernel, place_groups; /* of the convolution that tells positions */
    enum hf_sound_head sound_head;
    bool gated_distances;                /* WavLM */
    int64_t shared_blocks, adapter_rank; /* Zamba2: blocks that take turns; 0: there are none */
    bool attention_adapter;              /* its queries, keys and values have adapters, too */
    bool global_token;                   /* Longformer */
    bool distances;                      /* XLNet */
    int64_t layer_relative;              /* entries of each layer's own table of relative positions (BEiT) */
    bool layer_scale;                    /* two vectors a layer (DINOv2) */
    bool patch_norm;      /* of a vision transformer: patches have no bias, but a norm before the layers (CLIP) */
    bool image_positions; /* of a vision transformer: learned, a vector a token */
    bool mask_token;      /* a vector more (DINOv2) */
    int64_t extra_tokens; /* of a vision transformer, beside the patches: class, distillation */
    int64_t window;       /* sliding window, tokens; 0: none */
    int64_t sliding_kv_heads, sliding_head_dim, sliding_v_head_dim;
    int64_t mamba_inner, mamba_state, mamba_conv, mamba_rank, mamba_heads, mamba_groups; /* mamba_heads > 0: Mamba-2 */
    int64_t delta_keys, delta_values, delta_key_dim, delta_value_dim,
        delta_conv;                       /* gated delta rule: heads and their widths */
    int64_t kda_heads, kda_dim, kda_conv; /* Kimi Delta Attention; kda_heads 0: none */
    bool kda_wide_gate;                   /* its gate is one matrix, not two of a head's width between */
    bool latent_norm;                     /* a norm where the routed experts' width begins */
    int64_t residual_blocks;     /* layers of a block whose sum later layers attend to (Kimi K3); 0: a plain residual */
    int64_t moe_latent;          /* width in which routed experts work, when it is not the model's; 0: it is */
    bool gated_attention;        /* the queries' projection makes a gate of the result, too */
    bool mamba_beside;           /* each layer has a recurrence beside its attention (Falcon-H1) */
    bool mamba_no_norm;          /* Mamba-2 without the norm before its last projection */
    int64_t rwkv_width;          /* RWKV-4; 0: not that */
    int64_t lru_width, lru_conv; /* recurrent units of Griffin */
    int64_t conv_cache;          /* taps of LFM2's short convolutions */
    bool conv_bias;
    bool keys_are_values;             /* layers that see the whole context have no projection of values (Gemma 4) */
    int64_t layer_input, layer_vocab; /* width and rows of the embedding that each layer has of its own; 0: none */
    int64_t shared_kv;                /* so many last layers read the keys and values of an earlier one of their kind */
    bool wide_shared;                 /* and have an MLP of twice the width */
    int64_t layer_kv[HF_LAYERS],
        layer_ffn[HF_LAYERS]; /* [layers] where a layer has another number of key heads, or width of its MLP; else 0 */
    uint8_t kind[HF_LAYERS];  /* [layers] enum hf_layer_kind */
    bool moe[HF_LAYERS];      /* [layers] this layer's MLP is a mixture of experts */
    bool mlp[HF_LAYERS];      /* [layers] this layer has an MLP */
    bool indexes[HF_LAYERS];  /* [layers] this layer's latent attention has an indexer of its own */
    int attention_layers;
    int64_t kv_elements_per_token; /* elements of keys and values that a token leaves, all layers, no window full yet */
};

/* From the file's text. 0, or -1 with errors in d: not a config, an architecture that is not modelled (named). Unknown model types and what is
 * left out are warnings. */
int hf_config_read(const char *name, const char *text, size_t len, struct hf_config *out, struct diags *d);

/* The same for CLIP and SigLIP: tower[0] reads text, tower[1] sees; *projection: width in which they are compared, 0: their own (SigLIP). 1; 0 when the
 * file is of another kind; -1 with errors. */
int hf_config_read_towers(const char *name, const char *text, size_t len, struct hf_config tower[2],
                          int64_t *projection, struct diags *d);

#endif
