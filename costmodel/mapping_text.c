/* Mappings as text: the loop nest that Timeloop's users read, and one line that can be read back. */
#include "costmodel/mapping.h"

#include "base/strbuf.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Iterations in the last pass of a loop of bound n and stride s: what the operator's bound leaves of it. */
static int64_t residual(const struct einsum *e, int dim, int64_t bound, int64_t stride)
{
    return (e->bound[dim] - 1) / stride % bound + 1;
}

static void print_loop(const struct einsum *e, int depth, int dim, int64_t bound, int64_t stride, const char *spatial,
                       struct strbuf *out)
{
    int64_t last = residual(e, dim, bound, stride);
    strbuf_addf(out, "|%*sfor %s in [0:%lld", 2 * depth + 1, "", e->dim[dim], (long long)bound);
    if (last != bound) {
        strbuf_addf(out, ",%lld", (long long)last);
    }
    strbuf_addf(out, ")%s\n", spatial);
}

static void print_tiles(const struct mapping *m, const struct accelerator *a, const struct einsum *e, int level,
                        struct strbuf *out)
{
    size_t from = out->len;
    strbuf_addf(out, "%s [ ", a->level[level].name);
    for (int t = 0; t < e->n_tensors; t++) {
        if (m->level[level].keep >> t & 1) {
            long long tile = mapping_tile(m, e, level, t);
            strbuf_addf(out, "%s:%lld (%lld) ", e->tensor[t].name, tile, tile);
        }
    }
    strbuf_adds(out, "]");
    size_t width = out->len - from;
    strbuf_adds(out, "\n");
    for (size_t i = 0; i < width; i++) {
        strbuf_adds(out, "-");
    }
    strbuf_adds(out, "\n");
}

void mapping_print(const struct mapping *m, const struct accelerator *a, const struct einsum *e, struct strbuf *out)
{
    int64_t stride[EINSUM_DIMS]; /* of the loop at hand: its dimension's bounds inside */
    for (int d = 0; d < e->n_dims; d++) {
        stride[d] = 1;
    }
    for (int l = 0; l < m->n_levels; l++) {
        for (int i = 0; i < m->level[l].n_temporal; i++) {
            stride[m->level[l].temporal[i].dim] *= m->level[l].temporal[i].bound;
        }
        for (int i = 0; i < m->level[l].n_spatial; i++) {
            stride[m->level[l].spatial[i].dim] *= m->level[l].spatial[i].bound;
        }
    }
    int depth = 0;
    for (int l = m->n_levels - 1; l >= 0; l--) {
        const struct mapping_level *ml = &m->level[l];
        print_tiles(m, a, e, l, out);
        for (int i = 0; i < ml->n_temporal; i++) {
            const struct loop *p = &ml->temporal[i];
            stride[p->dim] /= p->bound;
            if (p->bound > 1) {
                print_loop(e, depth++, p->dim, p->bound, stride[p->dim], "", out);
            }
        }
        for (int i = 0; i < ml->n_spatial; i++) {
            const struct spatial_loop *p = &ml->spatial[i];
            stride[p->dim] /= p->bound;
            if (p->bound > 1) {
                print_loop(e, depth++, p->dim, p->bound, stride[p->dim],
                           p->axis == AXIS_X ? " (Spatial-X)" : " (Spatial-Y)", out);
            }
        }
        if (l > 0) {
            strbuf_adds(out, "\n");
        }
    }
    strbuf_addf(out, "|%*s<< Compute >>\n", 2 * depth + 1, "");
}

static void write_loop(const struct einsum *e, int dim, int64_t bound, const char *prefix, struct strbuf *out)
{
    if (bound == 1) {
        return;
    }
    const char *name = e->dim[dim];
    bool digit = isdigit((unsigned char)name[strlen(name) - 1]);
    strbuf_addf(out, " %s%s%s%lld", prefix, name, digit ? "=" : "", (long long)bound);
}

void mapping_write(const struct mapping *m, const struct accelerator *a, const struct einsum *e, struct strbuf *out)
{
    uint32_t all = (1u << e->n_tensors) - 1;
    for (int l = m->n_levels - 1; l >= 0; l--) {
        const struct mapping_level *ml = &m->level[l];
        strbuf_addf(out, "%s%s", l < m->n_levels - 1 ? " | " : "", a->level[l].name);
        if ((ml->keep & all) != all) {
            strbuf_adds(out, "[");
            for (int t = 0; t < e->n_tensors; t++) {
                int c = ml->keep >> t & 1 ? tolower((unsigned char)e->tensor[t].name[0]) : '-';
                strbuf_addf(out, "%c", c);
            }
            strbuf_adds(out, "]");
        }
        for (int i = 0; i < ml->n_temporal; i++) {
            write_loop(e, ml->temporal[i].dim, ml->temporal[i].bound, "", out);
        }
        for (int i = 0; i < ml->n_spatial; i++) {
            write_loop(e, ml->spatial[i].dim, ml->spatial[i].bound, ml->spatial[i].axis == AXIS_X ? "X:" : "Y:", out);
        }
    }
}

/* A reader's place in the text; a token ends at blank or '|'. */
struct reader {
    const char *text, *at;
    const struct einsum *e;
    struct err *err;
};

static int refuse(const struct reader *r, const char *what)
{
    int column = (int)(r->at - r->text) + 1;
    return err_set(r->err, ERR_DATA, "mapping, column %d: %s at '%.20s'", column, what, r->at);
}

static void skip_blanks(struct reader *r)
{
    while (*r->at == ' ' || *r->at == '\t' || *r->at == '\n') {
        r->at++;
    }
}

static int read_keep(struct reader *r, struct mapping_level *ml)
{
    ml->keep = (1u << r->e->n_tensors) - 1;
    if (*r->at != '[') {
        return 0;
    }
    r->at++;
    for (int t = 0; t < r->e->n_tensors; t++, r->at++) {
        int c = tolower((unsigned char)r->e->tensor[t].name[0]);
        if (*r->at == '-') {
            ml->keep &= ~(1u << t);
        } else if (tolower((unsigned char)*r->at) != c) {
            return refuse(r, "expected '-' or the first letter of each tensor");
        }
    }
    if (*r->at != ']') {
        return refuse(r, "expected ']'");
    }
    r->at++;
    return 0;
}

static int read_bound(struct reader *r, int *dim, int64_t *bound)
{
    size_t best = 0;
    for (int d = 0; d < r->e->n_dims; d++) { /* the longest name that fits */
        size_t n = strlen(r->e->dim[d]);
        const char *after = r->at + n;
        if (n > best && strncmp(r->at, r->e->dim[d], n) == 0 && (*after == '=' || isdigit((unsigned char)*after))) {
            best = n;
            *dim = d;
        }
    }
    if (best == 0) {
        return refuse(r, "expected a dimension and its bound");
    }
    r->at += best + (r->at[best] == '=');
    *bound = 0;
    int digits = 0;
    for (; isdigit((unsigned char)*r->at); r->at++, digits++) {
        if (digits == 18) {
            return refuse(r, "a bound of more than 18 digits");
        }
        *bound = 10 * *bound + (*r->at - '0');
    }
    if (digits == 0 || *bound == 0) {
        return refuse(r, "expected a bound of at least 1");
    }
    return 0;
}

static int read_loop(struct reader *r, struct mapping_level *ml)
{
    int axis = -1, dim = 0;
    int64_t bound = 0;
    if ((*r->at == 'X' || *r->at == 'Y') && r->at[1] == ':') {
        axis = *r->at == 'X' ? AXIS_X : AXIS_Y;
        r->at += 2;
    }
    if (read_bound(r, &dim, &bound) != 0) {
        return -1;
    }
    if (axis >= 0) {
        if (ml->n_spatial == 2 * EINSUM_DIMS) {
            return refuse(r, "too many spatial loops");
        }
        ml->spatial[ml->n_spatial++] = (struct spatial_loop){dim, bound, axis == AXIS_X ? AXIS_X : AXIS_Y};
        return 0;
    }
    if (ml->n_spatial > 0) {
        return refuse(r, "a temporal loop after a spatial one");
    }
    if (ml->n_temporal == EINSUM_DIMS) {
        return refuse(r, "too many loops");
    }
    ml->temporal[ml->n_temporal++] = (struct loop){dim, bound};
    return 0;
}

int mapping_read(const char *text, const struct accelerator *a, const struct einsum *e, struct mapping *m,
                 struct err *err)
{
    struct reader r = {text, text, e, err};
    memset(m, 0, sizeof *m);
    m->n_levels = a->n_levels;
    for (int l = a->n_levels - 1; l >= 0; l--) {
        size_t n = strlen(a->level[l].name);
        skip_blanks(&r);
        if (strncmp(r.at, a->level[l].name, n) != 0 || (r.at[n] != '\0' && strchr(" \t\n[|", r.at[n]) == NULL)) {
            char what[HW_NAME + 32];
            snprintf(what, sizeof what, "expected level '%s'", a->level[l].name);
            return refuse(&r, what);
        }
        r.at += n;
        if (read_keep(&r, &m->level[l]) != 0) {
            return -1;
        }
        for (skip_blanks(&r); *r.at != '\0' && *r.at != '|'; skip_blanks(&r)) {
            if (read_loop(&r, &m->level[l]) != 0) {
                return -1;
            }
        }
        if (*r.at == '|') {
            if (l == 0) {
                return refuse(&r, "more levels than the accelerator has");
            }
            r.at++;
        } else if (l > 0) {
            return refuse(&r, "the mapping ends before the innermost level");
        }
    }
    return 0;
}
