/* What `search:` says beyond numbers. Errors at their place, like those of every other part. */
#include "base/mem.h"
#include "base/strbuf.h"
#include "experiments/study_raw.h"

#include <string.h>

static int unknown(const struct node *at, const char *what, const char *text, const char *const *names, int n,
                   struct diags *d)
{
    struct strbuf help = STRBUF_INIT;
    const char *near = suggest(text, names, n);
    strbuf_addf(&help, near ? "did you mean '%s'?" : "one of ", near);
    for (int i = 0; near == NULL && i < n; i++) {
        strbuf_addf(&help, "%s%s", i ? ", " : "", names[i]);
    }
    diags_error(d, at->mark, strbuf_str(&help), "%s '%s'", what, text);
    strbuf_release(&help);
    return -1;
}

static int check_algorithm(const struct raw_search *raw, const struct node *search, struct diags *d)
{
    const char *names[64] = {NULL};
    int n = 0;
    for (const struct search_algorithm *a = search_algorithms; a->name != NULL && n < 64; a++) {
        names[n++] = a->name;
        if (strcmp(a->name, raw->algorithm) == 0) {
            return 0;
        }
    }
    return unknown(node_get(search, "algorithm"), "unknown algorithm", raw->algorithm, names, n, d);
}

/* `epsilon: {energy: 10uJ}`. */
static int read_epsilon(struct study *s, const struct node *map, struct diags *d)
{
    if (map->kind != NODE_MAPPING || map->n_children == 0) {
        return diags_error(d, map->mark, "write {energy: 10uJ, latency: 50us}",
                           "'epsilon' is a mapping from objectives to differences");
    }
    const char *names[STUDY_OBJECTIVES];
    for (int k = 0; k < s->n_objectives; k++) {
        names[k] = metrics[s->objective[k].metric].name;
    }
    int bad = 0;
    for (int i = 0; i < map->n_children; i++) {
        const struct node *c = &map->child[i];
        int k = 0;
        while (k < s->n_objectives && strcmp(names[k], c->key) != 0) {
            k++;
        }
        if (k == s->n_objectives) {
            const struct node key = {.kind = NODE_SCALAR, .text = c->key, .mark = c->key_mark};
            bad = unknown(&key, "'epsilon' is of objectives, not of", c->key, names, s->n_objectives, d);
            continue;
        }
        const struct metric *m = &metrics[s->objective[k].metric];
        double v = 0;
        if (schema_read_quantity(c, m->name, m->dim, &v, d) < 0) {
            bad = -1;
        } else if (!(v > 0)) {
            bad = diags_error(d, c->mark, "leave it out where every difference matters",
                              "'epsilon' of '%s' must be above 0", m->name);
        }
        s->epsilon[k] = v * m->column_scale;
    }
    s->cells = true;
    return bad;
}

/* The formula knows what the model knows: of what only the evaluator gives it has no guess. */
static int check_guess(const struct study *s, const struct node *at, struct diags *d)
{
    if (s->evaluator != NULL && s->evaluator->alone) {
        return diags_error(d, at->mark, NULL, "with 'model: false' Dovetail's model is not asked, nor its roofline");
    }
    const struct study_evaluator *own = s->evaluator;
    struct study model = *s; /* as it is without the evaluator */
    model.evaluator = NULL;
    for (int k = 0; own != NULL && k < s->n_objectives; k++) {
        if (!study_has_metric(&model, s->objective[k].metric)) {
            return diags_error(d, at->mark, NULL, "there is no roofline of '%s', which only the evaluator gives",
                               metrics[s->objective[k].metric].name);
        }
    }
    return 0;
}

/* `fidelity: [roofline, mapped]`: levels from the cheapest to the one that counts. */
static int read_fidelity(struct study *s, const struct node *list, struct diags *d)
{
    static const char *const names[] = {"roofline", "mapped"};
    if (list->kind != NODE_SEQUENCE || list->n_children == 0) {
        return diags_error(d, list->mark, "write [roofline, mapped]", "'fidelity' is a list of levels");
    }
    int last = -1;
    for (int i = 0; i < list->n_children; i++) {
        const struct node *c = &list->child[i];
        const char *text = schema_read_text(c, "fidelity", d);
        int k = 0;
        while (text != NULL && k < 2 && strcmp(names[k], text) != 0) {
            k++;
        }
        if (text == NULL || k == 2) {
            return text != NULL ? unknown(c, "unknown fidelity", text, names, 2, d) : -1;
        }
        if (k <= last) {
            return diags_error(d, c->mark, "write [roofline, mapped]", "fidelities go from the cheapest on");
        }
        last = k;
        s->guess |= k == 0;
    }
    if (last != 1) {
        return diags_error(d, list->mark, "write [roofline, mapped]",
                           "the last fidelity is 'mapped': it is what counts");
    }
    return s->guess ? check_guess(s, list, d) : 0;
}

/* `start: [old.db]`. The files are read when the new study's own is made (transfer.h). */
static int read_start(struct study *s, const struct node *list, struct diags *d)
{
    if (list->kind != NODE_SEQUENCE || list->n_children == 0) {
        return diags_error(d, list->mark, "write [old.db]", "'start' is a list of databases");
    }
    s->start = mem_calloc((size_t)list->n_children, sizeof *s->start);
    for (int i = 0; i < list->n_children; i++) {
        const char *text = schema_read_text(&list->child[i], "start", d);
        if (text == NULL) {
            return -1;
        }
        s->start[s->n_start++] = mem_strdup(text);
    }
    if (strcmp(s->algorithm, "random") == 0 || strcmp(s->algorithm, "exhaustive") == 0) {
        return diags_error(d, list->mark, NULL, "'%s' begins with no designs of other studies", s->algorithm);
    }
    return 0;
}

int study_read_search(struct study *s, const struct raw_search *raw, const struct node *search, struct diags *d)
{
    int bad = raw->algorithm != NULL ? check_algorithm(raw, search, d) : 0;
    bad |= raw->epsilon != NULL && s->n_objectives > 0 ? read_epsilon(s, raw->epsilon, d) : 0;
    bad |= raw->fidelity != NULL ? read_fidelity(s, raw->fidelity, d) : 0;
    bad |= raw->start != NULL ? read_start(s, raw->start, d) : 0;
    return bad ? -1 : 0;
}
