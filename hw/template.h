/* A template is an architecture file (YAML) with named parameters, as a function has arguments; building it with values gives an accelerator.
 * hw/templates/ travels in the program; docs/templates.md describes the format, hw/template_schema.c has its tables. */
#ifndef HW_TEMPLATE_H
#define HW_TEMPLATE_H

#include "base/diag.h"
#include "base/err.h"
#include "base/expr.h"
#include "base/hash.h"
#include "base/schema.h"
#include "base/units.h"
#include "hw/accelerator.h"

enum param_type {
    PARAM_INT,
    PARAM_REAL,
    PARAM_CAPACITY,
    PARAM_FREQUENCY,
    PARAM_BANDWIDTH,
    PARAM_VOLTAGE,
    PARAM_BOOL,
    PARAM_CHOICE,
    PARAM_TYPE_COUNT
};
extern const char *const param_type_names[]; /* "int", "real", "capacity", ... NULL */

struct template_param {
    char *name;
    enum param_type type;
    struct dim dim;  /* DIM_ONE for int, real, bool, choice */
    double def;      /* default: base units; choice: index; bool: 0 or 1 */
    double min, max; /* legal values, inclusive; choice: 0..n_labels-1 */
    char **labels;   /* choice: [n_labels] */
    int n_labels;
    char *help; /* one line, may be empty */
};

struct template;

/* `name` is a template of the program ("edge_npu") or the path of a file (with '/' or '.yaml'). NULL and all errors in d. The result does
 * not need d any more. Free with template_free(NULL allowed). */
struct template *template_load(const char *name, struct diags *d);
/* The same from text in memory; `name` is for messages, and what a relative path in `extends` is relative to. */
struct template *template_read(const char *name, const char *text, size_t len, struct diags *d);
void template_free(struct template *t);

const char *template_name(const struct template *t);
/* Hash of the text of the file and of all that it extends: with the tables of hw/technology, all that decides what a build gives. */
struct hash template_digest(const struct template *t);
const char *template_summary(const struct template *t);
const struct template_param *template_params(const struct template *t, int *n);
int template_param(const struct template *t, const char *name); /* index or -1 */
/* The parameters as symbols for expressions; slot i is parameter i. Lives as long as t. */
const struct scope *template_scope(const struct template *t);
void template_defaults(const struct template *t, double *values); /* [n] */

/* values[i] is parameter i in base units (choice: index, bool: 0 or 1). Pure and thread-safe; allocates nothing that stays.
 * ERR_NO: these values make no accelerator (clock too high, fan-out not whole, memory too small for a word, more bandwidth than the
 * banks give), in a sentence. ERR_DATA: a value outside its parameter's range. About 50 us. */
int template_build(const struct template *t, const double *values, struct accelerator *out, struct err *err);

/* Names of the templates in the program, sorted; at most `max` are written. Returns how many. */
int template_list(char names[][HW_NAME], int max);
/* The tables by which template files are read, for `dovetail schema`, docs and tests. */
const struct schema *const *template_schemas(int *n);

#endif
