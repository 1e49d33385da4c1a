/* What the files that read a config share: values of keys; the steps in which hf_config_layers.c fills the layers. Internal to them. */
#ifndef SW_HF_READ_H
#define SW_HF_READ_H

#include "sw/hf_config.h"

const struct node *hf_find(const struct node *map, const char *path); /* "a.b" goes into a map; NULL when absent */
bool hf_is_true(const struct node *n);
const char *hf_word(const struct node *map, const char *path); /* "" when absent */
/* A whole number from 0; 0 when absent or null. */
int hf_count(const struct node *map, const char *path, int64_t *out, struct diags *d);

/* Traits of hf_families.h; a type that is not known is a warning. */
int hf_family_traits(const struct hf_config *c, const struct node *map, const struct node *top, struct diags *d);
/* Numbers that the class of this type takes where the file is silent. */
void hf_class_defaults(const char *type, const struct node *map, struct hf_config *c, struct diags *d);
void hf_set_traits(const struct node *map, const struct node *top, int traits, struct hf_config *c);
void hf_fill_defaults(const struct node *map, int traits, struct hf_config *c, struct diags *d);
int hf_read_source(const struct node *map, int traits, struct hf_config *c,
                   struct diags *d); /* an encoder beside the decoder */

int hf_set_kinds(const struct node *map, struct hf_config *c, struct diags *d);
int hf_set_blocks(const struct node *map, struct hf_config *c, struct diags *d);     /* DeciLM */
int hf_set_compressed(const struct node *map, struct hf_config *c, struct diags *d); /* DeepSeek-V4 */
int hf_set_kda(const struct node *map, struct hf_config *c, struct diags *d);        /* Kimi Linear */
int hf_set_sound(const struct node *map, const struct node *top, struct hf_config *c, struct diags *d);
bool hf_has_stages(const struct hf_config *c);
int hf_read_stages(const struct node *map, struct hf_config *c, struct diags *d); /* all of such a model */
int hf_set_zamba(const struct node *map, struct hf_config *c, struct diags *d);   /* Zamba2 */
int hf_set_index(const struct node *map, struct hf_config *c, struct diags *d);
int hf_set_dense(const struct node *map, struct hf_config *c, struct diags *d);
int hf_set_experts(const struct node *map, struct hf_config *c, struct diags *d);
void hf_count_kv(struct hf_config *c);

/* A whole file's root; one model, whose keys stand in `map` and what they lack in `top`. c is zero, or has its type. */
int hf_read_root(const struct node *root, struct hf_config *out, struct diags *d);
int hf_read_text_model(const struct node *top, const struct node *map, struct hf_config *c, struct diags *d);

#endif
