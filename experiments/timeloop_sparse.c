/* sparse_optimizations of Timeloop v0.4 (Sparseloop): what a level does with zeros, read and written into a template of ours. Its formats
 * are a list of one for each rank; ours are told by what stands in the list. It leaves computes out whose operands do not come, so the MAC
 * waits for what the innermost rule of each tensor waits for. */
#include "base/schema.h"
#include "base/strbuf.h"
#include "experiments/timeloop_read.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *const known_group[] = {"action_optimization", "representation_format", "compute_optimization", NULL};

static struct timeloop_zeros *zeros_of(struct timeloop_zeros *zeros, int *n, const char *name)
{
    for (int i = 0; i < *n; i++) {
        if (strcmp(zeros[i].name, name) == 0) {
            return &zeros[i];
        }
    }
    if (*n == EINSUM_TENSORS) {
        return NULL;
    }
    struct timeloop_zeros *z = &zeros[(*n)++];
    memset(z, 0, sizeof *z);
    snprintf(z->name, sizeof z->name, "%s", name);
    return z;
}

/* Gating or skipping; -1 and an error for anything else. */
static int read_type(const struct node *v, bool *skip, struct diags *d)
{
    const struct node *type = timeloop_get(v, "type");
    const char *text = type ? schema_read_text(type, "type", d) : NULL;
    if (text && (strcmp(text, "gating") == 0 || strcmp(text, "skipping") == 0)) {
        *skip = text[0] == 's';
        return 0;
    }
    return diags_error(d, type ? type->mark : v->mark, "gating and skipping are read", "'type' is not understood");
}

static int read_actions(const struct node *list, struct timeloop_zeros *zeros, int *n, struct diags *d)
{
    static const char *const known[] = {"type", "options", NULL}, *const known_option[] = {"target", "condition_on",
                                                                                           NULL};
    for (int i = 0; list && i < list->n_children; i++) {
        const struct node *v = &list->child[i], *options = timeloop_get(v, "options");
        bool skip;
        if (schema_want(v, "an action optimization", NODE_MAPPING, d) ||
            timeloop_known(v, known, "an action optimization", d) || read_type(v, &skip, d)) {
            return -1;
        }
        for (int k = 0; options && k < options->n_children; k++) {
            const struct node *o = &options->child[k], *target = timeloop_get(o, "target");
            char name[EINSUM_NAME];
            if (schema_want(o, "an option", NODE_MAPPING, d) || timeloop_known(o, known_option, "an option", d)) {
                return -1;
            }
            if (!target || !timeloop_get(o, "condition_on")) {
                return diags_error(d, o->mark, NULL, "an option needs 'target' and 'condition_on'");
            }
            if (timeloop_name(target, "target", name, sizeof name, d)) {
                return -1;
            }
            struct timeloop_zeros *z = zeros_of(zeros, n, name);
            if (!z) {
                return diags_error(d, o->mark, NULL, "more than %d data spaces", EINSUM_TENSORS);
            }
            if (timeloop_names(timeloop_get(o, "condition_on"), skip ? z->skip : z->gate,
                               skip ? &z->n_skip : &z->n_gate, d)) {
                return -1;
            }
        }
    }
    return 0;
}

/* The list of one data space's ranks, outermost first. */
static int read_ranks(const struct node *ranks, int64_t metadata_bits, struct timeloop_zeros *z, struct diags *d)
{
    int offsets = 0, coordinates = 0, masks = 0, runs = 0;
    for (int i = 0; ranks && i < ranks->n_children; i++) {
        const struct node *format = timeloop_get(&ranks->child[i], "format"),
                          *bits = timeloop_get(&ranks->child[i], "metadata_word_bits");
        const char *text = format ? schema_read_text(format, "format", d) : NULL;
        if (!text) {
            return diags_error(d, ranks->child[i].mark, NULL, "a rank needs a 'format'");
        }
        if (bits && timeloop_int(bits, "metadata_word_bits", 1, &z->field_bits, d)) {
            return -1;
        }
        offsets += strcasecmp(text, "UOP") == 0;
        coordinates += strcasecmp(text, "CP") == 0;
        masks += strcasecmp(text, "B") == 0 || strcasecmp(text, "UB") == 0;
        runs += strcasecmp(text, "RLE") == 0;
        if (offsets + coordinates + masks + runs < i + 1 && strcasecmp(text, "U") != 0) {
            return diags_error(d, format->mark, "U, UOP, CP, B, UB, RLE are read", "the format '%s' is not understood",
                               text);
        }
    }
    z->format = runs          ? SPARSE_RLC
                : masks       ? SPARSE_BITMASK
                : coordinates ? (offsets ? SPARSE_CSR : SPARSE_COO)
                              : SPARSE_NONE;
    if (z->format == SPARSE_RLC && z->field_bits == 0) {
        z->field_bits = metadata_bits;
    }
    if (z->format == SPARSE_RLC && z->field_bits == 0) {
        return diags_error(d, ranks->mark, "or give the component a 'metadata_datawidth'",
                           "RLE needs 'metadata_word_bits': the width of a run's length");
    }
    z->field_bits = z->format == SPARSE_BITMASK || z->field_bits > 32 ? 0 : z->field_bits;
    return 0;
}

static int read_formats(const struct node *v, int64_t metadata_bits, struct timeloop_zeros *zeros, int *n,
                        struct diags *d)
{
    const struct node *list = timeloop_get(v, "data_spaces");
    for (int i = 0; list && i < list->n_children; i++) {
        char name[EINSUM_NAME];
        const struct node *at = timeloop_get(&list->child[i], "name");
        if (!at || timeloop_name(at, "name", name, sizeof name, d)) {
            return diags_error(d, list->child[i].mark, NULL, "a representation needs the name of a data space");
        }
        struct timeloop_zeros *z = zeros_of(zeros, n, name);
        if (!z) {
            return diags_error(d, at->mark, NULL, "more than %d data spaces", EINSUM_TENSORS);
        }
        if (read_ranks(timeloop_get(&list->child[i], "ranks"), metadata_bits, z, d)) {
            return -1;
        }
    }
    return 0;
}

int timeloop_read_zeros(const struct node *v, int64_t metadata_bits, struct timeloop_zeros *zeros, int *n,
                        struct diags *d)
{
    if (schema_want(v, "sparse_optimizations", NODE_MAPPING, d) ||
        timeloop_known(v, known_group, "sparse_optimizations", d) ||
        read_actions(timeloop_get(v, "action_optimization"), zeros, n, d) ||
        read_formats(timeloop_get(v, "representation_format"), metadata_bits, zeros, n, d)) {
        return -1;
    }
    const struct node *compute = timeloop_get(v, "compute_optimization");
    if (compute && compute->n_children > 0) {
        return diags_error(d, compute->key_mark, NULL, "'compute_optimization' belongs to the compute unit");
    }
    return 0;
}

int timeloop_read_mac_zeros(const struct node *v, struct timeloop_zeros *mac, struct diags *d)
{
    if (schema_want(v, "sparse_optimizations", NODE_MAPPING, d) ||
        timeloop_known(v, known_group, "sparse_optimizations", d)) {
        return -1;
    }
    const struct node *list = timeloop_get(v, "compute_optimization");
    for (int i = 0; list && i < list->n_children; i++) {
        const struct node *options = timeloop_get(&list->child[i], "options");
        bool skip;
        if (schema_want(&list->child[i], "a compute optimization", NODE_MAPPING, d) ||
            read_type(&list->child[i], &skip, d)) {
            return -1;
        }
        for (int k = 0; options && k < options->n_children; k++) {
            const struct node *on = timeloop_get(&options->child[k], "condition_on");
            if (on && timeloop_names(on, skip ? mac->skip : mac->gate, skip ? &mac->n_skip : &mac->n_gate, d)) {
                return -1;
            }
        }
    }
    return 0;
}

/* "gate: [inputs]" of the data spaces, `before` in front; none may have the role `self`. */
static int write_roles(const char *before, const char *key, char names[][EINSUM_NAME], int n, int self,
                       const struct einsum *e, struct strbuf *out, struct err *err)
{
    uint32_t said = 0;
    int written = 0;
    for (int i = 0; i < n; i++) {
        int role = timeloop_role(e, names[i], err);
        if (role < 0) {
            return -1;
        }
        if (role == TENSOR_OUTPUTS || role == self) {
            return err_set(err, ERR_DATA,
                           "zeros of '%s' cannot be waited for here: a template waits for other operands", names[i]);
        }
        if (!(said >> role & 1)) {
            if (written == 0) {
                strbuf_addf(out, "%s%s: [", before, key);
            }
            strbuf_addf(out, "%s%s", written > 0 ? ", " : "", tensor_role_names[role]);
            written++;
        }
        said |= 1u << role;
    }
    strbuf_adds(out, written ? "]" : "");
    return 0;
}

int timeloop_write_zeros(const struct timeloop_level *l, const struct einsum *e, struct strbuf *out, struct err *err)
{
    uint32_t said = 0;
    for (int i = 0; i < l->n_zeros; i++) {
        struct timeloop_zeros z = l->zeros[i];
        int role = timeloop_role(e, z.name, err);
        if (role < 0) {
            return -1;
        }
        if (said >> role & 1) {
            return err_set(err, ERR_DATA, "'%s': two data spaces with the role of '%s' have zeros", l->name, z.name);
        }
        strbuf_addf(out, "%s%s: {", said ? ", " : ", sparse: {", tensor_role_names[role]);
        said |= 1u << role;
        if (z.format != SPARSE_NONE) {
            strbuf_addf(out, "format: %s, occupancy: expected", sparse_format_names[z.format]);
        }
        const char *comma = z.format != SPARSE_NONE ? ", " : "";
        if (z.format != SPARSE_NONE && z.field_bits > 0) {
            strbuf_addf(out, ", field: %lldbit", (long long)z.field_bits);
        }
        if (write_roles(comma, "gate", z.gate, z.n_gate, role, e, out, err) ||
            write_roles(z.n_gate > 0 ? ", " : comma, "skip", z.skip, z.n_skip, role, e, out, err)) {
            return -1;
        }
        strbuf_adds(out, "}");
    }
    strbuf_adds(out, said ? "}" : "");
    return 0;
}

static void add_names(char to[][EINSUM_NAME], int *n, char from[][EINSUM_NAME], int m)
{
    for (int i = 0; i < m && *n < 2 * EINSUM_TENSORS; i++) {
        memcpy(to[(*n)++], from[i], EINSUM_NAME);
    }
}

int timeloop_write_mac_zeros(const struct timeloop_arch *a, const struct einsum *e, struct strbuf *out, struct err *err)
{
    struct timeloop_zeros mac = a->mac_zeros;
    char gate[2 * EINSUM_TENSORS][EINSUM_NAME], skip[2 * EINSUM_TENSORS][EINSUM_NAME];
    int n_gate = 0, n_skip = 0;
    add_names(gate, &n_gate, mac.gate, mac.n_gate);
    add_names(skip, &n_skip, mac.skip, mac.n_skip);
    for (int l = 0; l < a->n_levels; l++) {
        for (int i = 0; i < a->level[l].n_zeros; i++) {
            struct timeloop_zeros z = a->level[l].zeros[i];
            bool inner = false; /* has a rule for it */
            for (int v = 0; v < l; v++) {
                for (int k = 0; k < a->level[v].n_zeros; k++) {
                    inner = inner || strcmp(a->level[v].zeros[k].name, z.name) == 0;
                }
            }
            if (!inner) {
                add_names(gate, &n_gate, z.gate, z.n_gate);
                add_names(skip, &n_skip, z.skip, z.n_skip);
            }
        }
    }
    return write_roles(", ", "gate", gate, n_gate, -1, e, out, err) ||
                   write_roles(", ", "skip", skip, n_skip, -1, e, out, err)
               ? -1
               : 0;
}
