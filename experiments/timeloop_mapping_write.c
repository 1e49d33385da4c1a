/* struct mapping -> mapping: as Timeloop reads it. */
#include "base/mem.h"
#include "base/strbuf.h"
#include "experiments/timeloop_read.h"

/* factors and permutation of the loops, given outermost first; dimensions without a loop have factor 1. */
static void write_nest(const struct einsum *e, const int *dim, const int64_t *bound, const int64_t *residual, int n,
                       struct strbuf *out)
{
    strbuf_adds(out, "    factors: [");
    for (int d = 0; d < e->n_dims; d++) {
        int i = 0;
        while (i < n && dim[i] != d) {
            i++;
        }
        strbuf_adds(out, d ? ", " : "");
        if (i < n && residual[i] != bound[i]) { /* in quotes: a comma ends a word of a YAML list */
            strbuf_addf(out, "'%s=%lld,%lld'", e->dim[d], (long long)bound[i], (long long)residual[i]);
        } else {
            strbuf_addf(out, "%s=%lld", e->dim[d], (long long)(i < n ? bound[i] : 1));
        }
    }
    strbuf_adds(out, "]\n    permutation: [");
    for (int i = n - 1; i >= 0; i--) {
        strbuf_addf(out, "%s%s", i < n - 1 ? ", " : "", e->dim[dim[i]]);
    }
    for (int d = 0, said = n; d < e->n_dims; d++) {
        int i = 0;
        while (i < n && dim[i] != d) {
            i++;
        }
        if (i == n) {
            strbuf_addf(out, "%s%s", said++ ? ", " : "", e->dim[d]);
        }
    }
    strbuf_adds(out, "]\n");
}

static void write_kept(const struct einsum *e, const char *level, uint32_t keep, struct strbuf *out)
{
    strbuf_addf(out, "  - target: %s\n    type: dataspace\n", level);
    for (int side = 0; side < 2; side++) {
        int n = 0;
        strbuf_adds(out, side == 0 ? "    keep: [" : "    bypass: [");
        for (int t = 0; t < e->n_tensors; t++) {
            if ((keep >> t & 1) == (side == 0)) {
                strbuf_addf(out, "%s%s", n++ ? ", " : "", e->tensor[t].name);
            }
        }
        strbuf_adds(out, "]\n");
    }
}

/* Which mesh below the level takes the loop: the first, from the outermost, that has room and comes no earlier than the last one. -1: none. */
static int choose_array(const struct timeloop_arch *arch, int level, const struct spatial_loop *loop, int from,
                        int64_t used[][2])
{
    for (int a = from; a < arch->n_arrays; a++) {
        int64_t mesh = loop->axis == AXIS_X ? arch->array[a].x : arch->array[a].y;
        int64_t *u = &used[a][loop->axis];
        if (arch->array[a].above == level && loop->bound <= mesh / *u) {
            *u *= loop->bound;
            return a;
        }
    }
    return -1;
}

/* The loops of one mesh in Timeloop's order: those along x are the inner ones. */
static int write_array(const struct timeloop *t, const struct timeloop_arch *arch, int array, const int *owner,
                       struct strbuf *out, struct err *err)
{
    const struct mapping_level *ml = &t->mapping.level[arch->array[array].above];
    int dim[2 * EINSUM_DIMS], n = 0, n_x = 0;
    int64_t bound[2 * EINSUM_DIMS], residual[2 * EINSUM_DIMS];
    for (int axis = AXIS_Y; axis >= AXIS_X; axis--) {
        for (int i = 0; i < ml->n_spatial; i++) {
            if (owner[i] != array || (int)ml->spatial[i].axis != axis || ml->spatial[i].bound == 1) {
                continue;
            }
            for (int k = 0; k < n; k++) {
                if (dim[k] == ml->spatial[i].dim) {
                    return err_set(err, ERR_DATA, "'%s' has two loops over '%s': Timeloop's format has one",
                                   arch->array[array].name, t->einsum.dim[ml->spatial[i].dim]);
                }
            }
            dim[n] = ml->spatial[i].dim;
            bound[n] = ml->spatial[i].bound;
            residual[n++] = timeloop_residual(t, arch->array[array].above, true, i);
            n_x += axis == AXIS_X;
        }
    }
    strbuf_addf(out, "  - target: %s\n    type: spatial\n", arch->array[array].name);
    write_nest(&t->einsum, dim, bound, residual, n, out);
    strbuf_addf(out, "    split: %d\n", n_x);
    return 0;
}

static int write_level(const struct timeloop *t, const struct timeloop_arch *arch, int level, struct strbuf *out,
                       struct err *err)
{
    const struct mapping_level *ml = &t->mapping.level[level];
    int dim[EINSUM_DIMS], owner[2 * EINSUM_DIMS], n = 0, from = 0;
    int64_t bound[EINSUM_DIMS], residual[EINSUM_DIMS], used[TIMELOOP_ARRAYS][2];
    for (int i = 0; i < ml->n_temporal; i++) {
        if (ml->temporal[i].bound > 1) {
            dim[n] = ml->temporal[i].dim;
            bound[n] = ml->temporal[i].bound;
            residual[n++] = timeloop_residual(t, level, false, i);
        }
    }
    strbuf_addf(out, "  - target: %s\n    type: temporal\n", arch->level[level].name);
    write_nest(&t->einsum, dim, bound, residual, n, out);
    write_kept(&t->einsum, arch->level[level].name, ml->keep, out);
    for (int a = 0; a < TIMELOOP_ARRAYS; a++) {
        used[a][0] = used[a][1] = 1;
    }
    for (int i = 0; i < ml->n_spatial; i++) {
        owner[i] = choose_array(arch, level, &ml->spatial[i], from, used);
        if (owner[i] < 0) {
            return err_set(err, ERR_DATA, "no mesh below '%s' has room for the loop %s:%lld", arch->level[level].name,
                           t->einsum.dim[ml->spatial[i].dim], (long long)ml->spatial[i].bound);
        }
        from = owner[i];
    }
    for (int a = 0; a < arch->n_arrays; a++) {
        if (arch->array[a].above == level && write_array(t, arch, a, owner, out, err)) {
            return -1;
        }
    }
    return 0;
}

int timeloop_mapping(const struct mapping *m, const struct timeloop_arch *arch, const struct einsum *e,
                     struct strbuf *out, struct err *err)
{
    struct timeloop *t = mem_alloc(sizeof *t);
    int rc = 0;
    t->mapping = *m;
    t->einsum = *e;
    strbuf_adds(out, "mapping:\n");
    for (int l = arch->n_levels - 1; l >= 0 && rc == 0; l--) {
        rc = write_level(t, arch, l, out, err);
    }
    mem_free(t);
    return rc;
}
