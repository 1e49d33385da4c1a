/* Reading a study: the file and what it extends become one tree (overlay.h), schema tables read the tree (study_schema.c), names are resolved
 * (study_bind.c, study_space.c), and the result is hashed (study_hash.c). */
#include "experiments/study.h"

#include "base/embed.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "experiments/overlay.h"
#include "experiments/study_raw.h"

#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXTENDS_MAX 8

static void take_search(struct study *s, struct raw_study *raw)
{
    s->goal = (enum goal)raw->mapping.goal;
    s->mapper_budget = raw->mapping.budget;
    s->algorithm = mem_strdup(raw->search.algorithm != NULL ? raw->search.algorithm : "auto");
    s->evaluations = raw->search.budget.evaluations;
    s->stall = raw->search.budget.stall;
    s->time_s = raw->search.budget.time;
    s->population = raw->search.population;
    s->lag = raw->search.lag;
    s->seed = (uint64_t)raw->search.seed;
}

static struct study *read_root(const char *path, const struct node *root, struct diags *d)
{
    struct raw_study raw = {.workload = {.batch = 1,
                                         .bits = 8,
                                         .accuracy = {.kind = -1},
                                         .quantization = {.per = QUANTIZER_CHANNEL, .group = 64, .scale_bits = 16}},
                            .mapping = {.goal = GOAL_EDP, .budget = 0},
                            .search = {.budget = {.evaluations = 1000, .time = INFINITY}, .seed = 1},
                            .evaluator = {.timeout = 60, .startup = 60, .max_failures = 100, .model = true}};
    struct study *s = mem_calloc(1, sizeof *s);
    space_init(&s->space);
    s->path = mem_strdup(path);
    s->cores_slot = -1;
    int bad = schema_read(study_schema(), root, &raw, NULL, d);
    take_search(s, &raw);
    bad |= study_bind(s, &raw, root, d);
    s->name = raw.name;
    if (!bad && d->n_errors == 0) {
        struct strbuf text = STRBUF_INIT;
        overlay_print(root, 2, &text);
        s->resolved = strbuf_detach(&text);
        study_hash(s);
    }
    mem_free(raw.extends);
    mem_free(raw.workload.model);
    mem_free(raw.workload.accuracy.proxy);
    mem_free(raw.workload.accuracy.table);
    mem_free(raw.search.algorithm);
    study_evaluator_forget(&raw.evaluator);
    if (bad || d->n_errors > 0) {
        study_free(s);
        return NULL;
    }
    return s;
}

/* A study file, or an embedded study by its name. */
static struct doc *open_study(const char *path, struct diags *d)
{
    struct strbuf inside = STRBUF_INIT;
    strbuf_addf(&inside, "experiments/studies/%s.yaml", path);
    const struct embed *e =
        strchr(path, '/') == NULL && access(path, R_OK) != 0 ? embed_find(strbuf_str(&inside)) : NULL;
    struct doc *doc = e != NULL ? doc_read_text(strbuf_str(&inside), e->data, e->len, d) : doc_read_file(path, d);
    strbuf_release(&inside);
    return doc;
}

static bool same_file(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* The file that docs[n], read from `path`, extends; NULL: none, or an error in *bad: it is one of those read already. */
static char *extended(struct doc *const *docs, int n, const char *path, int *bad, struct diags *d)
{
    const struct node *extends = node_get(&docs[n]->root, "extends");
    char *base = extends != NULL && extends->kind == NODE_SCALAR ? file_beside(path, extends->text) : NULL;
    for (int i = n; base != NULL && i >= 0; i--) {
        if (same_file(base, docs[i]->root.mark.source->name)) {
            *bad = diags_error(d, extends->mark, NULL,
                               i == n ? "'%s' extends itself" : "'%s' extends, in the end, this file: a circle", base);
            mem_free(base);
            base = NULL;
        }
    }
    return base;
}

/* Puts the chain of `extends` together, the base first. Documents stay in docs[] until the study is read. */
static int open_chain(const char *path, struct doc **docs, int *n, struct diags *d)
{
    char *next = mem_strdup(path);
    int bad = 0;
    while (next != NULL && !bad) {
        if (*n == EXTENDS_MAX) {
            bad = diags_error(d, docs[*n - 1]->root.mark, NULL, "more than %d studies extend one another", EXTENDS_MAX);
            break;
        }
        docs[*n] = open_study(next, d);
        if (docs[*n] == NULL) {
            bad = -1;
            break;
        }
        char *base = extended(docs, *n, next, &bad, d);
        mem_free(next);
        next = base;
        (*n)++;
    }
    mem_free(next);
    return bad;
}

/* What it extended is in the tree now: the text of a resolved study stands alone. The children of a merged root are the overlay's own. */
static void drop_extends(struct node *root)
{
    for (int i = 0; i < root->n_children; i++) {
        if (strcmp(root->child[i].key, "extends") == 0) {
            root->n_children--;
            memmove(root->child + i, root->child + i + 1, (size_t)(root->n_children - i) * sizeof *root->child);
            return;
        }
    }
}

static struct study *read_chain(const char *path, struct doc **docs, int n, const struct study_override *set, int n_set,
                                struct diags *d)
{
    struct overlay o;
    struct doc *values[64] = {NULL};
    overlay_init(&o, &docs[n - 1]->root);
    for (int i = n - 2; i >= 0; i--) {
        overlay_merge(&o, &docs[i]->root, 2);
    }
    if (n > 1) {
        drop_extends(&o.root);
    }
    int bad = 0;
    for (int i = 0; i < n_set && i < 64; i++) {
        const char *source = set[i].source != NULL ? set[i].source : "--set";
        values[i] = doc_read_text(source, set[i].value, strlen(set[i].value), d);
        if (values[i] == NULL || overlay_set(&o, set[i].path, &values[i]->root) < 0) {
            bad = diags_error(d, o.root.mark, NULL, "cannot set '%s' to '%s'", set[i].path, set[i].value);
        }
    }
    struct study *s = bad ? NULL : read_root(path, &o.root, d);
    for (int i = 0; i < 64; i++) {
        doc_free(values[i]);
    }
    overlay_release(&o);
    return s;
}

struct study *study_load(const char *path, const struct study_override *set, int n_set, struct diags *d)
{
    struct doc *docs[EXTENDS_MAX];
    int n = 0;
    int bad = open_chain(path, docs, &n, d);
    struct study *s = bad ? NULL : read_chain(path, docs, n, set, n_set, d);
    for (int i = 0; i < n; i++) {
        doc_free(docs[i]);
    }
    return s;
}

struct study *study_parse(const char *name, const char *text, size_t len, const struct study_override *set, int n_set,
                          struct diags *d)
{
    struct doc *doc = doc_read_text(name, text, len, d);
    struct study *s = doc == NULL ? NULL : read_chain(name, &doc, 1, set, n_set, d);
    doc_free(doc);
    return s;
}

void study_free(struct study *s)
{
    if (s == NULL) {
        return;
    }
    for (int i = 0; i < s->n_families; i++) {
        struct study_family *f = &s->family[i];
        mem_free(f->name);
        mem_free(f->symbol_name);
        mem_free(f->level);
        mem_free(f->member);
        expr_free(f->when);
    }
    for (int i = 0; i < s->n_constraints; i++) {
        mem_free(s->constraint[i].text);
        mem_free(s->constraint[i].source);
        expr_free(s->constraint[i].expr);
    }
    space_release(&s->space);
    template_free(s->hardware);
    network_free(s->network);
    accuracy_free(s->accuracy);
    study_evaluator_free(s->evaluator);
    mem_free(s->family);
    mem_free(s->constraint);
    mem_free(s->symbol);
    mem_free(s->fixed);
    mem_free(s->name);
    mem_free(s->path);
    for (int i = 0; i < s->n_start; i++) {
        mem_free(s->start[i]);
    }
    mem_free(s->start);
    mem_free(s->algorithm);
    mem_free(s->resolved);
    mem_free(s);
}
