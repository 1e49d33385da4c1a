/* Expressions as text: canonical, and as SQL. */
#include "base/expr.h"

#include "base/expr_tree.h"
#include "base/strbuf.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

/* How tightly an operation binds; an operand that binds less than its place asks for is put in parentheses. */
enum level { LEVEL_OR, LEVEL_AND, LEVEL_NOT, LEVEL_CMP, LEVEL_SUM, LEVEL_TERM, LEVEL_UNARY, LEVEL_ATOM };

static enum level level_of(const struct term *term)
{
    switch (term->op) {
    case OP_OR:
        return LEVEL_OR;
    case OP_AND:
        return LEVEL_AND;
    case OP_NOT:
        return LEVEL_NOT;
    case OP_LE:
    case OP_GE:
    case OP_LT:
    case OP_GT:
    case OP_EQ:
    case OP_NE:
    case OP_IN:
        return LEVEL_CMP;
    case OP_ADD:
    case OP_SUB:
        return LEVEL_SUM;
    case OP_MUL:
    case OP_DIV:
        return LEVEL_TERM;
    case OP_NEG:
        return LEVEL_UNARY;
    case OP_NUMBER:
        return term->value < 0 ? LEVEL_UNARY : LEVEL_ATOM;
    default:
        return LEVEL_ATOM;
    }
}

/* Writes one term in the language of the caller; `least` is the loosest level that needs no parentheses. */
struct printer {
    const struct expr *e;
    struct strbuf *out;
};

static void print(const struct printer *p, int t, enum level least);

static void print_list(const struct printer *p, int first, enum level least)
{
    for (int c = first; c >= 0; c = p->e->terms[c].next) {
        strbuf_adds(p->out, c == first ? "" : ", ");
        print(p, c, least);
    }
}

static void print_open(const struct printer *p, const struct term *term)
{
    const char *op = expr_op_text[term->op];
    int a = term->first;
    int b = a >= 0 ? p->e->terms[a].next : -1;
    enum level level = level_of(term);
    switch (term->op) {
    case OP_NUMBER:
        quantity_print_exact(term->value, term->dim, p->out);
        break;
    case OP_BOOL:
        strbuf_adds(p->out, term->value == 1 ? "true" : "false");
        break;
    case OP_LABEL:
        strbuf_adds(p->out, term->labels[(int)term->value]);
        break;
    case OP_SYMBOL:
        strbuf_adds(p->out, p->e->symbols[term->symbol].name);
        break;
    case OP_NEG:
        strbuf_adds(p->out, "-");
        print(p, a, LEVEL_ATOM);
        break;
    case OP_NOT:
        strbuf_adds(p->out, "not ");
        print(p, a, LEVEL_CMP);
        break;
    case OP_IN:
        print(p, a, LEVEL_SUM);
        strbuf_adds(p->out, " in [");
        print_list(p, b, LEVEL_SUM);
        strbuf_adds(p->out, "]");
        break;
    case OP_MIN:
    case OP_MAX:
    case OP_CEIL:
    case OP_FLOOR:
    case OP_LOG2:
    case OP_SQRT:
        strbuf_addf(p->out, "%s(", op);
        print_list(p, a, LEVEL_OR);
        strbuf_adds(p->out, ")");
        break;
    default: /* two operands; all but comparisons group to the left, and 'and', 'or' are the same either way */
        print(p, a, level == LEVEL_CMP ? LEVEL_SUM : level);
        strbuf_addf(p->out, " %s ", op);
        print(p, b, level == LEVEL_CMP ? LEVEL_SUM : level <= LEVEL_AND ? level : level + 1);
    }
}

static void print(const struct printer *p, int t, enum level least)
{
    const struct term *term = &p->e->terms[t];
    bool parentheses = level_of(term) < least;
    strbuf_adds(p->out, parentheses ? "(" : "");
    print_open(p, term);
    strbuf_adds(p->out, parentheses ? ")" : "");
}

void expr_print(const struct expr *e, struct strbuf *out)
{
    struct printer p = {e, out};
    print(&p, e->root, LEVEL_OR);
}

/* SQL: every operation in parentheses, so that no precedence of SQL's matters. */
struct sql_printer {
    const struct expr *e;
    const struct scope *scope;
    struct strbuf *out;
    double *params;
    int n, max;
    bool failed;
};

static void sql(struct sql_printer *p, int t);

static void sql_symbol(struct sql_printer *p, const struct term *term)
{
    const char *name = p->e->symbols[term->symbol].name;
    for (int i = 0; i < p->scope->n; i++) {
        if (strcmp(p->scope->symbols[i].name, name) == 0 && p->scope->symbols[i].sql) {
            strbuf_adds(p->out, p->scope->symbols[i].sql);
            return;
        }
    }
    p->failed = true;
}

static void sql_text(struct sql_printer *p, const char *s)
{
    strbuf_adds(p->out, "'");
    for (; *s; s++) {
        strbuf_add(p->out, s, 1);
        if (*s == '\'') {
            strbuf_adds(p->out, "'");
        }
    }
    strbuf_adds(p->out, "'");
}

static void sql_number(struct sql_printer *p, double value)
{
    if (p->n >= p->max) {
        p->failed = true;
        return;
    }
    p->params[p->n++] = value;
    strbuf_adds(p->out, "?");
}

static void sql_list(struct sql_printer *p, int first)
{
    strbuf_adds(p->out, "(");
    for (int c = first; c >= 0; c = p->e->terms[c].next) {
        strbuf_adds(p->out, c == first ? "" : ", ");
        sql(p, c);
    }
    strbuf_adds(p->out, ")");
}

static void sql_pair(struct sql_printer *p, const struct term *term)
{
    int b = p->e->terms[term->first].next;
    const char *op = term->op == OP_EQ ? "=" : term->op == OP_NE ? "<>" : expr_op_text[term->op];
    strbuf_adds(p->out, term->op == OP_DIV ? "(cast(" : "("); /* SQL divides integers without their rest */
    sql(p, term->first);
    strbuf_addf(p->out, term->op == OP_DIV ? " as real) %s " : " %s ", op);
    sql(p, b);
    strbuf_adds(p->out, ")");
}

static void sql(struct sql_printer *p, int t)
{
    const struct term *term = &p->e->terms[t];
    int a = term->first;
    switch (term->op) {
    case OP_NUMBER:
        sql_number(p, term->value);
        break;
    case OP_BOOL:
        strbuf_adds(p->out, term->value == 1 ? "1" : "0");
        break;
    case OP_LABEL:
        sql_text(p, term->labels[(int)term->value]);
        break;
    case OP_SYMBOL:
        sql_symbol(p, term);
        break;
    case OP_NEG:
        strbuf_adds(p->out, "(-");
        sql(p, a);
        strbuf_adds(p->out, ")");
        break;
    case OP_NOT: /* a comparison with NULL is false, also under "not" */
        strbuf_adds(p->out, "(not coalesce(");
        sql(p, a);
        strbuf_adds(p->out, ", 0))");
        break;
    case OP_IN:
        strbuf_adds(p->out, "(");
        sql(p, a);
        strbuf_adds(p->out, " in ");
        sql_list(p, p->e->terms[a].next);
        strbuf_adds(p->out, ")");
        break;
    case OP_MIN:
    case OP_MAX:
        strbuf_adds(p->out, p->e->terms[a].next < 0 ? "" : expr_op_text[term->op]); /* SQL's min(x) is an aggregate */
        sql_list(p, a);
        break;
    case OP_CEIL:
    case OP_FLOOR:
    case OP_LOG2:
    case OP_SQRT:
        strbuf_adds(p->out, expr_op_text[term->op]);
        sql_list(p, a);
        break;
    default:
        sql_pair(p, term);
    }
}

int expr_to_sql(const struct expr *e, const struct scope *scope, struct strbuf *out, double *params, int max)
{
    struct sql_printer p = {e, scope, out, params, 0, max, false};
    sql(&p, e->root);
    return p.failed ? -1 : p.n;
}
