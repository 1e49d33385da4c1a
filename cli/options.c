/* See options.h. A value is found first, then stored by its type's own function, so that every message says the option
 * as it was written. */
#include "cli/options.h"

#include "base/diag.h"
#include "base/mem.h"
#include "base/strbuf.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct parser {
    const struct opt_table *tables;
    int n_tables;
    int argc;
    const char *const *argv;
    int at; /* next of argv */
};

static const struct opt *find_long(const struct parser *p, const char *name, size_t len, void **values)
{
    for (int t = 0; t < p->n_tables; t++) {
        for (const struct opt *o = p->tables[t].options; o && o->name; o++) {
            if (strlen(o->name) == len && memcmp(o->name, name, len) == 0) {
                *values = p->tables[t].values;
                return o;
            }
        }
    }
    return NULL;
}

static const struct opt *find_letter(const struct parser *p, char letter, void **values)
{
    for (int t = 0; t < p->n_tables; t++) {
        for (const struct opt *o = p->tables[t].options; o && o->name; o++) {
            if (o->letter == letter) {
                *values = p->tables[t].values;
                return o;
            }
        }
    }
    return NULL;
}

static int unknown_option(const struct parser *p, const char *name, size_t len, struct err *err)
{
    const char *known[256];
    int n = 0;
    for (int t = 0; t < p->n_tables; t++) {
        for (const struct opt *o = p->tables[t].options; o && o->name && n < 256; o++) {
            known[n++] = o->name;
        }
    }
    char *word = mem_strndup(name, len);
    const char *best = suggest(word, known, n);
    if (best) {
        err_set(err, ERR_USAGE, "unknown option '--%s'; did you mean '--%s'?", word, best);
    } else {
        err_set(err, ERR_USAGE, "unknown option '--%s'", word);
    }
    mem_free(word);
    return -1;
}

static int check_range(const struct opt *o, const char *shown, const char *text, double v, struct err *err)
{
    if ((o->min == 0.0 && o->max == 0.0) || (v >= o->min && v <= o->max)) {
        return 0;
    }
    struct strbuf low = STRBUF_INIT;
    struct strbuf high = STRBUF_INIT;
    if (o->type == OPT_QUANTITY) {
        quantity_print(o->min, o->dim, &low);
        quantity_print(o->max, o->dim, &high);
    } else {
        strbuf_addf(&low, o->type == OPT_INT ? "%.0f" : "%.15g", o->min);
        strbuf_addf(&high, o->type == OPT_INT ? "%.0f" : "%.15g", o->max);
    }
    if (isinf(o->max)) {
        err_set(err, ERR_USAGE, "%s must be at least %s, not '%s'", shown, strbuf_str(&low), text);
    } else {
        err_set(err, ERR_USAGE, "%s must lie in %s..%s, not '%s'", shown, strbuf_str(&low), strbuf_str(&high), text);
    }
    strbuf_release(&low);
    strbuf_release(&high);
    return -1;
}

static int store_int(const struct opt *o, const char *shown, const char *text, int64_t *out, struct err *err)
{
    char *end;
    errno = 0;
    long long v = strtoll(text, &end, 10);
    int64_t scale = 1;
    if (end != text && (*end == 'k' || *end == 'M')) {
        scale = *end == 'k' ? 1000 : 1000000;
        end++;
    }
    int64_t scaled;
    if (end == text || *end || errno == ERANGE || __builtin_mul_overflow((int64_t)v, scale, &scaled)) {
        return err_set(err, ERR_USAGE, "%s needs a whole number, not '%s'", shown, text);
    }
    if (check_range(o, shown, text, (double)scaled, err)) {
        return -1;
    }
    *out = scaled;
    return 0;
}

static int store_real(const struct opt *o, const char *shown, const char *text, double *out, struct err *err)
{
    char *end;
    double v = strtod(text, &end);
    if (end == text || *end || !isfinite(v)) {
        return err_set(err, ERR_USAGE, "%s needs a number, not '%s'", shown, text);
    }
    if (check_range(o, shown, text, v, err)) {
        return -1;
    }
    *out = v;
    return 0;
}

static int store_quantity(const struct opt *o, const char *shown, const char *text, double *out, struct err *err)
{
    double v;
    struct dim dim;
    int unit_at;
    int used = quantity_scan(text, &v, &dim, &unit_at);
    if (used <= 0 || text[used] || !isfinite(v) || !dim_equal(dim, o->dim)) {
        char name[64];
        const char *units = dim_units(o->dim);
        return err_set(err, ERR_USAGE, "%s needs %s%s%s%s, not '%s'", shown, dim_name(o->dim, name, sizeof name),
                       *units ? " with its unit (" : "", units, *units ? ")" : "", text);
    }
    if (check_range(o, shown, text, v, err)) {
        return -1;
    }
    *out = v;
    return 0;
}

static int store_choice(const struct opt *o, const char *shown, const char *text, int *out, struct err *err)
{
    struct strbuf all = STRBUF_INIT;
    int n = 0;
    for (; o->choices[n]; n++) {
        if (strcmp(o->choices[n], text) == 0) {
            *out = n;
            strbuf_release(&all);
            return 0;
        }
        strbuf_addf(&all, "%s%s", n ? ", " : "", o->choices[n]);
    }
    const char *best = suggest(text, o->choices, n);
    err_set(err, ERR_USAGE, "%s must be one of %s, not '%s'%s%s%s", shown, strbuf_str(&all), text,
            best ? "; did you mean '" : "", best ? best : "", best ? "'?" : "");
    strbuf_release(&all);
    return -1;
}

static void store_list(struct opt_list *list, const char *text)
{
    MEM_GROW(list->item, list->n, list->cap);
    list->item[list->n++] = text;
}

static int store(const struct opt *o, const char *shown, const char *text, void *values, struct err *err)
{
    void *at = (char *)values + o->offset;
    switch (o->type) {
    case OPT_FLAG:
        *(bool *)at = true;
        return 0;
    case OPT_INT:
        return store_int(o, shown, text, at, err);
    case OPT_REAL:
        return store_real(o, shown, text, at, err);
    case OPT_QUANTITY:
        return store_quantity(o, shown, text, at, err);
    case OPT_STRING:
        *(const char **)at = text;
        return 0;
    case OPT_CHOICE:
        return store_choice(o, shown, text, at, err);
    case OPT_ASSIGN:
        if (!strchr(text, '=') || text[0] == '=') {
            return err_set(err, ERR_USAGE, "%s needs %s, not '%s'", shown, o->arg, text);
        }
        store_list(at, text);
        return 0;
    case OPT_LIST:
        store_list(at, text);
        return 0;
    case OPT_TYPE_COUNT:
        break;
    }
    return err_set(err, ERR_BUG, "option '%s' has no type", o->name);
}

static int next_value(struct parser *p, const struct opt *o, const char *shown, const char **text, struct err *err)
{
    if (p->at >= p->argc) {
        return err_set(err, ERR_USAGE, "%s needs a value: %s", shown, o->arg);
    }
    *text = p->argv[p->at++];
    return 0;
}

static int parse_long(struct parser *p, const char *arg, struct err *err)
{
    const char *name = arg + 2;
    size_t len = strcspn(name, "=");
    const char *text = name[len] ? name + len + 1 : NULL;
    void *values;
    const struct opt *o = find_long(p, name, len, &values);
    if (!o) {
        return unknown_option(p, name, len, err);
    }
    char shown[80];
    snprintf(shown, sizeof shown, "--%s", o->name);
    if (o->type == OPT_FLAG && text) {
        return err_set(err, ERR_USAGE, "%s takes no value", shown);
    }
    if (o->type != OPT_FLAG && !text && next_value(p, o, shown, &text, err)) {
        return -1;
    }
    return store(o, shown, text ? text : "", values, err);
}

/* "-q", "-qv", "-j4", "-j 4" */
static int parse_letters(struct parser *p, const char *arg, struct err *err)
{
    for (const char *c = arg + 1; *c; c++) {
        void *values;
        const struct opt *o = find_letter(p, *c, &values);
        if (!o) {
            return err_set(err, ERR_USAGE, "unknown option '-%c'", *c);
        }
        char shown[8];
        snprintf(shown, sizeof shown, "-%c", *c);
        const char *text = NULL;
        if (o->type != OPT_FLAG) {
            text = c + 1;
            if (!*text && next_value(p, o, shown, &text, err)) {
                return -1;
            }
        }
        if (store(o, shown, text ? text : "", values, err)) {
            return -1;
        }
        if (text) {
            return 0; /* the value took the rest of the word */
        }
    }
    return 0;
}

int options_parse(const struct opt_table *tables, int n_tables, int argc, const char *const *argv, const char **args,
                  int *n_args, struct err *err)
{
    struct parser p = {tables, n_tables, argc, argv, 0};
    bool only_args = false;
    *n_args = 0;
    while (p.at < argc) {
        const char *arg = argv[p.at++];
        if (only_args || arg[0] != '-' || !arg[1]) {
            args[(*n_args)++] = arg;
        } else if (strcmp(arg, "--") == 0) {
            only_args = true;
        } else if (arg[1] == '-' ? parse_long(&p, arg, err) : parse_letters(&p, arg, err)) {
            return -1;
        }
    }
    return 0;
}

void options_release(const struct opt_table *table)
{
    for (const struct opt *o = table->options; o && o->name; o++) {
        if (o->type == OPT_LIST || o->type == OPT_ASSIGN) {
            struct opt_list *list = (struct opt_list *)(void *)((char *)table->values + o->offset);
            mem_free(list->item);
            *list = (struct opt_list){NULL, 0, 0};
        }
    }
}
