/* Reading a document tree into a C struct by a table, with every error reported: unknown keys ("did you mean"), missing keys,
 * wrong kinds, numbers out of range, missing units. One table drives reading, `dovetail schema` and the docs. */
#ifndef BASE_SCHEMA_H
#define BASE_SCHEMA_H

#include "base/doc.h"
#include "base/units.h"

#include <stddef.h>

enum field_type {
    FIELD_STRING,   /* char *            owned by the struct (a preset value is freed with mem_free()) */
    FIELD_NAME,     /* char *            letters, digits, _ . - */
    FIELD_INT,      /* int64_t           in [min, max]; 20k, 1M, 1e6 accepted */
    FIELD_REAL,     /* double            plain number in [min, max] */
    FIELD_QUANTITY, /* double            base units of `dim`, in [min, max] */
    FIELD_BOOL,     /* bool              true | false */
    FIELD_CHOICE,   /* int               index into `choices` */
    FIELD_MAP,      /* the struct itself at offset, read by `sub` */
    FIELD_NODE      /* const struct node * as it stands: read further by hand (lists, expressions, open mappings) */
};

struct field {
    const char *key;
    enum field_type type;
    size_t offset; /* offsetof in the struct */
    bool required;
    double min, max;            /* inclusive; both 0: any; a max of INFINITY: no upper limit */
    const struct dim *dim;      /* FIELD_QUANTITY: &DIM_AREA */
    const char *const *choices; /* FIELD_CHOICE: NULL-terminated */
    const struct schema *
        sub; /* FIELD_MAP; for FIELD_NODE: what a list's items or the values are read by, for documentation and tests */
    const char *help; /* one line for `dovetail schema` and docs */
};

struct schema {
    const char *what;           /* "study", "template", "level": for messages */
    const struct field *fields; /* [n] */
    int n;
};

/* Fields that are absent keep the value that `out` had (so the caller presets defaults). Returns 0, or -1 when at least one error was
 * added to d; the other fields are filled all the same. `seen`, when not NULL, is [schema->n] and tells which keys were present. */
int schema_read(const struct schema *schema, const struct node *node, void *out, bool *seen, struct diags *d);

/* One scalar, with the same checks and messages; `what` is the name that messages give it. min and max both 0: any. */
int schema_read_int(const struct node *node, const char *what, int64_t min, int64_t max, int64_t *out, struct diags *d);
int schema_read_real(const struct node *node, const char *what, double min, double max, double *out, struct diags *d);
int schema_read_bool(const struct node *node, const char *what, bool *out, struct diags *d);
int schema_read_choice(const struct node *node, const char *what, const char *const *choices, int *out,
                       struct diags *d); /* NULL-terminated */
int schema_read_quantity(const struct node *node, const char *what, struct dim dim, double *out, struct diags *d);
int schema_read_quantity_in(const struct node *node, const char *what, struct dim dim, double min, double max,
                            double *out, struct diags *d);
/* The text of a scalar, borrowed from the tree; NULL after an error. */
const char *schema_read_text(const struct node *node, const char *what, struct diags *d);
/* The same, of letters, digits, '_', '.', '-', at most 100. */
const char *schema_read_name(const struct node *node, const char *what, struct diags *d);
/* 0, or -1 and an error when the node is not of this kind (with its tag refused). */
int schema_want(const struct node *node, const char *what, enum node_kind kind, struct diags *d);

#endif
