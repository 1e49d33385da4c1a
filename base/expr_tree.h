/* Inside of struct expr, shared by expr_parse.c, expr_eval.c and expr_print.c only. One array of terms; children are linked by index. */
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

extern const char
    *const expr_op_text[OP_COUNT]; /* as written: "<=", "min"; NULL for leaves */

#endif
