/* Parameters of a template file: types, ranges, defaults; of a file that extends another, changes to those of the other. */
#include "hw/template_impl.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

static struct dim type_dim(enum param_type type)
{
    switch (type) {
    case PARAM_CAPACITY:
        return DIM_DATA;
    case PARAM_FREQUENCY:
        return DIM_FREQUENCY;
    case PARAM_BANDWIDTH:
        return DIM_BANDWIDTH;
    case PARAM_VOLTAGE:
        return DIM_VOLTAGE;
    default:
        return DIM_ONE;
    }
}

int template_param(const struct template *t, const char *name)
{
    for (int i = 0; i < t->n_params; i++) {
        if (strcmp(t->param[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}

static void free_labels(struct template_param *p)
{
    for (int i = 0; i < p->n_labels; i++) {
        mem_free(p->labels[i]);
    }
    mem_free(p->labels);
    p->labels = NULL;
    p->n_labels = 0;
}

/* A scalar of the parameter's type, in base units. */
static int read_value(const struct template_param *p, const struct node *node, double *out, struct diags *d)
{
    if (p->type == PARAM_INT) {
        int64_t i;
        int rc = schema_read_int(node, p->name, INT64_MIN / 1024, INT64_MAX / 1024, &i, d);
        *out = rc == 0 ? (double)i : 0;
        return rc;
    }
    return schema_read_quantity(node, p->name, p->dim, out, d);
}

static void read_labels(struct template_param *p, const struct node *values, struct diags *d)
{
    if (values->kind != NODE_SEQUENCE || values->n_children == 0) {
        diags_error(d, values->mark, "write [first, second]", "the values of '%s' are not a list of words", p->name);
        return;
    }
    free_labels(p);
    p->labels = mem_calloc((size_t)values->n_children, sizeof *p->labels);
    for (int i = 0; i < values->n_children; i++) {
        const struct node *c = &values->child[i];
        if (c->kind != NODE_SCALAR) {
            diags_error(d, c->mark, NULL, "a value of '%s' is not a word", p->name);
            continue;
        }
        p->labels[p->n_labels++] = mem_strdup(c->text);
    }
    p->min = 0;
    p->max = p->n_labels - 1;
}

static void read_range(struct template_param *p, const struct node *range, struct diags *d)
{
    if (p->type == PARAM_BOOL || p->type == PARAM_CHOICE) {
        diags_error(d, range->mark, NULL, "'%s' is a %s: it has no range", p->name, param_type_names[p->type]);
        return;
    }
    if (range->kind != NODE_SEQUENCE || range->n_children != 2) {
        diags_error(d, range->mark, "write [least, greatest]", "the range of '%s' is not a pair", p->name);
        return;
    }
    if (read_value(p, &range->child[0], &p->min, d) == 0 && read_value(p, &range->child[1], &p->max, d) == 0 &&
        p->min > p->max) {
        diags_error(d, range->mark, NULL, "the range of '%s' is empty", p->name);
    }
}

static void read_default(struct template_param *p, const struct node *def, struct diags *d)
{
    if (def->kind != NODE_SCALAR) {
        diags_error(d, def->mark, NULL, "the default of '%s' is not a single value", p->name);
        return;
    }
    if (p->type == PARAM_BOOL) {
        bool yes = strcmp(def->text, "true") == 0;
        if (!yes && strcmp(def->text, "false") != 0) {
            diags_error(d, def->mark, "write true or false", "the default of '%s' is '%s'", p->name, def->text);
        }
        p->def = yes;
        return;
    }
    if (p->type == PARAM_CHOICE) {
        for (int i = 0; i < p->n_labels; i++) {
            if (strcmp(p->labels[i], def->text) == 0) {
                p->def = i;
                return;
            }
        }
        const char *near = p->n_labels > 0 ? suggest(def->text, (const char *const *)p->labels, p->n_labels) : NULL;
        char help[128];
        snprintf(help, sizeof help, "did you mean '%s'?", near != NULL ? near : "");
        diags_error(d, def->mark, near != NULL ? help : NULL, "'%s' has no value '%s'", p->name, def->text);
        return;
    }
    read_value(p, def, &p->def, d);
}

static void read_param(struct template *t, const struct node *node, struct diags *d)
{
    int i = template_param(t, node->key);
    bool fresh = i < 0;
    struct param_file f = {.type = fresh ? -1 : (int)t->param[i].type};
    if (schema_read(&param_schema, node, &f, NULL, d) < 0) {
        mem_free(f.help);
        return;
    }
    if (f.type < 0) {
        diags_error(d, node->key_mark, "add type: int, capacity, frequency, choice, ...", "parameter '%s' has no type",
                    node->key);
        return;
    }
    if (fresh) {
        MEM_GROW(t->param, t->n_params, t->cap_params);
        i = t->n_params++;
        t->param[i] = (struct template_param){.name = mem_strdup(node->key), .help = mem_strdup("")};
    }
    struct template_param *p = &t->param[i];
    bool same_type = !fresh && p->type == (enum param_type)f.type;
    p->type = (enum param_type)f.type;
    p->dim = type_dim(p->type);
    if (p->type == PARAM_BOOL) {
        p->min = 0;
        p->max = 1;
    }
    if (f.help != NULL) {
        mem_free(p->help);
        p->help = f.help;
    }
    int errors = d->n_errors;
    bool choice = p->type == PARAM_CHOICE,
         limited = choice ? f.values != NULL : p->type == PARAM_BOOL || f.range != NULL;
    if (!same_type && (!limited || f.def == NULL)) {
        diags_error(d, node->key_mark, NULL, "parameter '%s' needs a default%s", p->name,
                    choice                  ? " and values"
                    : p->type == PARAM_BOOL ? ""
                                            : " and a range");
        return;
    }
    if (f.values != NULL) {
        read_labels(p, f.values, d);
    }
    if (f.range != NULL) {
        read_range(p, f.range, d);
    }
    if (f.def != NULL) {
        read_default(p, f.def, d);
    }
    if (d->n_errors == errors && !(p->def >= p->min && p->def <= p->max)) {
        diags_error(d, f.def != NULL ? f.def->mark : node->key_mark, NULL, "the default of '%s' lies outside its range",
                    p->name);
    }
}

void template_read_params(struct template *t, const struct node *parameters, struct diags *d)
{
    if (parameters->kind != NODE_MAPPING) {
        diags_error(d, parameters->mark, NULL, "'parameters' is not a mapping of names to types");
        return;
    }
    for (int i = 0; i < parameters->n_children; i++) {
        read_param(t, &parameters->child[i], d);
    }
}
