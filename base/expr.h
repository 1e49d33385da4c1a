/* The one expression grammar of constraints, conditions, templates and queries.
 *
 *   or    := and { "or" and }          and := not { "and" not }        not := [ "not" ] cmp
 *   cmp   := sum [ ("<=" | ">=" | "<" | ">" | "==" | "!=") sum | "in" "[" sum { "," sum } "]" ]
 *   sum   := term { ("+" | "-") term }      term := unary { ("*" | "/") unary }     unary := [ "-" ] atom
 *   atom  := number-with-unit | name | "(" or ")" | ("min" | "max") "(" or { "," or } ")" | ("ceil" | "log2" | "floor" | "sqrt") "(" or ")"
 *
 * Names are looked up in a scope; they are numbers with a dimension, choices (enumerations compared with == != in against their
 * labels, which are written bare: dataflow == weight_stationary) or booleans. Dimensions are checked when parsing, so 'area <= 4'
 * is an error with the help "write '4mm2'". A name is letters, digits, '_', with '.' inside ('ttft.p99'). After a choice, its labels come before names and
 * numbers ('22nm'). "8GB/s" is one quantity even where 's' is a name: write "8GB / s". Text: at most 4096 bytes, nested at most 64 deep. A parsed expression is immutable and may be evaluated by many threads. */
#ifndef BASE_EXPR_H
#define BASE_EXPR_H

#include "base/diag.h"
#include "base/units.h"

struct strbuf;

enum value_kind { VALUE_NUMBER, VALUE_CHOICE, VALUE_BOOL };

struct symbol {
    const char *name; /* borrowed while expressions parsed with it live */
    enum value_kind kind;
    struct dim dim;            /* VALUE_NUMBER */
    const char *const *labels; /* VALUE_CHOICE: [n_labels]; the value is the index */
    int n_labels;
    int slot;        /* index into the values given to expr_eval() */
    const char *sql; /* SQL column or expression for queries, in base units; or NULL */
};

struct scope {
    const struct symbol *symbols;
    int n;
    const char *what; /* for messages: "parameter", "metric", "variable" */
};

struct expr;

/* NULL and errors in d on failure; `at` is the mark of the text's first character. Free with expr_free(). */
struct expr *expr_parse(const char *text, struct mark at, const struct scope *scope, struct diags *d);
void expr_free(struct expr *e);
enum value_kind expr_kind(const struct expr *e);
struct dim expr_dim(const struct expr *e); /* of a number */
bool expr_uses(const struct expr *e, int slot);
/* Value in base units; booleans are 0 or 1, choices their index. A comparison with a NaN operand (an inactive variable, a failed
 * metric) is false. Allocates nothing. */
double expr_eval(const struct expr *e, const double *slots);
/* How far a boolean expression is from being true: 0 when it is, else the relative excess |a-b| / |b| of a comparison (+ 1e-9; b = 0: |a-b|),
 * the sum over `and`, the minimum over `or` and over the list of `in`, 1 for other booleans, `not` by De Morgan. INFINITY when an operand is NaN. */
double expr_violation(const struct expr *e, const double *slots);
/* Canonical text: minimal parentheses, single blanks, quantities in base units; equal expressions print equally. */
void expr_print(const struct expr *e, struct strbuf *out);
/* SQL with every symbol's `sql`, numbers as '?' parameters appended to params (at most max). Returns their count, -1 when a symbol has
 * no SQL or there are too many. Choices compare with their label as text: those are appended to the SQL quoted. */
int expr_to_sql(const struct expr *e, const struct scope *scope, struct strbuf *sql, double *params, int max);

#endif
