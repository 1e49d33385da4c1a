/* Command-line options by table. One row drives parsing, checking, --help, the man page, the completions and the test
 * that goes through all of them; a verb's values are a plain struct that the rows point into by offset.
 *
 *     struct pareto_opts { int64_t top; bool knee; struct opt_list where; };
 *     static const struct opt options[] = {
 *         {"top", 0, OPT_INT, offsetof(struct pareto_opts, top), "K", .help = "show the best K", .min = 1, .max = 1e9},
 *         {"knee", 0, OPT_FLAG, offsetof(struct pareto_opts, knee), NULL, .help = "show the knee alone"},
 *         {"where", 0, OPT_LIST, offsetof(struct pareto_opts, where), "EXPR", .help = "..."},
 *         OPT_END};
 *
 * Forms: --name VALUE, --name=VALUE, -n VALUE, -nVALUE, -qv; `--` ends them; they may stand before or after arguments.
 * An option that may be given once takes its last value. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "base/err.h"
#include "base/units.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum opt_type {
    OPT_FLAG,     /* bool           no value */
    OPT_INT,      /* int64_t        in [min, max]; 200k, 3M accepted */
    OPT_REAL,     /* double         plain number in [min, max] */
    OPT_QUANTITY, /* double         base units of dim, in [min, max]; the unit is mandatory */
    OPT_STRING,   /* const char *   borrowed from argv */
    OPT_CHOICE,   /* int            index into choices */
    OPT_LIST,     /* struct opt_list, repeatable; texts borrowed from argv */
    OPT_ASSIGN,   /* struct opt_list, repeatable, each must read name=value */
    OPT_TYPE_COUNT
};

struct opt_list {
    const char **item; /* [n], owned array of borrowed texts */
    int n, cap;
};

struct opt {
    const char *name; /* without the dashes; NULL ends the table */
    char letter;      /* or 0 */
    enum opt_type type;
    size_t offset;              /* of the value in the verb's struct */
    const char *arg;            /* what --help calls the value; NULL for a flag */
    const char *help;           /* one line, lower case, no full stop */
    double min, max;            /* both 0: any */
    struct dim dim;             /* OPT_QUANTITY */
    const char *const *choices; /* OPT_CHOICE: NULL-terminated */
};
#define OPT_END                                                                                                        \
    {                                                                                                                  \
        .name = NULL                                                                                                   \
    }

/* Tables to parse with: first match wins. */
struct opt_table {
    const struct opt *options; /* ends with OPT_END; NULL is an empty table */
    void *values;              /* the struct that the offsets are in, preset with the defaults */
};

/* Reads argv[0..argc) into the tables' values. Arguments that are no options go to args (room for argc pointers,
 * borrowed), their number to n_args. Returns 0, or -1 with ERR_USAGE and a "did you mean". */
int options_parse(const struct opt_table *tables, int n_tables, int argc, const char *const *argv, const char **args,
                  int *n_args, struct err *err);
/* Frees the arrays of the lists. */
void options_release(const struct opt_table *table);

#endif
