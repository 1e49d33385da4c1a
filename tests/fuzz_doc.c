/* Any bytes through the document reader, a schema with every kind of field, and the printing of what was wrong. The first byte
 * chooses YAML or JSON. A text is either read without an error or refused with one. */
#include "base/doc.h"
#include "base/mem.h"
#include "base/schema.h"
#include "base/strbuf.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libfyaml 0.7.12 keeps a buffer when it gives up inside of a nested flow collection. */
const char *__lsan_default_suppressions(void)
{
    return "leak:libfyaml";
}

struct inner {
    int64_t evaluations;
    double time;
};

struct study {
    char *name, *title;
    int64_t seed;
    double area, ratio;
    bool fast;
    int dataflow;
    struct inner budget;
    const struct node *space;
};

static const char *const dataflows[] = {"weight_stationary", "row_stationary", NULL};

static const struct field inner_fields[] = {
    {.key = "evaluations", .type = FIELD_INT, .offset = offsetof(struct inner, evaluations), .min = 1, .max = 1e9},
    {.key = "time", .type = FIELD_QUANTITY, .offset = offsetof(struct inner, time), .dim = &DIM_TIME},
};
static const struct schema inner_schema = {"budget", inner_fields, 2};

static const struct field study_fields[] = {
    {.key = "name", .type = FIELD_NAME, .offset = offsetof(struct study, name), .required = true},
    {.key = "title", .type = FIELD_STRING, .offset = offsetof(struct study, title)},
    {.key = "seed", .type = FIELD_INT, .offset = offsetof(struct study, seed)},
    {.key = "area", .type = FIELD_QUANTITY, .offset = offsetof(struct study, area), .dim = &DIM_AREA},
    {.key = "ratio", .type = FIELD_REAL, .offset = offsetof(struct study, ratio), .min = 0, .max = 1},
    {.key = "fast", .type = FIELD_BOOL, .offset = offsetof(struct study, fast)},
    {.key = "dataflow", .type = FIELD_CHOICE, .offset = offsetof(struct study, dataflow), .choices = dataflows},
    {.key = "budget", .type = FIELD_MAP, .offset = offsetof(struct study, budget), .sub = &inner_schema},
    {.key = "space", .type = FIELD_NODE, .offset = offsetof(struct study, space)},
};
static const struct schema study_schema = {"a study", study_fields, sizeof study_fields / sizeof *study_fields};

/* Every node is well formed. */
static void walk(const struct node *node, bool in_mapping)
{
    if ((node->key != NULL) != in_mapping || (node->text != NULL) != (node->kind == NODE_SCALAR) ||
        node->mark.line < 1 || node->mark.col < 1) {
        abort();
    }
    for (int i = 0; i < node->n_children; i++) {
        walk(&node->child[i], node->kind == NODE_MAPPING);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct diags d = DIAGS_INIT;
    struct strbuf sb = STRBUF_INIT;
    struct doc *doc = doc_read_text(data[0] == 'J' ? "f.json" : "f.yaml", (const char *)data + 1, size - 1, &d);
    if ((doc == NULL) != (d.n_errors > 0)) {
        abort();
    }
    if (doc) {
        struct study s = {0};
        walk(&doc->root, false);
        int rc = schema_read(&study_schema, &doc->root, &s, NULL, &d);
        if ((rc != 0) != (d.n_errors > 0)) {
            abort();
        }
        mem_free(s.name);
        mem_free(s.title);
    }
    diags_format(&d, size % 2, &sb);
    diags_json(&d, &sb);
    strbuf_release(&sb);
    doc_free(doc);
    diags_release(&d);
    return 0;
}
