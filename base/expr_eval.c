/* Values, and how far a condition is from holding. Both walk the tree; nothing is allocated or changed, so threads may share an expression. */
#include "base/expr.h"

#include "base/expr_tree.h"

#include <assert.h>
#include <math.h>

enum value_kind expr_kind(const struct expr *e)
{
    return e->terms[e->root].kind;
}

struct dim expr_dim(const struct expr *e)
{
    return e->terms[e->root].dim;
}

bool expr_uses(const struct expr *e, int slot)
{
    for (int i = 0; i < e->n_symbols; i++) {
        if (e->symbols[i].slot == slot) {
            return true;
        }
    }
    return false;
}

static double eval(const struct expr *e, int t, const double *slots);

static double eval_extreme(const struct expr *e, const struct term *term, const double *slots)
{
    double best = eval(e, term->first, slots);
    for (int c = e->terms[term->first].next; c >= 0; c = e->terms[c].next) {
        double x = eval(e, c, slots);
        bool better = term->op == OP_MIN ? x < best : x > best;
        best = better || isnan(x) ? x : best; /* NaN stays: an inactive variable decides nothing */
        if (isnan(best)) {
            return best;
        }
    }
    return best;
}

static bool holds(enum op op, double a, double b)
{
    switch (op) {
    case OP_LE:
        return a <= b;
    case OP_GE:
        return a >= b;
    case OP_LT:
        return a < b;
    case OP_GT:
        return a > b;
    case OP_EQ:
        return a == b;
    default:
        assert(op == OP_NE);
        return a < b || a > b;
    }
}

static bool eval_in(const struct expr *e, const struct term *term, const double *slots)
{
    double a = eval(e, term->first, slots);
    for (int c = e->terms[term->first].next; c >= 0; c = e->terms[c].next) {
        if (a == eval(e, c, slots)) {
            return true;
        }
    }
    return false;
}

static double eval_pair(enum op op, double a, double b)
{
    switch (op) {
    case OP_ADD:
        return a + b;
    case OP_SUB:
        return a - b;
    case OP_MUL:
        return a * b;
    case OP_DIV:
        return a / b;
    default:
        return holds(op, a, b);
    }
}

static double eval_single(enum op op, double a)
{
    switch (op) {
    case OP_NEG:
        return -a;
    case OP_CEIL:
        return ceil(a);
    case OP_FLOOR:
        return floor(a);
    case OP_LOG2:
        return log2(a);
    case OP_SQRT:
        return sqrt(a);
    default:
        assert(op == OP_NOT);
        return a == 0;
    }
}

static double eval(const struct expr *e, int t, const double *slots)
{
    const struct term *term = &e->terms[t];
    int a = term->first;
    switch (term->op) {
    case OP_NUMBER:
    case OP_BOOL:
    case OP_LABEL:
        return term->value;
    case OP_SYMBOL:
        return slots[e->symbols[term->symbol].slot];
    case OP_MIN:
    case OP_MAX:
        return eval_extreme(e, term, slots);
    case OP_IN:
        return eval_in(e, term, slots);
    case OP_AND:
        return eval(e, a, slots) == 1 && eval(e, e->terms[a].next, slots) == 1;
    case OP_OR:
        return eval(e, a, slots) == 1 || eval(e, e->terms[a].next, slots) == 1;
    case OP_NEG:
    case OP_CEIL:
    case OP_FLOOR:
    case OP_LOG2:
    case OP_SQRT:
    case OP_NOT:
        return eval_single(term->op, eval(e, a, slots));
    default:
        return eval_pair(term->op, eval(e, a, slots), eval(e, e->terms[a].next, slots));
    }
}

double expr_eval(const struct expr *e, const double *slots)
{
    return eval(e, e->root, slots);
}

static double excess(double a, double b)
{
    if (isnan(a) || isnan(b)) {
        return HUGE_VAL;
    }
    double scale = fabs(b) > 1e-30 ? fabs(b) : 1;
    double x = fabs(a - b) / scale + 1e-9;
    return isnan(x) ? HUGE_VAL : x;
}

/* Of a comparison that does not hold; negated, of one that holds and should not. */
static double violation_of_compare(const struct expr *e, const struct term *term, bool negated, const double *slots)
{
    bool wants_difference = negated ? term->op == OP_EQ || term->op == OP_IN : term->op == OP_NE;
    bool measured = e->terms[term->first].kind == VALUE_NUMBER && !wants_difference;
    double a = eval(e, term->first, slots);
    double least = HUGE_VAL;
    for (int c = e->terms[term->first].next; c >= 0; c = e->terms[c].next) {
        double b = eval(e, c, slots);
        double x = excess(a, b);
        x = measured || isinf(x) ? x : 1;
        least = x < least ? x : least;
    }
    return least;
}

/* How far the term is from being true; negated, from being false. */
static double violation(const struct expr *e, int t, bool negated, const double *slots)
{
    const struct term *term = &e->terms[t];
    double value = eval(e, t, slots);
    if (isnan(value)) {
        return HUGE_VAL;
    }
    if ((value == 1) != negated) {
        return 0;
    }
    int a = term->first;
    if (term->op == OP_NOT) {
        return violation(e, a, !negated, slots);
    }
    if (term->op == OP_AND || term->op == OP_OR) {
        double x = violation(e, a, negated, slots);
        double y = violation(e, e->terms[a].next, negated, slots);
        return (term->op == OP_AND) != negated ? x + y : fmin(x, y);
    }
    if (term->op >= OP_LE && term->op <= OP_IN) {
        return violation_of_compare(e, term, negated, slots);
    }
    return 1;
}

double expr_violation(const struct expr *e, const double *slots)
{
    assert(expr_kind(e) == VALUE_BOOL);
    return violation(e, e->root, false, slots);
}
