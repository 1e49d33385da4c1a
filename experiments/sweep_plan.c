/* From a command line to tasks: every value alone, so that its errors are told once; then every combination, which gives the text of its tasks. */
#include "experiments/sweep.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "experiments/island.h"
#include "experiments/overlay.h"
#include "experiments/record.h"
#include "experiments/sweep_axis.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COPY_MAX ((size_t)64 << 20) /* larger files stay where they are */

static const struct mark nowhere;

/* The overrides of one combination: the request's, then a value of each axis. Texts live in `text`. */
struct combination {
    struct study_override *set;
    int n;
    struct strbuf text;
    size_t *at; /* of each text: the buffer moves */
};

static void combination_init(struct combination *c, const struct sweep *s, const struct sweep_request *r,
                             const int *value)
{
    *c = (struct combination){.text = STRBUF_INIT};
    c->set = mem_calloc((size_t)(r->n_set + s->n_axes) + 1, sizeof *c->set);
    c->at = mem_calloc(2 * (size_t)s->n_axes + 1, sizeof *c->at);
    memcpy(c->set, r->set, (size_t)r->n_set * sizeof *c->set);
    for (int a = 0; a < s->n_axes; a++) {
        if (value[a] >= 0) {
            c->at[2 * a] = c->text.len;
            sweep_axis_value(&s->axis[a], value[a], &c->text);
            strbuf_add(&c->text, "", 1);
            c->at[2 * a + 1] = c->text.len;
            strbuf_addf(&c->text, "--over %s=%s", s->axis[a].name, s->axis[a].value[value[a]]);
            strbuf_add(&c->text, "", 1);
        }
    }
    c->n = r->n_set;
    for (int a = 0; a < s->n_axes; a++) {
        if (value[a] >= 0) {
            c->set[c->n++] =
                (struct study_override){s->axis[a].path, c->text.buf + c->at[2 * a], c->text.buf + c->at[2 * a + 1]};
        }
    }
}

static void combination_release(struct combination *c)
{
    mem_free(c->set);
    mem_free(c->at);
    strbuf_release(&c->text);
}

/* Which values cause the errors from `before` on, unless they say it themselves. */
static void say_with(const struct sweep *s, const int *value, int before, struct diags *d)
{
    struct strbuf with = STRBUF_INIT;
    int n = 0;
    for (int a = 0; a < s->n_axes; a++) {
        if (value[a] >= 0) {
            strbuf_addf(&with, " --over %s=%s", s->axis[a].name, s->axis[a].value[value[a]]);
            n++;
        }
    }
    const struct source *source = d->n > before ? d->list[before].mark.source : NULL;
    if (n > 1 || source == NULL || strncmp(source->name, "--over ", 7) != 0) {
        diags_note(d, nowhere, NULL, "with%s", strbuf_str(&with));
    }
    strbuf_release(&with);
}

/* The study with value[a] of each axis (-1: without it). Its warnings are the base study's and not told again; its errors are, with the values
 * that cause them. */
static struct study *load(const struct sweep *s, const struct sweep_request *r, const int *value, struct diags *d)
{
    struct combination c;
    struct diags quiet = DIAGS_INIT;
    combination_init(&c, s, r, value);
    struct study *study = study_load(r->study, c.set, c.n, &quiet);
    if (study == NULL) {
        int before = d->n;
        study_free(study_load(r->study, c.set, c.n, d));
        say_with(s, value, before, d);
    }
    diags_release(&quiet);
    combination_release(&c);
    return study;
}

/* ---- what can be united ---- */

/* All that merging asks to be equal (db_tools.h), as text. */
static void group_key(const struct study *s, struct strbuf *out)
{
    char hex[HASH_HEX];
    hash_hex(s->model_hash, hex);
    strbuf_addf(out, "%s\n", hex);
    for (int i = 0; i < s->n_families; i++) {
        const struct study_family *f = &s->family[i];
        strbuf_addf(out, "%s %d %d %d\n", f->name, (int)f->kind, (int)f->per, f->slot);
    }
    for (int i = 0; i < s->n_objectives; i++) {
        strbuf_addf(out, "%d %d\n", (int)s->objective[i].metric, s->objective[i].maximise);
    }
    for (int i = 0; i < s->n_constraints; i++) {
        strbuf_addf(out, "%s\n", s->constraint[i].text);
    }
}

struct groups {
    char **key;
    int n, cap;
};

static int find_group(struct groups *g, const struct study *s)
{
    struct strbuf key = STRBUF_INIT;
    group_key(s, &key);
    for (int i = 0; i < g->n; i++) {
        if (strcmp(g->key[i], strbuf_str(&key)) == 0) {
            strbuf_release(&key);
            return i;
        }
    }
    MEM_GROW(g->key, g->n, g->cap);
    g->key[g->n] = strbuf_detach(&key);
    return g->n++;
}

/* ---- files ---- */

static char *absolute(const char *path)
{
    char here[4096];
    struct strbuf out = STRBUF_INIT;
    if (path[0] != '/' && getcwd(here, sizeof here) != NULL) {
        strbuf_addf(&out, "%s/", here);
    }
    strbuf_adds(&out, strncmp(path, "./", 2) == 0 ? path + 2 : path);
    return strbuf_detach(&out);
}

static bool ends_in(const char *path, const char *ending)
{
    size_t n = strlen(path), e = strlen(ending);
    return n > e && strcmp(path + n - e, ending) == 0;
}

/* Entries of external_data in an ONNX file have a key "location": field 1, 8 bytes. */
static bool has_external_data(const char *path)
{
    size_t len;
    struct err err = ERR_INIT;
    char *text = file_read(path, COPY_MAX, &len, &err);
    bool has = text != NULL && memmem(text, len, "\n\010location", 10) != NULL;
    mem_free(text);
    return has;
}

/* A file that names others beside it stays where it is: a template that extends one of the user's, weights apart from their model. */
static bool names_others(const char *path)
{
    if (ends_in(path, ".onnx")) {
        return has_external_data(path);
    }
    struct diags d = DIAGS_INIT;
    struct doc *doc = ends_in(path, ".yaml") ? doc_read_file(path, &d) : NULL;
    const struct node *extends = doc != NULL ? node_get(&doc->root, "extends") : NULL;
    bool others = extends != NULL && extends->kind == NODE_SCALAR && strpbrk(extends->text, "./") != NULL;
    doc_free(doc);
    diags_release(&d);
    return others;
}

/* The name in DIR/files of a file, which is its own or, when another has that, with a number before it. */
static const char *adopt(struct sweep *s, const char *from)
{
    const char *slash = strrchr(from, '/');
    const char *base = slash != NULL ? slash + 1 : from;
    bool taken = false;
    for (int i = 0; i < s->n_files; i++) {
        if (strcmp(s->file[i].from, from) == 0) {
            return s->file[i].name;
        }
        taken |= strcmp(s->file[i].name, base) == 0;
    }
    struct strbuf name = STRBUF_INIT;
    if (taken) {
        strbuf_addf(&name, "%d-", s->n_files);
    }
    strbuf_adds(&name, base);
    MEM_GROW(s->file, s->n_files, s->cap_files);
    s->file[s->n_files] = (struct sweep_file){mem_strdup(from), strbuf_detach(&name)};
    return s->file[s->n_files++].name;
}

/* Where task studies find what `text` names: a copy in DIR/files (`copy`), or the same place by its whole path. NULL: it names no file. */
static char *new_place(struct sweep *s, const char *text, bool copy)
{
    struct stat st;
    if (strpbrk(text, "./") == NULL || stat(text, &st) != 0) {
        return NULL;
    }
    if (!copy || !S_ISREG(st.st_mode) || (size_t)st.st_size > COPY_MAX || names_others(text)) {
        return absolute(text);
    }
    struct strbuf out = STRBUF_INIT;
    strbuf_addf(&out, "%s/files/%s", s->dir, adopt(s, text));
    return strbuf_detach(&out);
}

/* Scalars at or below a node of the study's own tree. */
static void move_files(struct sweep *s, struct node *at, bool copy)
{
    for (int i = 0; i < at->n_children; i++) {
        move_files(s, &at->child[i], copy);
    }
    char *place = at->kind == NODE_SCALAR ? new_place(s, at->text, copy) : NULL;
    if (place != NULL) {
        mem_free(at->text);
        at->text = place;
    }
}

static struct node *child_of(struct node *m, const char *key)
{
    for (int i = 0; m != NULL && i < m->n_children; i++) {
        if (m->child[i].key != NULL && strcmp(m->child[i].key, key) == 0) {
            return &m->child[i];
        }
    }
    return NULL;
}

/* The keys of a study that may name files. Programs stay where they are: they may need what lies beside them. */
static void move_all_files(struct sweep *s, struct node *root)
{
    static const struct {
        const char *group, *key;
        bool copy;
    } keys[] = {{"workload", "model", true},
                {"hardware", "template", true},
                {"evaluator", "library", false},
                {"evaluator", "command", false}};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        struct node *at = child_of(child_of(root, keys[i].group), keys[i].key);
        if (at != NULL) {
            move_files(s, at, keys[i].copy);
        }
    }
}

/* ---- tasks ---- */

static void set_text(struct overlay *o, struct node *value, const char *path, char *text)
{
    *value = (struct node){.kind = NODE_SCALAR, .text = text};
    int bad = overlay_set(o, path, value);
    (void)bad; /* these paths are mappings in every study that could be read */
}

/* A task for each seed of one combination. */
static void add_tasks(struct sweep *s, const struct study *study, const int *value, int group, const uint64_t *seeds,
                      int n_seeds, int64_t evaluations)
{
    struct diags d = DIAGS_INIT;
    struct doc *doc = doc_read_text("study", study->resolved, strlen(study->resolved), &d);
    assert(doc != NULL); /* it has just been written */
    move_all_files(s, &doc->root);
    for (int k = 0; k < n_seeds; k++) {
        struct overlay o;
        struct node seed, budget;
        struct strbuf text = STRBUF_INIT;
        char seed_text[32], budget_text[32];
        snprintf(seed_text, sizeof seed_text, "%llu", (unsigned long long)seeds[k]);
        snprintf(budget_text, sizeof budget_text, "%lld", (long long)evaluations);
        overlay_init(&o, &doc->root);
        set_text(&o, &seed, "search.seed", seed_text);
        set_text(&o, &budget, "search.budget.evaluations", budget_text);
        overlay_print(&o.root, 2, &text);
        struct sweep_task *t = &s->task[s->n_tasks++];
        *t = (struct sweep_task){
            .yaml = strbuf_detach(&text), .seed = seeds[k], .group = group, .evaluations = evaluations};
        memcpy(t->value, value, sizeof t->value);
        overlay_release(&o);
    }
    doc_free(doc);
    diags_release(&d);
}

/* The next combination, the last axis fastest; false after the last. */
static bool advance(const struct sweep *s, int *value)
{
    for (int a = s->n_axes - 1; a >= 0; a--) {
        if (++value[a] < s->axis[a].n) {
            return true;
        }
        value[a] = 0;
    }
    return false;
}

/* Each value alone. */
static int check_values(struct sweep *s, const struct sweep_request *r, struct diags *d)
{
    int bad = 0;
    for (int a = 0; a < s->n_axes; a++) {
        int value[SWEEP_AXES];
        for (int i = 0; i < SWEEP_AXES; i++) {
            value[i] = -1;
        }
        for (value[a] = 0; value[a] < s->axis[a].n && s->axis[a].path != NULL; value[a]++) {
            struct study *study = load(s, r, value, d);
            bad |= study == NULL;
            study_free(study);
        }
    }
    return bad ? -1 : 0;
}

static int make_tasks(struct sweep *s, const struct sweep_request *r, const uint64_t *seeds, int n_seeds,
                      struct diags *d)
{
    int value[SWEEP_AXES] = {0};
    struct groups groups = {NULL, 0, 0};
    int bad = 0;
    do {
        struct study *study = load(s, r, value, d);
        bad |= study == NULL;
        if (!bad) {
            int64_t n = r->shards > 0 ? (study->evaluations + r->shards - 1) / r->shards : study->evaluations;
            bad |= island_check(&r->islands, study, n_seeds, n, d) < 0;
            add_tasks(s, study, value, find_group(&groups, study), seeds, n_seeds, n);
        }
        study_free(study);
    } while (advance(s, value));
    s->n_groups = groups.n;
    for (int i = 0; i < groups.n; i++) {
        mem_free(groups.key[i]);
    }
    mem_free(groups.key);
    return bad ? -1 : 0;
}

static int read_seeds(const struct sweep_request *r, const struct study *base, uint64_t **seeds, struct diags *d)
{
    int n = 1;
    if (r->seeds != NULL) {
        struct err err = ERR_INIT;
        n = sweep_numbers(r->seeds, SWEEP_TASKS, seeds, &err);
        return n < 0 ? diags_error(d, nowhere, NULL, "--seeds: %s", err.text) : n;
    }
    n = r->shards > 0 ? (int)r->shards : 1;
    *seeds = mem_calloc((size_t)n, sizeof **seeds);
    for (int i = 0; i < n; i++) {
        (*seeds)[i] = base->seed + (uint64_t)i;
    }
    return n;
}

static int read_axes(struct sweep *s, const struct sweep_request *r, const struct study *base, struct diags *d)
{
    int bad = 0;
    if (r->n_over > SWEEP_AXES) {
        return diags_error(d, nowhere, NULL, "more than %d options --over", SWEEP_AXES);
    }
    for (int a = 0; a < r->n_over; a++) {
        bad |= sweep_axis_read(&s->axis[s->n_axes++], r->over[a], base, d);
        for (int b = 0; b < a && s->axis[a].path != NULL; b++) {
            if (s->axis[b].path != NULL && strcmp(s->axis[a].path, s->axis[b].path) == 0) {
                bad |= diags_error(d, nowhere, NULL, "--over %s and --over %s set the same", s->axis[b].name,
                                   s->axis[a].name);
            }
        }
    }
    return bad ? -1 : 0;
}

static char *folder_of(const struct sweep_request *r, const struct study *base)
{
    struct strbuf path = STRBUF_INIT;
    strbuf_addf(&path, "%s%s", r->dir != NULL ? "" : "runs/", r->dir != NULL ? r->dir : base->name);
    while (path.len > 1 && path.buf[path.len - 1] == '/') {
        path.buf[--path.len] = '\0';
    }
    char *whole = absolute(strbuf_str(&path));
    strbuf_release(&path);
    return whole;
}

int sweep_plan(struct sweep *s, const struct sweep_request *r, struct diags *d)
{
    *s = (struct sweep){.command = mem_strdup(r->command), .checkpoint_s = r->checkpoint_s, .islands = r->islands};
    struct study *base = study_load(r->study, r->set, r->n_set, d);
    if (base == NULL) {
        return -1;
    }
    s->name = mem_strdup(base->name);
    s->dir = folder_of(r, base);
    island_name(s);
    uint64_t *seeds = NULL;
    int n_seeds = read_seeds(r, base, &seeds, d);
    int bad = read_axes(s, r, base, d) < 0 || n_seeds < 0;
    study_free(base);
    int64_t n = n_seeds;
    for (int a = 0; a < s->n_axes && n > 0 && n <= SWEEP_TASKS; a++) {
        n *= s->axis[a].n;
    }
    if (n > SWEEP_TASKS) {
        bad = diags_error(d, nowhere, NULL, "%lld tasks are more than %d", (long long)n, SWEEP_TASKS);
    }
    if (bad || s->n_axes > 1) { /* the values of one axis are its combinations */
        bad = check_values(s, r, d) < 0 || bad;
    }
    if (!bad) {
        s->task = mem_calloc((size_t)n, sizeof *s->task);
        bad = make_tasks(s, r, seeds, n_seeds, d) < 0;
    }
    mem_free(seeds);
    return bad ? -1 : 0;
}
