/* Inside of struct expr, shared by expr_parse.c, expr_check.c, expr_eval.c and expr_print.c only. One array of terms; children are linked by index. */
#ifndef BASE_EXPR_TREE_H
#define BASE_EXPR_TREE_H

#include "base/expr.h"

enum op {
    OP_NUMBER,
    OP_BOOL,
    OP_SYMBOL,
    OP_LABEL, /* of a choice: value is its index */
    OP_WORD,  /* while parsing: a name that may turn out to be a label */
    OP_NEG,
    OP_ADD,
    OP_SUB,
    OP_MUL,
    OP_DIV,
    OP_MIN,
    OP_MAX,
    OP_CEIL,
    OP_FLOOR,
    OP_LOG2,
    OP_SQRT,
    OP_LE,
    OP_GE,
    OP_LT,
    OP_GT,
    OP_EQ,
    OP_NE,
    OP_IN,
    OP_AND,
    OP_OR,
    OP_NOT,
    OP_COUNT
};

struct term {
    enum op op;
    enum value_kind kind;
    struct dim dim;
    double value;              /* OP_NUMBER, OP_BOOL, OP_LABEL */
    int symbol;                /* OP_SYMBOL: index into expr->symbols */
    const char *const *labels; /* of a choice: borrowed from its symbol */
    int n_labels;
    int first, next; /* first child and next sibling, or -1 */
    int begin, end;  /* bytes of the text */
};

struct expr {
    struct term *terms; /* [n] */
    int n, cap, root;
    struct symbol *symbols; /* [n_symbols] copies of the symbols used */
    int n_symbols, cap_symbols;
};

struct parser {
    const char *text;
    int pos;        /* cursor into text */
    struct mark at; /* of the text's first character */
    const struct scope *scope;
    struct diags *d;
    struct expr *e;
    int depth; /* of parentheses, functions, "not" */
};
enum { EXPR_MAX_DEPTH = 64 };

extern const char *const expr_op_text[OP_COUNT]; /* as written: "<=", "min"; NULL for leaves */

/* expr_check.c. Those that return int give the term, or 0, or -1 after an error. */
struct mark expr_mark(const struct parser *p, int begin, int end); /* of bytes of the text; columns count characters */
struct mark expr_term_mark(const struct parser *p, int t);
int expr_too_deep(struct parser *p, int at);
int expr_settle(struct parser *p, int t); /* a word that nothing took for a label is an unknown name */
int expr_want(struct parser *p, int t, enum value_kind kind);
int expr_same_dim(struct parser *p, int a, int b, const char *verb); /* two numbers; verb as in "cannot compare" */
int expr_check_function(struct parser *p, int t);
int expr_check_exponents(struct parser *p, int t);
int expr_make_label(struct parser *p, int t, int choice);         /* turns a word into a label of this choice's */
int expr_check_sides(struct parser *p, enum op op, int a, int b); /* of a comparison or of "in" */

#endif
