/* A shared library as an evaluator that speaks JSON lines (docs/evaluators.md). What it prints on standard output goes to standard error: it would
 * stand among the answers. */
#include "base/mem.h"
#include "base/strbuf.h"
#include "cli/evaluator_guard.h"
#include "experiments/dovetail_evaluator.h"

#include <dlfcn.h>
#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WHY 512

/* A request in the library's terms; texts belong to the document, or to `names`. */
struct unpacked {
    struct dovetail_value *value; /* design, then known */
    size_t n_values, cap_values;
    struct dovetail_layer *layer;
    size_t n_layers, cap_layers;
    char **name;
    size_t n_names, cap_names;
};

static void add_value(struct unpacked *u, const char *name, const json_t *v)
{
    MEM_GROW(u->value, u->n_values, u->cap_values);
    u->value[u->n_values++] = (struct dovetail_value){
        .name = name, .number = json_is_number(v) ? json_number_value(v) : (double)NAN, .text = json_string_value(v)};
}

/* {"bits": {"conv1": 8}} is "bits[conv1]". */
static void add_members(struct unpacked *u, const char *family, json_t *members)
{
    const char *member;
    json_t *v;
    json_object_foreach(members, member, v)
    {
        struct strbuf name = STRBUF_INIT;
        strbuf_addf(&name, "%s[%s]", family, member);
        MEM_GROW(u->name, u->n_names, u->cap_names);
        u->name[u->n_names] = strbuf_detach(&name);
        add_value(u, u->name[u->n_names++], v);
    }
}

static void add_values(struct unpacked *u, json_t *object)
{
    const char *name;
    json_t *v;
    json_object_foreach(object, name, v)
    {
        if (json_is_object(v)) {
            add_members(u, name, v);
        } else {
            add_value(u, name, v);
        }
    }
}

static void add_layers(struct unpacked *u, const json_t *list)
{
    size_t i;
    json_t *v;
    json_array_foreach(list, i, v)
    {
        MEM_GROW(u->layer, u->n_layers, u->cap_layers);
        u->layer[u->n_layers++] = (struct dovetail_layer){json_string_value(json_object_get(v, "name")),
                                                          (int)json_integer_value(json_object_get(v, "w_bits")),
                                                          (int)json_integer_value(json_object_get(v, "a_bits")),
                                                          json_string_value(json_object_get(v, "w_format")),
                                                          json_string_value(json_object_get(v, "w_per")),
                                                          (int)json_integer_value(json_object_get(v, "w_group"))};
    }
}

static void release(struct unpacked *u)
{
    for (size_t i = 0; i < u->n_names; i++) {
        mem_free(u->name[i]);
    }
    mem_free(u->name);
    mem_free(u->value);
    mem_free(u->layer);
}

/* One line of JSON. A number that is none is written as it prints, for Dovetail to refuse. */
static void print_answer(FILE *out, const struct dovetail_evaluator *e, const char *id, enum dovetail_result result,
                         const double *metric, const char *why)
{
    json_t *doc = json_pack("{s:s}", "id", id);
    if (result != DOVETAIL_OK) {
        json_object_set_new(doc, result == DOVETAIL_INFEASIBLE ? "infeasible" : "failed",
                            json_string(why[0] != '\0' ? why : "no reason given"));
    }
    char *text = json_dumps(doc, JSON_COMPACT);
    json_decref(doc);
    size_t n = strlen(text);
    fwrite(text, 1, n - 1, out);
    free(text);
    for (size_t i = 0; result == DOVETAIL_OK && e->metrics[i] != NULL; i++) {
        fprintf(out, ",\"%s\":%.17g", e->metrics[i], metric[i]);
    }
    fputs("}\n", out);
    fflush(out);
}

static void answer(FILE *out, const struct dovetail_evaluator *e, void *state, json_t *doc, double *metric)
{
    struct unpacked u = {0};
    add_values(&u, json_object_get(doc, "design"));
    add_values(&u, json_object_get(doc, "fixed"));
    size_t n_design = u.n_values;
    add_values(&u, json_object_get(doc, "known"));
    add_layers(&u, json_object_get(doc, "layers"));
    const char *id = json_string_value(json_object_get(doc, "id"));
    struct dovetail_request request = {
        .id = id != NULL ? id : "",
        .study = json_string_value(json_object_get(doc, "study")),
        .model = json_string_value(json_object_get(doc, "model")),
        .batch = json_integer_value(json_object_get(doc, "batch")),
        .design = u.value,
        .n_design = n_design,
        .known = u.value + n_design,
        .n_known = u.n_values - n_design,
        .layer = u.layer,
        .n_layers = u.n_layers,
    };
    for (size_t i = 0; e->metrics[i] != NULL; i++) {
        metric[i] = NAN;
    }
    char why[WHY] = "";
    enum dovetail_result result = e->evaluate(state, &request, metric, why, sizeof why);
    why[WHY - 1] = '\0';
    print_answer(out, e, request.id, result, metric, why);
    release(&u);
}

static void serve(FILE *out, const struct dovetail_evaluator *e, void *state)
{
    size_t n = 0;
    while (e->metrics[n] != NULL) {
        n++;
    }
    double *metric = mem_calloc(n + 1, sizeof *metric);
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;
    while ((len = getline(&line, &cap, stdin)) > 0) {
        json_t *doc = json_loadb(line, (size_t)len, 0, NULL);
        if (doc == NULL) {
            break;
        }
        answer(out, e, state, doc, metric);
        json_decref(doc);
    }
    free(line);
    mem_free(metric);
}

static void greet(FILE *out, const struct dovetail_evaluator *e)
{
    json_t *doc = json_pack("{s:i, s:s, s:s, s:[]}", "dovetail_evaluator", DOVETAIL_EVALUATOR_ABI, "name", e->name,
                            "version", e->version, "metrics");
    for (size_t i = 0; e->metrics[i] != NULL; i++) {
        json_array_append_new(json_object_get(doc, "metrics"), json_string(e->metrics[i]));
    }
    json_dumpf(doc, out, JSON_COMPACT);
    fputs("\n", out);
    fflush(out);
    json_decref(doc);
}

static const struct dovetail_evaluator *load(const char *path)
{
    struct strbuf full = STRBUF_INIT; /* without a slash dlopen() would look in the system's folders */
    strbuf_addf(&full, strchr(path, '/') != NULL ? "%s" : "./%s", path);
    void *library = dlopen(strbuf_str(&full), RTLD_NOW | RTLD_LOCAL);
    strbuf_release(&full);
    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return NULL;
    }
    const struct dovetail_evaluator *(*entry)(void);
    void *symbol = dlsym(library, "dovetail_evaluator_v1");
    if (symbol == NULL) {
        fprintf(stderr, "'%s' has no function dovetail_evaluator_v1: see dovetail_evaluator.h\n", path);
        return NULL;
    }
    memcpy(&entry, &symbol, sizeof entry);
    const struct dovetail_evaluator *e = entry();
    if (e == NULL || e->abi != DOVETAIL_EVALUATOR_ABI || e->name == NULL || e->version == NULL || e->metrics == NULL ||
        e->evaluate == NULL) {
        fprintf(stderr, "'%s' does not fill the table of interface version %d\n", path, DOVETAIL_EVALUATOR_ABI);
        return NULL;
    }
    return e;
}

int evaluator_library(int argc, char **argv)
{
    const struct dovetail_evaluator *e = argc == 1 ? load(argv[0]) : NULL;
    int answers = dup(STDOUT_FILENO);
    FILE *out = fdopen(answers, "w");
    dup2(STDERR_FILENO, STDOUT_FILENO);
    if (e == NULL || out == NULL) {
        return 1;
    }
    void *state = NULL;
    char why[WHY] = "";
    if (e->open != NULL && e->open(&state, why, sizeof why) != 0) {
        fprintf(stderr, "'%s' cannot begin: %.*s\n", argv[0], WHY - 1, why);
        fclose(out);
        return 1;
    }
    greet(out, e);
    serve(out, e, state);
    if (e->close != NULL) {
        e->close(state);
    }
    fclose(out);
    return 0;
}
