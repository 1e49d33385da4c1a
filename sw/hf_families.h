/* What a family of models is made of where its config.json is silent. Internal to hf_config.c. */
#ifndef SW_HF_FAMILIES_H
#define SW_HF_FAMILIES_H

enum hf_trait {
    HF_GATED = 1, /* whatever the activation is called */
    HF_LAYER_NORM = 1 << 1,
    HF_QKV_BIAS = 1 << 2,
    HF_ALL_BIAS = 1 << 3,
    HF_QK_NORM = 1 << 4,
    HF_TIED = 1 << 5, /* when the file does not say */
    HF_ENCODER = 1 << 6,
    HF_FOUR_NORMS = 1 << 7,
    HF_ONE_NORM = 1 << 8,
    HF_HALF_FFN = 1 << 9,   /* the file states both halves of the gated MLP together */
    HF_POSITIONS = 1 << 10, /* learned */
    HF_NO_NORM_BIAS = 1 << 11,
    HF_MLP_BIAS = 1 << 12,
    HF_HEAD_BIAS = 1 << 13,
    HF_EXPERT_BIAS = 1 << 14,
    HF_PLAIN = 1 << 15,  /* two matrices whatever the activation is called */
    HF_POOLER = 1 << 16, /* a linear layer on the first token */
    HF_OUT_BIAS = 1 << 17,
    HF_BARE_NORM = 1 << 18,        /* norms without parameters */
    HF_WIDE_QK_NORM = 1 << 19,     /* over all heads together */
    HF_SINKS = 1 << 20,            /* a learned score for nothing, one a head */
    HF_TWO_MORE = 1 << 21,         /* two positions more than the file says */
    HF_RELATIVE = 1 << 22,         /* tables of relative positions: buckets x heads */
    HF_NO_KEY_BIAS = 1 << 23,      /* Whisper */
    HF_EMBED_NORM = 1 << 24,       /* encoder and decoder: a norm after the embedding */
    HF_PRE_NORM = 1 << 25,         /* encoder and decoder: norms before the layers, and one at the end */
    HF_STORED_POSITIONS = 1 << 26, /* sines, but stored as parameters */
    HF_ROUTER_SHIFT = 1 << 27,     /* a number an expert, added to the router's choice alone */
    HF_NO_ROTARY = 1 << 28,
    HF_NO_OUT_BIAS = 1 << 29, /* also when the file says attention_bias */
};

/* By the longest prefix of the model type. *known: it is in the table. */
int hf_family(const char *model_type, int *known);

#endif
