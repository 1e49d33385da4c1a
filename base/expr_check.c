/* What a parsed term must be: kinds, dimensions, labels, and the message when it is not, at the smallest part of the text that is wrong. */
#include "base/expr_tree.h"
#include "base/mem.h"
#include "base/strbuf.h"

#include <stdlib.h>
#include <string.h>

/* Columns count characters, not bytes. */
struct mark expr_mark(const struct parser *p, int begin, int end)
{
    struct mark m = p->at;
    if (!m.source) {
        return m;
    }
    m.len = 0;
    for (int i = 0; i < end && p->text[i]; i++) {
        bool starts = ((unsigned char)p->text[i] & 0xc0) != 0x80;
        m.col += starts && i < begin;
        m.len += starts && i >= begin;
    }
    m.len = m.len > 0 ? m.len : 1;
    return m;
}

struct mark expr_term_mark(const struct parser *p, int t)
{
    return expr_mark(p, p->e->terms[t].begin, p->e->terms[t].end);
}

int expr_too_deep(struct parser *p, int at)
{
    return diags_error(p->d, expr_mark(p, at, at + 1), NULL, "nested more than %d deep", EXPR_MAX_DEPTH);
}

static const char *scope_name(int i, const void *data)
{
    const struct scope *scope = data;
    return scope->symbols[i].name;
}

static int unknown_name(struct parser *p, int begin, int end)
{
    enum { MAX_LISTED = 16 };
    char *name = mem_strndup(p->text + begin, (size_t)(end - begin));
    struct strbuf help = STRBUF_INIT;
    int near = suggest_index(name, p->scope->n, scope_name, p->scope);
    if (near >= 0) {
        strbuf_addf(&help, "did you mean '%s'?", p->scope->symbols[near].name);
    } else {
        for (int i = 0; i < p->scope->n && i < MAX_LISTED; i++) {
            strbuf_addf(&help, "%s%s", i ? ", " : "known: ", p->scope->symbols[i].name);
        }
        strbuf_adds(&help, p->scope->n > MAX_LISTED ? ", ..." : "");
    }
    diags_error(p->d, expr_mark(p, begin, end), strbuf_str(&help), "unknown %s '%s'", p->scope->what, name);
    strbuf_release(&help);
    mem_free(name);
    return -1;
}

/* A word that nothing could take for a label. */
int expr_settle(struct parser *p, int t)
{
    if (t >= 0 && p->e->terms[t].op == OP_WORD) {
        return unknown_name(p, p->e->terms[t].begin, p->e->terms[t].end);
    }
    return t;
}

static const char *kind_name(const struct term *t, char *buf, int size)
{
    switch (t->kind) {
    case VALUE_CHOICE:
        return "a choice";
    case VALUE_BOOL:
        return "a condition";
    case VALUE_NUMBER:
        break;
    }
    return dim_name(t->dim, buf, size);
}

int expr_want(struct parser *p, int t, enum value_kind kind)
{
    static const char *const name[] = {
        [VALUE_NUMBER] = "a number", [VALUE_CHOICE] = "a choice", [VALUE_BOOL] = "a condition"};
    char buf[64];
    if (expr_settle(p, t) < 0) {
        return -1;
    }
    const struct term *term = &p->e->terms[t];
    if (term->kind != kind) {
        const char *help =
            kind == VALUE_BOOL && term->kind == VALUE_NUMBER ? "compare it with something: <=, >=, <, >, ==, !=" : NULL;
        return diags_error(p->d, expr_term_mark(p, t), help, "expected %s, but this is %s", name[kind],
                           kind_name(term, buf, sizeof buf));
    }
    return t;
}

/* 'area <= 4': the bare number on one side should have had the other side's unit. */
static int missing_unit(struct parser *p, int bare, int other)
{
    struct strbuf help = STRBUF_INIT;
    const struct term *number = &p->e->terms[bare], *with = &p->e->terms[other];
    const char *accepted = dim_units(with->dim);
    if (*accepted) {
        strbuf_adds(&help, "write '");
        quantity_print_exact(number->value, DIM_ONE, &help);
        strbuf_addf(&help, "%.*s' (accepted: %s)", (int)strcspn(accepted, ","), accepted, accepted);
    } else {
        strbuf_adds(&help, "in units of ");
        dim_print(with->dim, &help);
    }
    const char *name = with->op == OP_SYMBOL ? p->e->symbols[with->symbol].name : "this number";
    diags_error(p->d, expr_term_mark(p, bare), strbuf_str(&help), "%s needs a unit", name);
    strbuf_release(&help);
    return -1;
}

/* Both are numbers of one dimension; `verb` as in "cannot compare". */
int expr_same_dim(struct parser *p, int a, int b, const char *verb)
{
    const struct term *ta = &p->e->terms[a], *tb = &p->e->terms[b];
    char na[64], nb[64];
    if (dim_equal(ta->dim, tb->dim)) {
        return 0;
    }
    if (tb->op == OP_NUMBER && dim_is_one(tb->dim)) {
        return missing_unit(p, b, a);
    }
    if (ta->op == OP_NUMBER && dim_is_one(ta->dim)) {
        return missing_unit(p, a, b);
    }
    return diags_error(p->d, expr_term_mark(p, b), NULL, "cannot %s %s and %s", verb, dim_name(ta->dim, na, sizeof na),
                       dim_name(tb->dim, nb, sizeof nb));
}

/* dim^(1/2), or an error */
static int check_sqrt(struct parser *p, int t)
{
    struct dim *dim = &p->e->terms[t].dim;
    char name[64];
    for (int i = 0; i < Q_COUNT; i++) {
        if (dim->e[i] % 2) {
            return diags_error(p->d, expr_term_mark(p, t), NULL, "%s has no square root",
                               dim_name(*dim, name, sizeof name));
        }
    }
    for (int i = 0; i < Q_COUNT; i++) {
        dim->e[i] = (int8_t)(dim->e[i] / 2);
    }
    return t;
}

int expr_check_function(struct parser *p, int t)
{
    struct term *term = &p->e->terms[t];
    int arg = term->first;
    char name[64];
    term->dim = p->e->terms[arg].dim;
    if (term->op == OP_SQRT) {
        return check_sqrt(p, t);
    }
    if (term->op != OP_MIN && term->op != OP_MAX && !dim_is_one(term->dim)) {
        return diags_error(p->d, expr_term_mark(p, arg), "divide it by a quantity of the same kind",
                           "'%s' wants a plain number, but this is %s", expr_op_text[term->op],
                           dim_name(term->dim, name, sizeof name));
    }
    return t;
}

int expr_check_exponents(struct parser *p, int t)
{
    for (int i = 0; i < Q_COUNT; i++) {
        if (abs(p->e->terms[t].dim.e[i]) > UNIT_MAX_EXPONENT) {
            return diags_error(p->d, expr_term_mark(p, t), NULL, "this product's unit has an exponent above %d",
                               UNIT_MAX_EXPONENT);
        }
    }
    return t;
}

/* Turns the term (a word) into a label of `choice`'s; -1 after an error. */
int expr_make_label(struct parser *p, int t, int choice)
{
    struct term *term = &p->e->terms[t];
    const struct term *of = &p->e->terms[choice];
    char *word = mem_strndup(p->text + term->begin, (size_t)(term->end - term->begin));
    int found = -1;
    for (int i = 0; i < of->n_labels && found < 0; i++) {
        found = strcmp(of->labels[i], word) == 0 ? i : -1;
    }
    if (found < 0) {
        struct strbuf help = STRBUF_INIT;
        suggest_help(word, of->labels, of->n_labels, &help);
        const char *name = of->op == OP_SYMBOL ? p->e->symbols[of->symbol].name : "this choice";
        diags_error(p->d, expr_term_mark(p, t), strbuf_str(&help), "'%s' is no value of '%s'", word, name);
        strbuf_release(&help);
    } else {
        *term = (struct term){.op = OP_LABEL,
                              .kind = VALUE_CHOICE,
                              .value = found,
                              .labels = of->labels,
                              .n_labels = of->n_labels,
                              .first = -1,
                              .next = -1,
                              .begin = term->begin,
                              .end = term->end};
    }
    mem_free(word);
    return found < 0 ? -1 : t;
}

/* Both sides of a comparison or of "in" fit each other. */
int expr_check_sides(struct parser *p, enum op op, int a, int b)
{
    const struct term *ta = &p->e->terms[a], *tb = &p->e->terms[b];
    char na[64], nb[64];
    if (ta->op == OP_WORD && tb->op != OP_WORD && tb->kind == VALUE_CHOICE) {
        if (expr_make_label(p, a, b) < 0) {
            return -1;
        }
    } else if (expr_settle(p, a) < 0 || expr_settle(p, b) < 0) {
        return -1;
    }
    if (ta->kind != tb->kind) {
        return diags_error(p->d, expr_term_mark(p, b), NULL, "cannot compare %s and %s", kind_name(ta, na, sizeof na),
                           kind_name(tb, nb, sizeof nb));
    }
    if (ta->kind == VALUE_NUMBER) {
        return expr_same_dim(p, a, b, "compare");
    }
    if (op != OP_EQ && op != OP_NE && op != OP_IN) {
        return diags_error(p->d, expr_term_mark(p, a), "use ==, != or in", "%s has no order",
                           ta->kind == VALUE_BOOL ? "a condition" : "a choice");
    }
    if (ta->kind == VALUE_CHOICE && ta->labels != tb->labels) {
        return diags_error(p->d, expr_term_mark(p, b), NULL, "cannot compare two choices that have different values");
    }
    return 0;
}
