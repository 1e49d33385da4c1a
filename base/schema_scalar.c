/* One scalar of a document: number, quantity, name, choice, with its messages. A scalar in quotes is text and never a number. */
#include "base/schema.h"
#include "base/strbuf.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const kind_name[] = {
    [NODE_SCALAR] = "a single value",
    [NODE_SEQUENCE] = "a list",
    [NODE_MAPPING] = "a mapping (key: value)",
    [NODE_NULL] = "empty",
};

int schema_want(const struct node *node, const char *what, enum node_kind kind, struct diags *d)
{
    if (node->kind == NODE_NULL && kind != NODE_NULL) {
        return diags_error(d, node->key ? node->key_mark : node->mark, NULL, "'%s' has no value, but must be %s", what,
                           kind_name[kind]);
    }
    if (node->kind != kind) {
        return diags_error(d, node->mark, NULL, "'%s' must be %s, not %s", what, kind_name[kind],
                           kind_name[node->kind]);
    }
    if (node->tag) {
        return diags_error(d, node->mark, NULL, "the tag '%s' means nothing here", node->tag);
    }
    return 0;
}

const char *schema_read_text(const struct node *node, const char *what, struct diags *d)
{
    return schema_want(node, what, NODE_SCALAR, d) ? NULL : node->text;
}

const char *schema_read_name(const struct node *node, const char *what, struct diags *d)
{
    const char *text = schema_read_text(node, what, d);
    size_t n = 0;
    while (text && (isalnum((unsigned char)text[n]) || (text[n] && strchr("_.-", text[n])))) {
        n++;
    }
    if (text && (n == 0 || n > 100 || text[n])) {
        diags_error(d, node->mark, NULL, "'%s' may hold 1 to 100 letters, digits, '_', '.', '-' only", what);
        return NULL;
    }
    return text;
}

static int want_number(const struct node *node, const char *what, struct diags *d)
{
    if (schema_want(node, what, NODE_SCALAR, d)) {
        return -1;
    }
    if (node->quoted) {
        return diags_error(d, node->mark, "leave the quotes out", "'%s' must be a number, not text", what);
    }
    return 0;
}

/* The mark of what follows the first `offset` bytes (all ASCII) of a scalar's text. */
static struct mark part_mark(const struct node *node, int offset, int len)
{
    struct mark m = node_text_mark(node);
    m.col += offset;
    m.len = len > 0 ? len : 1;
    return m;
}

static int report_unit(const struct node *node, const char *what, struct dim dim, int unit_at, struct diags *d)
{
    struct strbuf help = STRBUF_INIT;
    int len = unit_length(node->text + unit_at);
    unit_help(node->text + unit_at, len, &help);
    if (help.len == 0 && *dim_units(dim)) {
        strbuf_addf(&help, "accepted: %s", dim_units(dim));
    }
    if (dim_is_one(dim) && isalpha((unsigned char)node->text[unit_at])) {
        diags_error(d, node->mark, NULL, "'%s' must be a plain number, not '%s'", what, node->text);
    } else {
        diags_error(d, part_mark(node, unit_at, len), strbuf_str(&help), "unknown unit '%.*s' of '%s'", len,
                    node->text + unit_at, what);
    }
    strbuf_release(&help);
    return -1;
}

static int report_dimension(const struct node *node, const char *what, struct dim want, struct dim got, struct diags *d)
{
    struct strbuf help = STRBUF_INIT;
    char name[64], other[64];
    const char *accepted = dim_units(want);
    if (dim_is_one(got) && *accepted) {
        int first = (int)strcspn(accepted, ",");
        strbuf_addf(&help, "write '%s%.*s' (accepted: %s)", node->text, first, accepted, accepted);
        diags_error(d, node->mark, strbuf_str(&help), "'%s' needs a unit", what);
    } else {
        strbuf_addf(&help, "%s%s", *accepted ? "accepted: " : "", accepted);
        diags_error(d, node->mark, strbuf_str(&help), "'%s' must be %s, not %s", what,
                    dim_name(want, name, sizeof name), dim_name(got, other, sizeof other));
    }
    strbuf_release(&help);
    return -1;
}

/* A number of this dimension that fills the scalar. */
static int read_number(const struct node *node, const char *what, struct dim want, double *out, struct diags *d)
{
    struct dim dim;
    int unit_at;
    double value;
    if (want_number(node, what, d)) {
        return -1;
    }
    int used = quantity_scan(node->text, &value, &dim, &unit_at);
    if (used == QUANTITY_BAD_UNIT) {
        return report_unit(node, what, want, unit_at, d);
    }
    if (used == QUANTITY_RANGE) {
        return diags_error(d, node->mark, NULL, "'%s' is too large or too small for a number", what);
    }
    if (used == QUANTITY_NONE) {
        char name[64];
        return diags_error(d, node->mark, NULL, "'%s' must be %s, not '%s'", what, dim_name(want, name, sizeof name),
                           node->text);
    }
    if (node->text[used] == ' ' && !node->text[used + unit_length(node->text + used + 1) + 1]) {
        struct strbuf help = STRBUF_INIT;
        strbuf_addf(&help, "write '%.*s%s', without a blank", used, node->text, node->text + used + 1);
        diags_error(d, node->mark, strbuf_str(&help), "'%s' has a blank before its unit", what);
        strbuf_release(&help);
        return -1;
    }
    if (node->text[used]) {
        return diags_error(d, part_mark(node, used, 1), NULL, "'%s' cannot be read from here on: '%s'", what,
                           node->text + used);
    }
    if (!dim_equal(dim, want)) {
        return report_dimension(node, what, want, dim, d);
    }
    *out = value;
    return 0;
}

/* "1..1024", "at least 1", "at most 8MiB" */
static void print_range(double min, double max, struct dim dim, struct strbuf *out)
{
    double none = 9e15;
    strbuf_adds(out, max >= none ? "be at least " : min <= -none ? "be at most " : "lie in ");
    if (min > -none) {
        quantity_print(min, dim, out);
    }
    strbuf_adds(out, min > -none && max < none ? ".." : "");
    if (max < none) {
        quantity_print(max, dim, out);
    }
}

static int check_range(const struct node *node, const char *what, double value, double min, double max, struct dim dim,
                       struct diags *d)
{
    if ((min == 0 && max == 0) || (value >= min && value <= max)) {
        return 0;
    }
    struct strbuf range = STRBUF_INIT;
    print_range(min, max, dim, &range);
    diags_error(d, node->mark, NULL, "'%s' must %s, not %s", what, strbuf_str(&range), node->text);
    strbuf_release(&range);
    return -1;
}

int schema_read_real(const struct node *node, const char *what, double min, double max, double *out, struct diags *d)
{
    return schema_read_quantity_in(node, what, DIM_ONE, min, max, out, d);
}

int schema_read_quantity(const struct node *node, const char *what, struct dim dim, double *out, struct diags *d)
{
    return schema_read_quantity_in(node, what, dim, 0, 0, out, d);
}

int schema_read_quantity_in(const struct node *node, const char *what, struct dim dim, double min, double max,
                            double *out, struct diags *d)
{
    double value;
    if (read_number(node, what, dim, &value, d) || check_range(node, what, value, min, max, dim, d)) {
        return -1;
    }
    *out = value;
    return 0;
}

int schema_read_int(const struct node *node, const char *what, int64_t min, int64_t max, int64_t *out, struct diags *d)
{
    double value;
    char *end;
    if (want_number(node, what, d)) {
        return -1;
    }
    errno = 0;
    long long exact = strtoll(node->text, &end, 10); /* all 64 bits of a seed; a double keeps 53 */
    bool digits = isdigit((unsigned char)node->text[node->text[0] == '-' || node->text[0] == '+']);
    if (!digits || *end || errno == ERANGE) {
        if (read_number(node, what, DIM_ONE, &value, d)) {
            return -1;
        }
        if (value != nearbyint(value)) {
            return diags_error(d, node->mark, NULL, "'%s' must be a whole number, not %s", what, node->text);
        }
        if (fabs(value) > 9007199254740992.0) {
            return diags_error(d, node->mark, NULL, "'%s' is too large a number", what);
        }
        exact = (long long)value;
    }
    if ((min != 0 || max != 0) && (exact < min || exact > max)) {
        return check_range(node, what, exact < min ? -HUGE_VAL : HUGE_VAL, (double)min, (double)max, DIM_ONE, d);
    }
    *out = exact;
    return 0;
}

int schema_read_bool(const struct node *node, const char *what, bool *out, struct diags *d)
{
    if (schema_want(node, what, NODE_SCALAR, d)) {
        return -1;
    }
    bool yes = strcmp(node->text, "true") == 0;
    if (node->quoted || (!yes && strcmp(node->text, "false") != 0)) {
        return diags_error(d, node->mark, "write true or false", "'%s' must be true or false, not '%s'", what,
                           node->text);
    }
    *out = yes;
    return 0;
}

int schema_read_choice(const struct node *node, const char *what, const char *const *choices, int *out, struct diags *d)
{
    if (schema_want(node, what, NODE_SCALAR, d)) {
        return -1;
    }
    int n = 0;
    for (; choices[n]; n++) {
        if (strcmp(choices[n], node->text) == 0) {
            *out = n;
            return 0;
        }
    }
    struct strbuf help = STRBUF_INIT;
    suggest_help(node->text, choices, n, &help);
    diags_error(d, node->mark, strbuf_str(&help), "'%s' is no value of '%s'", node->text, what);
    strbuf_release(&help);
    return -1;
}
