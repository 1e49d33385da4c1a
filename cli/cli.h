/* What every verb gets, and how it talks. Results go to stdout, talk and errors to stderr. With --json a verb prints
 * one JSON document on stdout, also when it fails: {"error": {"code", "message"}}.
 *
 * A verb is one file cmd_<verb>.c with one `const struct verb verb_<verb>`, and one row in verbs.c. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "base/diag.h"
#include "base/err.h"
#include "cli/options.h"

#include <jansson.h>
#include <stdbool.h>

struct pool;
struct pool_request;

struct cli {
    const struct verb *verb; /* the one that runs */
    bool json;               /* --json */
    bool quiet;              /* -q: errors only */
    bool verbose;            /* -v */
    bool help;               /* -h: main prints it, verbs never see it */
    bool color_out;          /* stdout understands colors: a terminal, and NO_COLOR is not set */
    bool color_err;          /* stderr, likewise */
    bool tty_err;            /* stderr is a terminal: progress may redraw its line */
    struct pool *(*new_pool)(const struct pool_request *r, struct err *err); /* who evaluates: experiments/pool.h */
};

struct verb {
    const char *name;
    const char *args;          /* "DB [OBJ,OBJ..]"; "" for none */
    const char *help;          /* one line */
    const char *details;       /* paragraphs for --help and the man page, or NULL */
    const char *example;       /* command lines, one a line, or NULL */
    const struct opt *options; /* or NULL */
    size_t options_size;       /* bytes of the verb's values; they start as zeros, or as */
    const void *defaults;      /* this, when not NULL */
    int min_args, max_args;    /* max -1: any number */
    /* Returns the exit status. `options` is the verb's values; args are borrowed from argv. */
    int (*run)(struct cli *cli, const void *options, int n_args, const char *const *args);
};

/* All verbs in the order of the help; NULL ends. */
extern const struct verb *const cli_verbs[];
const struct verb *cli_find_verb(const char *name); /* NULL when unknown */
/* The options that every verb takes, with offsets in struct cli. */
extern const struct opt cli_common_options[];

/* Both print the error and return its exit status. */
int cli_error(const struct cli *cli, const struct err *err);
int cli_fail(const struct cli *cli, enum err_code code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* "no verb 'serach'; did you mean 'search'?": for a word that should name one of n candidates. Returns 64. */
int cli_unknown(const struct cli *cli, const char *what, const char *word, const char *const *candidates, int n);
/* Prints all of d to stderr and, when there are errors, the line "6 errors; nothing was run"; with --json also
 * {"error": .., "diagnostics": [..]} to stdout then. Returns 65 when there are errors (66 when all are files that cannot be read), else 0.
 * Warnings alone are not shown with --quiet. */
int cli_diags(const struct cli *cli, const struct diags *d);
int cli_diags_as(const struct cli *cli, const struct diags *d, enum err_code code); /* the same with another status */

/* What every process does before it evaluates: errors of GSL are returned, not printed; OpenBLAS on one thread. */
void cli_setup(void);
/* The whole program: finds the verb and runs it. Returns the exit status. */
int cli_main(int argc, char **argv, struct pool *(*new_pool)(const struct pool_request *r, struct err *err));

/* Prints one document to stdout and lets go of it. Returns 0; 65 with an error in its place when jansson could not make it (NULL). */
int cli_json(json_t *doc);
/* A line of talk on stderr, newline added: not with --quiet. */
void cli_say(const struct cli *cli, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The next command to type, when a person reads: "next       dovetail pareto demo.db". */
void cli_next(const struct cli *cli, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
