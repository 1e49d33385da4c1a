/* The text of a config.json: what is no JSON of it, and which of its parts are read: one model, or the two towers of CLIP and SigLIP. */
#include "base/diag.h"
#include "base/mem.h"
#include "sw/hf_read.h"
#include "sw/import.h"

#include <stdio.h>
#include <string.h>

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

static struct doc *open_config(const char *name, const char *text, size_t len, struct diags *d)
{
    const struct mark nowhere = {NULL, 0, 0, 0};
    if (import_is_pointer(name, text, len, d)) {
        return NULL;
    }
    if (memchr(text, '\0', len)) {
        diags_error(d, nowhere, NULL, "'%s' is not a text file", name);
        return NULL;
    }
    char *json = without_infinities(text, len);
    struct doc *doc = doc_read_text(name, json, strlen(json), d);
    mem_free(json);
    return doc;
}

int hf_config_read(const char *name, const char *text, size_t len, struct hf_config *out, struct diags *d)
{
    memset(out, 0, sizeof *out);
    struct doc *doc = open_config(name, text, len, d);
    int rc = doc ? hf_read_root(&doc->root, out, d) : -1;
    doc_free(doc);
    return rc;
}

/* CLIP and SigLIP: a text and a vision transformer whose results are compared. */
static bool has_towers(const struct node *root)
{
    const char *type = hf_word(root, "model_type");
    const struct node *text = node_get(root, "text_config"), *vision = node_get(root, "vision_config");
    return (strcmp(type, "clip") == 0 || strcmp(type, "siglip") == 0) && text && vision && text->kind == NODE_MAPPING &&
           vision->kind == NODE_MAPPING;
}

/* A tower may leave out its type, and then takes the class's numbers all the same. */
static int read_tower(const struct node *root, const char *key, const char *type, struct hf_config *out,
                      struct diags *d)
{
    const struct node *map = node_get(root, key);
    memset(out, 0, sizeof *out);
    snprintf(out->model_type, sizeof out->model_type, "%s", type);
    return hf_read_text_model(map, map, out, d);
}

int hf_config_read_towers(const char *name, const char *text, size_t len, struct hf_config tower[2],
                          int64_t *projection, struct diags *d)
{
    struct doc *doc = open_config(name, text, len, d);
    int rc = doc ? 0 : -1;
    if (doc && doc->root.kind == NODE_MAPPING && has_towers(&doc->root)) {
        bool clip = strcmp(hf_word(&doc->root, "model_type"), "clip") == 0;
        rc = read_tower(&doc->root, "text_config", clip ? "clip_text_model" : "siglip_text_model", &tower[0], d) ||
                     read_tower(&doc->root, "vision_config", clip ? "clip_vision_model" : "siglip_vision_model",
                                &tower[1], d) ||
                     hf_count(&doc->root, "projection_dim", projection, d)
                 ? -1
                 : 1;
        snprintf(tower[0].file_type, sizeof tower[0].file_type, "%s", hf_word(&doc->root, "model_type"));
        *projection = clip ? *projection ? *projection : 512 : 0;
    }
    doc_free(doc);
    return rc;
}
