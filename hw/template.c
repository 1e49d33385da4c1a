/* Loading of templates: a file, those that it extends, their parameters (changed one by one) and keys (the last file that has one wins). */
#include "hw/template.h"

#include "base/embed.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "base/suggest.h"
#include "hw/template_impl.h"

#include <stdio.h>
#include <string.h>

#define TEMPLATE_FOLDER "hw/templates/"
#define TECHNOLOGY_FOLDER "hw/technology/"
#define MAX_EXTENDS 8

/* The file, then what it extends, ... */
struct chain {
    struct doc *doc[MAX_EXTENDS];
    struct template_file file[MAX_EXTENDS];
    int n;
};

int template_list(char names[][HW_NAME], int max)
{
    int n, count = 0;
    const struct embed *all = embed_list(&n);
    size_t folder = strlen(TEMPLATE_FOLDER), ending = strlen(".yaml");
    for (int i = 0; i < n && count < max; i++) {
        size_t len = strlen(all[i].path);
        if (strncmp(all[i].path, TEMPLATE_FOLDER, folder) == 0 && len > folder + ending &&
            len - folder - ending < HW_NAME) {
            snprintf(names[count++], HW_NAME, "%.*s", (int)(len - folder - ending), all[i].path + folder);
        }
    }
    return count;
}

static bool is_path(const char *name)
{
    size_t n = strlen(name);
    return strchr(name, '/') != NULL || (n > 5 && strcmp(name + n - 5, ".yaml") == 0);
}

static struct doc *open_builtin(const char *name, struct mark at, struct diags *d)
{
    char path[sizeof TEMPLATE_FOLDER + HW_NAME + 8];
    snprintf(path, sizeof path, TEMPLATE_FOLDER "%.*s.yaml", HW_NAME, name);
    const struct embed *e = embed_find(path);
    if (e != NULL) {
        return doc_read_text(path, e->data, e->len, d);
    }
    char names[64][HW_NAME];
    const char *list[64];
    int n = template_list(names, 64);
    struct strbuf help = STRBUF_INIT;
    for (int i = 0; i < n; i++) {
        list[i] = names[i];
    }
    suggest_help(name, list, n, &help);
    diags_error(d, at, strbuf_str(&help), "no template '%s'", name);
    strbuf_release(&help);
    return NULL;
}

/* A path in a file is relative to that file. */
static struct doc *open_template(const char *name, const char *from, struct mark at, struct diags *d)
{
    if (!is_path(name)) {
        return open_builtin(name, at, d);
    }
    char *path = file_beside(from, name);
    struct doc *doc = doc_read_file(path, d);
    mem_free(path);
    return doc;
}

/* Takes over `doc`, reads its keys, goes on with what it extends. */
static void read_chain(struct chain *c, struct doc *doc, struct diags *d)
{
    while (doc != NULL) {
        c->doc[c->n] = doc;
        struct template_file *f = &c->file[c->n++];
        schema_read(&template_file_schema, &doc->root, f, NULL, d);
        const struct node *extends = node_get(&doc->root, "extends");
        if (f->extends == NULL || extends == NULL) {
            return;
        }
        if (c->n == MAX_EXTENDS) {
            diags_error(d, extends->mark, NULL, "more than %d templates extend each other, or one extends itself",
                        MAX_EXTENDS);
            return;
        }
        const char *from = extends->mark.source != NULL ? extends->mark.source->name : NULL;
        doc = open_template(f->extends, from, extends->mark, d);
    }
}

/* The keys of the first file that has each. */
static struct template_file merge(const struct chain *c)
{
    struct template_file all = c->file[0];
    for (int i = 1; i < c->n; i++) {
        const struct template_file *f = &c->file[i];
        all.technology = all.technology != NULL ? all.technology : f->technology;
        all.clock = all.clock != NULL ? all.clock : f->clock;
        all.voltage = all.voltage != NULL ? all.voltage : f->voltage;
        all.overhead = all.overhead != NULL ? all.overhead : f->overhead;
        all.levels = all.levels != NULL ? all.levels : f->levels;
        all.mac = all.mac != NULL ? all.mac : f->mac;
        all.vector = all.vector != NULL ? all.vector : f->vector;
        all.dataflows = all.dataflows != NULL ? all.dataflows : f->dataflows;
        all.dataflow = all.dataflow != NULL ? all.dataflow : f->dataflow;
        all.summary = all.summary != NULL ? all.summary : f->summary;
    }
    return all;
}

static void make_scope(struct template *t)
{
    t->symbol = mem_calloc((size_t)t->n_params, sizeof *t->symbol);
    for (int i = 0; i < t->n_params; i++) {
        const struct template_param *p = &t->param[i];
        enum value_kind kind = p->type == PARAM_BOOL     ? VALUE_BOOL
                               : p->type == PARAM_CHOICE ? VALUE_CHOICE
                                                         : VALUE_NUMBER;
        t->symbol[i] = (struct symbol){.name = p->name,
                                       .kind = kind,
                                       .dim = p->dim,
                                       .labels = (const char *const *)p->labels,
                                       .n_labels = p->n_labels,
                                       .slot = i};
    }
    t->scope = (struct scope){.symbols = t->symbol, .n = t->n_params, .what = "parameter"};
}

/* Of the files and of the technology tables: whatever can change what values build. */
static struct hash digest(const struct chain *c)
{
    struct strbuf all = STRBUF_INIT;
    int n;
    const struct embed *files = embed_list(&n);
    for (int i = 0; i < n; i++) {
        if (strncmp(files[i].path, TECHNOLOGY_FOLDER, strlen(TECHNOLOGY_FOLDER)) == 0) {
            strbuf_add(&all, files[i].data, files[i].len);
        }
    }
    for (int i = 0; i < c->n; i++) {
        const struct source *s = c->doc[i]->root.mark.source;
        strbuf_add(&all, s->text, s->len);
    }
    struct hash h = hash_bytes(strbuf_str(&all), all.len);
    strbuf_release(&all);
    return h;
}

struct hash template_digest(const struct template *t)
{
    return t->digest;
}

static void build_from(struct template *t, const struct chain *c, struct diags *d)
{
    for (int i = c->n - 1; i >= 0; i--) { /* the innermost base first: later files override */
        if (c->file[i].parameters != NULL) {
            template_read_params(t, c->file[i].parameters, d);
        }
    }
    struct template_file all = merge(c);
    t->name = mem_strdup(all.template != NULL ? all.template : "");
    t->summary = mem_strdup(all.summary != NULL ? all.summary : "");
    make_scope(t);
    template_read_plan(t, &all, d);
}

/* Takes over `doc`. */
static struct template *load(struct doc *doc, struct diags *d, int errors)
{
    struct chain c = {.n = 0};
    struct template *t = mem_alloc(sizeof *t);
    struct err err = ERR_INIT;
    t->tables = tables_load(&err);
    if (t->tables == NULL) {
        diags_error(d, (struct mark){0}, NULL, "%s", err.text);
    }
    read_chain(&c, doc, d);
    if (d->n_errors == errors) {
        t->digest = digest(&c);
        build_from(t, &c, d);
    }
    for (int i = 0; i < c.n; i++) {
        mem_free(c.file[i].template);
        mem_free(c.file[i].extends);
        mem_free(c.file[i].summary);
        doc_free(c.doc[i]);
    }
    if (d->n_errors > errors) {
        template_free(t);
        return NULL;
    }
    return t;
}

struct template *template_load(const char *name, struct diags *d)
{
    int errors = d->n_errors;
    return load(open_template(name, NULL, (struct mark){0}, d), d, errors);
}

struct template *template_read(const char *name, const char *text, size_t len, struct diags *d)
{
    int errors = d->n_errors;
    return load(doc_read_text(name, text, len, d), d, errors);
}

static void free_level(struct level_plan *l)
{
    struct expr *all[] = {l->when,  l->size,   l->width, l->banks, l->buffering, l->read,
                          l->write, l->shared, l->fan_x, l->fan_y, l->link};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        expr_free(all[i]);
    }
    mem_free(l->kind.text);
    for (int r = 0; r < TENSOR_ROLE_COUNT; r++) {
        mem_free(l->sparse[r].format.text);
        expr_free(l->sparse[r].field);
    }
}

void template_free(struct template *t)
{
    if (t == NULL) {
        return;
    }
    struct expr *all[] = {t->clock,  t->voltage, t->logic_overhead, t->sram_overhead,
                          t->w_bits, t->a_bits,  t->acc_bits,       t->lanes};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        expr_free(all[i]);
    }
    for (int i = 0; i < t->n_levels; i++) {
        free_level(&t->level[i]);
    }
    for (int i = 0; i < t->n_params; i++) {
        struct template_param *p = &t->param[i];
        for (int k = 0; k < p->n_labels; k++) {
            mem_free(p->labels[k]);
        }
        mem_free(p->labels);
        mem_free(p->name);
        mem_free(p->help);
    }
    mem_free(t->technology.text);
    mem_free(t->mac_kind.text);
    mem_free(t->dataflow_choice.text);
    mem_free(t->dataflow);
    mem_free(t->param);
    mem_free(t->symbol);
    mem_free(t->name);
    mem_free(t->summary);
    tables_free(t->tables);
    mem_free(t);
}

const char *template_name(const struct template *t)
{
    return t->name;
}

const char *template_summary(const struct template *t)
{
    return t->summary;
}

const struct template_param *template_params(const struct template *t, int *n)
{
    *n = t->n_params;
    return t->param;
}

const struct scope *template_scope(const struct template *t)
{
    return &t->scope;
}

void template_defaults(const struct template *t, double *values)
{
    for (int i = 0; i < t->n_params; i++) {
        values[i] = t->param[i].def;
    }
}
