/* See map_constraint.h. */
#include "experiments/map_constraint.h"

#include "base/strbuf.h"
#include "base/suggest.h"

#include <stdio.h>
#include <string.h>

#define WORD 64

static const struct mark nowhere = {NULL, 0, 0, 0};

struct rule {
    const char *text; /* the whole, for messages */
    char level[WORD], what[WORD];
    const char *list;
};

/* The next word of a list between commas; false at its end. */
static bool next_word(const char **list, char word[WORD])
{
    size_t n = strcspn(*list, ",");
    if (**list == '\0') {
        return false;
    }
    snprintf(word, WORD, "%.*s", n < WORD ? (int)n : WORD - 1, *list);
    *list += n + ((*list)[n] == ',');
    return true;
}

static int unknown(const struct rule *r, const char *kind, const char *word, const char *const *names, int n,
                   struct diags *d)
{
    struct strbuf help = STRBUF_INIT;
    suggest_help(word, names, n, &help);
    diags_error(d, nowhere, strbuf_str(&help), "'%s': there is no %s '%s'", r->text, kind, word);
    strbuf_release(&help);
    return -1;
}

static int find_role(const struct rule *r, const char *word, struct diags *d)
{
    for (int t = 0; t < TENSOR_ROLE_COUNT; t++) {
        if (strcmp(word, tensor_role_names[t]) == 0) {
            return t;
        }
    }
    return unknown(r, "tensor", word, tensor_role_names, TENSOR_ROLE_COUNT, d);
}

static int find_level(const struct accelerator *a, const struct rule *r, struct diags *d)
{
    const char *names[HW_LEVELS];
    for (int l = 0; l < a->n_levels; l++) {
        names[l] = a->level[l].name;
        if (strcmp(r->level, names[l]) == 0) {
            return l;
        }
    }
    return unknown(r, "level", r->level, names, a->n_levels, d);
}

static int hold(struct accelerator *a, const struct rule *r, int l, enum keep keep, struct diags *d)
{
    static const char *const does[] = {"", "always holds", "never holds"};
    const char *list = r->list;
    char word[WORD];
    int bad = 0;
    while (next_word(&list, word)) {
        int t = find_role(r, word, d);
        if (t < 0) {
            bad = -1;
        } else if (l == a->n_levels - 1 && keep == KEEP_NEVER) {
            bad = diags_error(d, nowhere, NULL, "'%s': the outermost level holds everything", r->text);
        } else if (a->level[l].keep[t] != KEEP_FREE && a->level[l].keep[t] != keep) {
            bad = diags_error(d, nowhere, NULL, "'%s': level '%s' %s %s", r->text, a->level[l].name,
                              does[a->level[l].keep[t]], word);
        } else {
            a->level[l].keep[t] = keep;
        }
    }
    return bad;
}

static bool among(const char (*dims)[8], int n, const char *word)
{
    bool found = n < 0; /* any */
    for (int i = 0; i < n; i++) {
        found |= strcmp(dims[i], word) == 0;
    }
    return found;
}

static bool has_dim(const struct einsum *const *op, int n_ops, const char *word)
{
    for (int i = 0; i < n_ops; i++) {
        if (einsum_dim(op[i], word) >= 0) {
            return true;
        }
    }
    return false;
}

static int unroll(struct accelerator *a, const struct rule *r, int l, char (*dims)[8], int *n,
                  const struct einsum *const *op, int n_ops, struct diags *d)
{
    const char *list = r->list;
    char word[WORD], kept[DATAFLOW_DIMS][8];
    int n_kept = 0, bad = 0;
    while (next_word(&list, word) && strcmp(r->list, "none") != 0) {
        if (!has_dim(op, n_ops, word)) {
            bad = diags_error(d, nowhere, NULL, "'%s': no operator has a dimension '%s'", r->text, word);
        } else if (!among((const char(*)[8])dims, *n, word)) {
            bad = diags_error(d, nowhere, NULL, "'%s': the dataflow does not unroll %s along %s of level '%s'", r->text,
                              word, r->what, a->level[l].name);
        } else if (n_kept == DATAFLOW_DIMS || strlen(word) >= sizeof kept[0]) {
            bad = diags_error(d, nowhere, NULL, "'%s': at most %d dimensions of at most 7 letters", r->text,
                              DATAFLOW_DIMS);
        } else {
            memcpy(kept[n_kept++], word, strlen(word) + 1);
        }
    }
    memcpy(dims, kept, sizeof kept);
    *n = n_kept;
    return bad;
}

static int stand_still(struct accelerator *a, const struct rule *r, struct diags *d)
{
    int t = find_role(r, r->list, d);
    if (t < 0) {
        return -1;
    }
    if (a->dataflow.stationary != TENSOR_ROLE_COUNT && (int)a->dataflow.stationary != t) {
        return diags_error(d, nowhere, NULL, "'%s': the dataflow keeps %s stationary", r->text,
                           tensor_role_names[a->dataflow.stationary]);
    }
    a->dataflow.stationary = (enum tensor_role)t;
    return 0;
}

static int apply(struct accelerator *a, const struct rule *r, const struct einsum *const *op, int n_ops,
                 struct diags *d)
{
    static const char *const rules[] = {"keep", "bypass", "x", "y"};
    if (*r->level == '\0' && strcmp(r->what, "stationary") == 0) {
        return stand_still(a, r, d);
    }
    if (*r->level == '\0' || *r->list == '\0') {
        return diags_error(d, nowhere,
                           "write LEVEL.keep=weights,inputs, LEVEL.bypass=.., LEVEL.x=K,C, LEVEL.y=none or "
                           "stationary=weights",
                           "'%s' is no rule for a mapping", r->text);
    }
    int l = find_level(a, r, d);
    if (l < 0) {
        return -1;
    }
    if (strcmp(r->what, "keep") == 0) {
        return hold(a, r, l, KEEP_ALWAYS, d);
    }
    if (strcmp(r->what, "bypass") == 0) {
        return hold(a, r, l, KEEP_NEVER, d);
    }
    if (strcmp(r->what, "x") == 0) {
        return unroll(a, r, l, a->dataflow.spatial[l].x, &a->dataflow.spatial[l].n_x, op, n_ops, d);
    }
    if (strcmp(r->what, "y") == 0) {
        return unroll(a, r, l, a->dataflow.spatial[l].y, &a->dataflow.spatial[l].n_y, op, n_ops, d);
    }
    return unknown(r, "rule", r->what, rules, 4, d);
}

int map_constrain(struct accelerator *a, const char *const *rule, int n, const struct einsum *const *op, int n_ops,
                  struct diags *d)
{
    int bad = 0;
    for (int i = 0; i < n; i++) {
        struct rule r = {.text = rule[i], .list = strchr(rule[i], '=')};
        const char *name = rule[i], *dot = strchr(rule[i], '.');
        r.list = r.list != NULL ? r.list + 1 : "";
        size_t end = strcspn(name, "=");
        if (dot != NULL && (size_t)(dot - name) < end) {
            snprintf(r.level, sizeof r.level, "%.*s", (int)(dot - name < WORD ? dot - name : WORD - 1), name);
            end -= (size_t)(dot + 1 - name);
            name = dot + 1;
        }
        snprintf(r.what, sizeof r.what, "%.*s", (int)(end < WORD ? end : WORD - 1), name);
        bad |= apply(a, &r, op, n_ops, d);
    }
    return bad;
}
