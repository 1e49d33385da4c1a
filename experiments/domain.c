#include "experiments/domain.h"

#include "base/mem.h"
#include "base/strbuf.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LEVELS_MAX 1000000

static const char *const per_names[] = {"network", "block", "layer", NULL};

struct raw_domain {
    const struct node *values, *range, *pow2, *step, *when, *per_node;
    bool log;
    int per;
};

static const struct field domain_fields[] = {
    {.key = "values", .type = FIELD_NODE, .offset = offsetof(struct raw_domain, values), .help = "list of values"},
    {.key = "range", .type = FIELD_NODE, .offset = offsetof(struct raw_domain, range), .help = "[lowest, highest]"},
    {.key = "pow2",
     .type = FIELD_NODE,
     .offset = offsetof(struct raw_domain, pow2),
     .help = "[lowest, highest], doubling"},
    {.key = "step",
     .type = FIELD_NODE,
     .offset = offsetof(struct raw_domain, step),
     .help = "distance of the values of a range"},
    {.key = "log",
     .type = FIELD_BOOL,
     .offset = offsetof(struct raw_domain, log),
     .help = "search a real range on a log scale"},
    {.key = "when",
     .type = FIELD_NODE,
     .offset = offsetof(struct raw_domain, when),
     .help = "condition over variables named before"},
    {.key = "per",
     .type = FIELD_CHOICE,
     .offset = offsetof(struct raw_domain, per),
     .choices = per_names,
     .help = "one variable for the network, each block or each layer (software variables)"},
};

static const struct schema schema = {"variable", domain_fields, sizeof domain_fields / sizeof *domain_fields};

const struct schema *domain_schema(void)
{
    return &schema;
}

int domain_value(const struct node *node, const struct domain_type *type, double *out, struct diags *d)
{
    if (type->kind != VALUE_NUMBER) {
        if (node->kind != NODE_SCALAR) {
            return diags_error(d, node->mark, NULL, "'%s' takes a name, not a list or mapping", type->name);
        }
        for (int i = 0; i < type->n_labels; i++) {
            if (strcmp(type->labels[i], node->text) == 0) {
                *out = i;
                return 0;
            }
        }
        struct strbuf help = STRBUF_INIT;
        const char *near = suggest(node->text, type->labels, type->n_labels);
        if (near != NULL) {
            strbuf_addf(&help, "did you mean '%s'?", near);
        } else {
            strbuf_adds(&help, "one of ");
            for (int i = 0; i < type->n_labels; i++) {
                strbuf_addf(&help, "%s%s", i ? ", " : "", type->labels[i]);
            }
        }
        diags_error(d, node->mark, strbuf_str(&help), "'%s' is no value of '%s'", node->text, type->name);
        strbuf_release(&help);
        return -1;
    }
    double v;
    if (schema_read_quantity(node, type->name, type->dim, &v, d) < 0) {
        return -1;
    }
    if (type->integer && floor(v) != v) {
        return diags_error(d, node->mark, NULL, "'%s' takes whole numbers, not %s", type->name, node->text);
    }
    if (v < type->min || v > type->max) {
        struct strbuf lo = STRBUF_INIT, hi = STRBUF_INIT;
        quantity_print(type->min, type->dim, &lo);
        quantity_print(type->max, type->dim, &hi);
        diags_error(d, node->mark, NULL, "'%s' must lie in %s..%s, not %s", type->name, strbuf_str(&lo),
                    strbuf_str(&hi), node->text);
        strbuf_release(&lo);
        strbuf_release(&hi);
        return -1;
    }
    *out = v;
    return 0;
}

static int compare_doubles(const void *pa, const void *pb)
{
    double a = *(const double *)pa, b = *(const double *)pb;
    return (a > b) - (a < b);
}

static int read_values(const struct node *list, const struct domain_type *type, struct domain *out, struct diags *d)
{
    if (list->kind != NODE_SEQUENCE || list->n_children == 0) {
        return diags_error(d, list->mark, "write [first, second, ...]", "'%s' needs a list of values", type->name);
    }
    int bad = 0;
    out->level = mem_calloc((size_t)list->n_children, sizeof *out->level);
    out->n = list->n_children;
    for (int i = 0; i < list->n_children; i++) {
        bad |= domain_value(&list->child[i], type, &out->level[i], d);
        for (int j = 0; j < i && !bad; j++) {
            if (out->level[i] == out->level[j]) {
                bad = diags_error(d, list->child[i].mark, NULL, "'%s' stands twice in the values of '%s'",
                                  list->child[i].text, type->name);
            }
        }
    }
    if (type->kind == VALUE_NUMBER && !bad) {
        qsort(out->level, (size_t)out->n, sizeof *out->level, compare_doubles);
    }
    return bad ? -1 : 0;
}

static int read_pair(const struct node *node, const char *key, const struct domain_type *type, double *lo, double *hi,
                     struct diags *d)
{
    if (type->kind != VALUE_NUMBER) {
        return diags_error(d, node->key_mark, "use 'values'", "'%s' is a choice and has no '%s'", type->name, key);
    }
    if (node->kind != NODE_SEQUENCE || node->n_children != 2) {
        return diags_error(d, node->mark, "write [lowest, highest]", "'%s' of '%s' needs two values", key, type->name);
    }
    if ((domain_value(&node->child[0], type, lo, d) | domain_value(&node->child[1], type, hi, d)) != 0) {
        return -1;
    }
    if (*lo >= *hi) {
        return diags_error(d, node->mark, NULL, "the lowest value of '%s' must be below the highest", type->name);
    }
    return 0;
}

static int read_range(const struct raw_domain *raw, const struct domain_type *type, struct domain *out, struct diags *d)
{
    if (read_pair(raw->range, "range", type, &out->lo, &out->hi, d) < 0) {
        return -1;
    }
    double step = type->integer ? 1 : 0;
    if (raw->step != NULL) {
        if (schema_read_quantity(raw->step, "step", type->dim, &step, d) < 0) {
            return -1;
        }
        if (!(step > 0)) {
            return diags_error(d, raw->step->mark, NULL, "'step' must be above 0");
        }
    }
    if (step == 0) {
        out->real = true;
        out->log = raw->log;
        if (out->log && out->lo <= 0) {
            return diags_error(d, raw->range->mark, NULL, "a range on a log scale must begin above 0");
        }
        return 0;
    }
    double n = floor((out->hi - out->lo) / step * (1 + 1e-12)) + 1;
    if (n > LEVELS_MAX) {
        return diags_error(d, raw->range->mark, "give a larger 'step'", "'%s' would have %.0f values, more than %d",
                           type->name, n, LEVELS_MAX);
    }
    out->n = (int64_t)n;
    out->level = mem_calloc((size_t)out->n, sizeof *out->level);
    for (int64_t i = 0; i < out->n; i++) {
        out->level[i] = out->lo + (double)i * step;
    }
    return 0;
}

static int read_pow2(const struct node *node, const struct domain_type *type, struct domain *out, struct diags *d)
{
    if (read_pair(node, "pow2", type, &out->lo, &out->hi, d) < 0) {
        return -1;
    }
    if (out->lo <= 0) {
        return diags_error(d, node->mark, NULL, "a 'pow2' range must begin above 0");
    }
    double doublings = log2(out->hi / out->lo);
    if (fabs(doublings - round(doublings)) > 1e-9) {
        return diags_error(d, node->mark, NULL, "the highest value of '%s' is no power of two times the lowest",
                           type->name);
    }
    out->n = (int64_t)round(doublings) + 1;
    out->level = mem_calloc((size_t)out->n, sizeof *out->level);
    for (int64_t i = 0; i < out->n; i++) {
        out->level[i] = ldexp(out->lo, (int)i);
    }
    return 0;
}

static int read_any(const struct node *node, const struct domain_type *type, struct domain *out, struct diags *d)
{
    memset(out, 0, sizeof *out);
    if (node->kind != NODE_MAPPING) {
        return read_values(node, type, out, d);
    }
    struct raw_domain raw = {0};
    int bad = schema_read(&schema, node, &raw, NULL, d);
    out->when = raw.when;
    out->per = raw.per;
    out->per_node = node_get(node, "per");
    int forms = (raw.values != NULL) + (raw.range != NULL) + (raw.pow2 != NULL);
    if (bad) {
        return -1;
    }
    if (forms != 1) {
        return diags_error(d, node->mark, "give one of values, range, pow2", "'%s' has %s", type->name,
                           forms ? "more than one kind of domain" : "no domain");
    }
    if (raw.step != NULL && raw.range == NULL) {
        return diags_error(d, raw.step->key_mark, NULL, "'step' belongs to 'range'");
    }
    if (raw.values != NULL) {
        return read_values(raw.values, type, out, d);
    }
    return raw.range != NULL ? read_range(&raw, type, out, d) : read_pow2(raw.pow2, type, out, d);
}

int domain_read(const struct node *node, const struct domain_type *type, struct domain *out, struct diags *d)
{
    int bad = read_any(node, type, out, d);
    if (bad) {
        mem_free(out->level);
        out->level = NULL;
    }
    return bad;
}
