/* Recursive descent over the grammar in expr.h. Dimensions, kinds and labels are checked as terms are made, so an error points at the
 * smallest part of the text that is wrong. Parsing stops at an expression's first error. Hostile text: length and nesting are bounded. */
#include "base/expr.h"

#include "base/expr_scan.h"
#include "base/expr_tree.h"
#include "base/mem.h"
#include "base/strbuf.h"

#include <ctype.h>
#include <string.h>

enum { MAX_LENGTH = 4096, MAX_DEPTH = EXPR_MAX_DEPTH };

const char *const expr_op_text[OP_COUNT] = {
    [OP_ADD] = "+",   [OP_SUB] = "-",     [OP_MUL] = "*",       [OP_DIV] = "/",     [OP_MIN] = "min",
    [OP_MAX] = "max", [OP_CEIL] = "ceil", [OP_FLOOR] = "floor", [OP_LOG2] = "log2", [OP_SQRT] = "sqrt",
    [OP_LE] = "<=",   [OP_GE] = ">=",     [OP_LT] = "<",        [OP_GT] = ">",      [OP_EQ] = "==",
    [OP_NE] = "!=",   [OP_IN] = "in",     [OP_AND] = "and",     [OP_OR] = "or",     [OP_NOT] = "not",
};

static int parse_or(struct parser *p);

static int add_term(struct parser *p, enum op op, enum value_kind kind, int begin, int end)
{
    struct expr *e = p->e;
    MEM_GROW(e->terms, e->n, e->cap);
    e->terms[e->n] = (struct term){.op = op, .kind = kind, .first = -1, .next = -1, .begin = begin, .end = end};
    return e->n++;
}

/* A term over two that were parsed. */
static int add_pair(struct parser *p, enum op op, enum value_kind kind, int a, int b)
{
    int t = add_term(p, op, kind, p->e->terms[a].begin, p->e->terms[b].end);
    p->e->terms[t].first = a;
    p->e->terms[a].next = b;
    return t;
}

static int parse_number(struct parser *p)
{
    double value;
    struct dim dim;
    int unit_at;
    const char *s = p->text + p->pos;
    int used = isdigit((unsigned char)*s) || *s == '.' ? quantity_scan(s, &value, &dim, &unit_at) : QUANTITY_NONE;
    if (used == QUANTITY_NONE) {
        return scan_expected(p, "a value");
    }
    if (used == QUANTITY_RANGE) {
        return diags_error(p->d, expr_mark(p, p->pos, p->pos + unit_at), NULL, "this number is too large or too small");
    }
    if (used == QUANTITY_BAD_UNIT) {
        struct strbuf help = STRBUF_INIT;
        int len = unit_length(s + unit_at);
        unit_help(s + unit_at, len, &help);
        diags_error(p->d, expr_mark(p, p->pos + unit_at, p->pos + unit_at + len), strbuf_str(&help),
                    "unknown unit '%.*s'", len, s + unit_at);
        strbuf_release(&help);
        return -1;
    }
    int t = add_term(p, OP_NUMBER, VALUE_NUMBER, p->pos, p->pos + used);
    p->e->terms[t].value = value;
    p->e->terms[t].dim = dim;
    p->pos += used;
    return t;
}

/* "(" or { "," or } ")" after the name of `op`. */
static int parse_function(struct parser *p, enum op op, int begin)
{
    bool many = op == OP_MIN || op == OP_MAX;
    scan_blanks(p);
    int opened = p->pos++;
    int first = -1, last = -1;
    if (++p->depth > MAX_DEPTH) {
        return expr_too_deep(p, begin);
    }
    do {
        int arg = expr_want(p, parse_or(p), VALUE_NUMBER);
        if (arg < 0 || (last >= 0 && expr_same_dim(p, first, arg, "mix"))) {
            return -1;
        }
        if (last >= 0) {
            p->e->terms[last].next = arg;
        }
        first = first < 0 ? arg : first;
        last = arg;
    } while (many && scan_take(p, ','));
    p->depth--;
    if (scan_close(p, ')', opened)) {
        return -1;
    }
    int t = add_term(p, op, VALUE_NUMBER, begin, p->pos);
    p->e->terms[t].first = first;
    return expr_check_function(p, t);
}

static int add_symbol(struct parser *p, const struct symbol *s, int begin, int end)
{
    struct expr *e = p->e;
    int i = 0;
    while (i < e->n_symbols && strcmp(e->symbols[i].name, s->name) != 0) {
        i++;
    }
    if (i == e->n_symbols) {
        MEM_GROW(e->symbols, e->n_symbols, e->cap_symbols);
        e->symbols[e->n_symbols++] = *s;
    }
    int t = add_term(p, OP_SYMBOL, s->kind, begin, end);
    e->terms[t].symbol = i;
    if (s->kind == VALUE_NUMBER) {
        e->terms[t].dim = s->dim;
    } else if (s->kind == VALUE_CHOICE) {
        e->terms[t].labels = s->labels;
        e->terms[t].n_labels = s->n_labels;
    }
    return t;
}

static bool is_reserved(const char *s, int len)
{
    return scan_is_word(s, len, "and") || scan_is_word(s, len, "or") || scan_is_word(s, len, "not") ||
           scan_is_word(s, len, "in");
}

static int parse_name(struct parser *p)
{
    const char *s = p->text + p->pos;
    int begin = p->pos;
    int len = scan_name_length(s);
    if (is_reserved(s, len)) {
        return scan_expected(p, "a value");
    }
    p->pos += len;
    const char *after = s + len + strspn(s + len, " \t");
    for (int op = OP_MIN; op <= OP_SQRT && *after == '('; op++) {
        if (scan_is_word(s, len, expr_op_text[op])) {
            return parse_function(p, (enum op)op, begin);
        }
    }
    if (*after == '(') {
        p->pos = begin;
        return diags_error(p->d, expr_mark(p, begin, begin + len), "known: min, max, ceil, floor, log2, sqrt",
                           "unknown function '%.*s'", len, s);
    }
    for (int i = 0; i < p->scope->n; i++) {
        if (scan_is_word(s, len, p->scope->symbols[i].name)) {
            return add_symbol(p, &p->scope->symbols[i], begin, p->pos);
        }
    }
    if (scan_is_word(s, len, "true") || scan_is_word(s, len, "false")) {
        int t = add_term(p, OP_BOOL, VALUE_BOOL, begin, p->pos);
        p->e->terms[t].value = len == 4;
        return t;
    }
    return add_term(p, OP_WORD, VALUE_CHOICE, begin, p->pos);
}

static int parse_atom(struct parser *p)
{
    scan_blanks(p);
    int opened = p->pos;
    if (scan_take(p, '(')) {
        if (++p->depth > MAX_DEPTH) {
            return expr_too_deep(p, opened);
        }
        int t = parse_or(p);
        p->depth--;
        if (t < 0 || scan_close(p, ')', opened)) {
            return -1;
        }
        p->e->terms[t].begin = opened;
        p->e->terms[t].end = p->pos;
        return expr_settle(p, t);
    }
    return scan_name_length(p->text + p->pos) > 0 ? parse_name(p) : parse_number(p);
}

static int parse_unary(struct parser *p)
{
    scan_blanks(p);
    int begin = p->pos;
    if (!scan_take(p, '-')) {
        return parse_atom(p);
    }
    int a = expr_want(p, parse_atom(p), VALUE_NUMBER);
    if (a < 0) {
        return -1;
    }
    if (p->e->terms[a].op == OP_NUMBER) {                /* -4mm2 is a number */
        p->e->terms[a].value = 0 - p->e->terms[a].value; /* never -0, which would print as 0 */
        p->e->terms[a].begin = begin;
        return a;
    }
    int t = add_term(p, OP_NEG, VALUE_NUMBER, begin, p->pos);
    p->e->terms[t].first = a;
    p->e->terms[t].dim = p->e->terms[a].dim;
    return t;
}

static int parse_term(struct parser *p)
{
    int a = parse_unary(p);
    while (a >= 0) {
        scan_blanks(p);
        enum op op = p->text[p->pos] == '*' ? OP_MUL : p->text[p->pos] == '/' ? OP_DIV : OP_COUNT;
        if (op == OP_COUNT || p->text[p->pos + 1] == '*') {
            break;
        }
        p->pos++;
        a = expr_want(p, a, VALUE_NUMBER);
        int b = a < 0 ? -1 : expr_want(p, parse_unary(p), VALUE_NUMBER);
        if (b < 0) {
            return -1;
        }
        int t = add_pair(p, op, VALUE_NUMBER, a, b);
        struct dim da = p->e->terms[a].dim, db = p->e->terms[b].dim;
        p->e->terms[t].dim = op == OP_MUL ? dim_mul(da, db) : dim_div(da, db);
        a = expr_check_exponents(p, t);
    }
    return a;
}

static int parse_sum(struct parser *p)
{
    int a = parse_term(p);
    while (a >= 0) {
        scan_blanks(p);
        enum op op = p->text[p->pos] == '+' ? OP_ADD : p->text[p->pos] == '-' ? OP_SUB : OP_COUNT;
        if (op == OP_COUNT) {
            break;
        }
        p->pos++;
        a = expr_want(p, a, VALUE_NUMBER);
        int b = a < 0 ? -1 : expr_want(p, parse_term(p), VALUE_NUMBER);
        if (b < 0 || expr_same_dim(p, a, b, op == OP_ADD ? "add" : "subtract")) {
            return -1;
        }
        int t = add_pair(p, op, VALUE_NUMBER, a, b);
        p->e->terms[t].dim = p->e->terms[a].dim;
        a = t;
    }
    return a;
}

/* A label may look like a number ('22nm') or like a name of the scope: after a choice, what is written up to a delimiter is tried first. */
static int parse_label(struct parser *p, int choice)
{
    scan_blanks(p);
    const struct term *of = &p->e->terms[choice];
    const char *s = p->text + p->pos;
    int len = (int)strcspn(s, " \t\r\n()[],<>=!");
    for (int i = 0; i < of->n_labels; i++) {
        if (scan_is_word(s, len, of->labels[i])) {
            int t = add_term(p, OP_WORD, VALUE_CHOICE, p->pos, p->pos + len);
            p->pos += len;
            return expr_make_label(p, t, choice);
        }
    }
    int t = parse_sum(p);
    return t >= 0 && p->e->terms[t].op == OP_WORD ? expr_make_label(p, t, choice) : t;
}

static int parse_operand(struct parser *p, int left)
{
    return p->e->terms[left].kind == VALUE_CHOICE && p->e->terms[left].op != OP_WORD ? parse_label(p, left)
                                                                                     : parse_sum(p);
}

static int parse_in(struct parser *p, int a)
{
    scan_blanks(p);
    int opened = p->pos;
    if (!scan_take(p, '[')) {
        return scan_expected(p, "'[' after 'in'");
    }
    if (expr_settle(p, a) < 0) {
        return -1;
    }
    int last = a;
    do {
        int b = parse_operand(p, a);
        if (b < 0 || expr_check_sides(p, OP_IN, a, b)) {
            return -1;
        }
        p->e->terms[last].next = b;
        last = b;
    } while (scan_take(p, ','));
    if (scan_close(p, ']', opened)) {
        return -1;
    }
    int t = add_term(p, OP_IN, VALUE_BOOL, p->e->terms[a].begin, p->pos);
    p->e->terms[t].first = a;
    return t;
}

/* The comparison operator at the cursor, taken; OP_COUNT when there is none. */
static enum op take_comparison(struct parser *p)
{
    scan_blanks(p);
    const char *s = p->text + p->pos;
    int len = (int)strspn(s, "<>=!");
    for (int op = OP_LE; op <= OP_NE; op++) {
        if (len > 0 && scan_is_word(s, len, expr_op_text[op])) {
            p->pos += len;
            return (enum op)op;
        }
    }
    return OP_COUNT;
}

static int parse_cmp(struct parser *p)
{
    int a = parse_sum(p);
    if (a < 0) {
        return -1;
    }
    if (scan_word(p, "in")) {
        return parse_in(p, a);
    }
    enum op op = take_comparison(p);
    if (op == OP_COUNT) {
        return a;
    }
    int b = parse_operand(p, a);
    if (b < 0 || expr_check_sides(p, op, a, b)) {
        return -1;
    }
    int t = add_pair(p, op, VALUE_BOOL, a, b);
    int again = p->pos;
    if (take_comparison(p) != OP_COUNT) {
        return diags_error(p->d, expr_mark(p, again, p->pos), "write 'a < b and b < c'",
                           "comparisons cannot be chained");
    }
    return t;
}

static int parse_not(struct parser *p)
{
    scan_blanks(p);
    int begin = p->pos;
    if (!scan_word(p, "not")) {
        return parse_cmp(p);
    }
    if (++p->depth > MAX_DEPTH) {
        return expr_too_deep(p, begin);
    }
    int a = expr_want(p, parse_not(p), VALUE_BOOL);
    p->depth--;
    if (a < 0) {
        return -1;
    }
    int t = add_term(p, OP_NOT, VALUE_BOOL, begin, p->pos);
    p->e->terms[t].first = a;
    return t;
}

static int parse_chain(struct parser *p, enum op op, int (*parse_part)(struct parser *))
{
    int a = parse_part(p);
    while (a >= 0 && scan_word(p, expr_op_text[op])) {
        a = expr_want(p, a, VALUE_BOOL);
        int b = a < 0 ? -1 : expr_want(p, parse_part(p), VALUE_BOOL);
        if (b < 0) {
            return -1;
        }
        a = add_pair(p, op, VALUE_BOOL, a, b);
    }
    return a;
}

static int parse_and(struct parser *p)
{
    return parse_chain(p, OP_AND, parse_not);
}

static int parse_or(struct parser *p)
{
    return parse_chain(p, OP_OR, parse_and);
}

struct expr *expr_parse(const char *text, struct mark at, const struct scope *scope, struct diags *d)
{
    if (strlen(text) > MAX_LENGTH) {
        diags_error(d, at, NULL, "an expression may have %d characters", MAX_LENGTH);
        return NULL;
    }
    struct expr *e = mem_alloc(sizeof *e);
    struct parser p = {.text = text, .at = at, .scope = scope, .d = d, .e = e};
    e->root = expr_settle(&p, parse_or(&p));
    scan_blanks(&p);
    if (e->root >= 0 && p.text[p.pos]) {
        e->root = scan_expected(&p, "an operator or the end");
    }
    if (e->root < 0) {
        expr_free(e);
        return NULL;
    }
    return e;
}

void expr_free(struct expr *e)
{
    if (e) {
        mem_free(e->terms);
        mem_free(e->symbols);
        mem_free(e);
    }
}
