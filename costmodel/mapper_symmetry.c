/* Exchanges of dimensions that leave an operator as it is: rows and columns of a square convolution with its kernel. Spatial choices that
 * such an exchange turns into each other have the same mappings at the same costs, so one of them is enough. */
#include "costmodel/mapper_search.h"

#include "base/mem.h"

#include <string.h>

struct swap {
    int image[MP_DIMS];
};

static bool same_rank(const struct mp_rank *a, const struct mp_rank *b, const struct swap *s)
{
    int found = 0;
    for (int i = 0; i < a->n_terms; i++) {
        for (int j = 0; j < b->n_terms; j++) {
            found += s->image[a->dim[i]] == b->dim[j] && !(a->coef[i] < b->coef[j] || a->coef[i] > b->coef[j]);
        }
    }
    return a->n_terms == b->n_terms && found == a->n_terms;
}

/* Does the exchange map every tensor onto itself? */
static bool keeps_operator(const struct mp_problem *p, const struct swap *s)
{
    for (int t = 0; t < p->nt; t++) {
        const struct mp_tensor *mt = &p->tensor[t];
        for (int r = 0; r < mt->n_ranks; r++) {
            int twins = 0;
            for (int q = 0; q < mt->n_ranks; q++) {
                twins += same_rank(&mt->rank[r], &mt->rank[q], s);
            }
            if (twins != 1) {
                return false;
            }
        }
    }
    return true;
}

/* The first exchange of one or two pairs of dimensions that keeps the operator. */
static bool find_swap(const struct mp_problem *p, struct swap *out)
{
    int pair[MP_DIMS * MP_DIMS][2], n = 0;
    for (int a = 0; a < p->nd; a++) {
        for (int b = a + 1; b < p->nd; b++) {
            if (p->bound[a] == p->bound[b]) {
                pair[n][0] = a;
                pair[n++][1] = b;
            }
        }
    }
    for (int i = 0; i < n; i++) {
        for (int j = i; j < n; j++) {
            for (int d = 0; d < MP_DIMS; d++) {
                out->image[d] = d;
            }
            for (int k = 0; k < 2; k++) {
                const int *x = pair[k ? j : i];
                out->image[x[0]] = x[1];
                out->image[x[1]] = x[0];
            }
            bool apart = i == j || (pair[i][0] != pair[j][0] && pair[i][0] != pair[j][1] && pair[i][1] != pair[j][0] &&
                                    pair[i][1] != pair[j][1]);
            if (apart && keeps_operator(p, out)) {
                return true;
            }
        }
    }
    return false;
}

static uint64_t key_of(const struct mp_problem *p, const struct mp_spatial *s, const int *image)
{
    uint64_t h = 14695981039346656037u;
    for (int l = 0; l < p->n_levels; l++) {
        for (int d = 0; d < p->nd; d++) {
            h = (h ^ (uint64_t)s->s[l][image ? image[d] : d]) * 1099511628211u;
        }
    }
    return h ^ h >> 32;
}

/* Is b what the exchange makes of a, at the same distances? */
static bool is_image(const struct mp_problem *p, const struct mp_spatial *a, const struct mp_spatial *b,
                     const int *image)
{
    for (int l = 0; l < p->n_levels; l++) {
        for (int d = 0; d < p->nd; d++) {
            if (a->s[l][image[d]] != b->s[l][d]) {
                return false;
            }
        }
        if (memcmp(a->hop_pj[l], b->hop_pj[l], (size_t)p->nt * sizeof a->hop_pj[l][0]) != 0) {
            return false;
        }
    }
    return true;
}

int mp_spatial_drop_images(const struct mp_problem *p, struct mp_spatial *s, int n)
{
    struct swap swap;
    if (n == 0 || !find_swap(p, &swap)) {
        return n;
    }
    size_t size = 1;
    int kept = 0;
    while (size < 2 * (size_t)n) {
        size *= 2;
    }
    int *table = mem_calloc(size, sizeof *table); /* index + 1 of those kept */
    for (int i = 0; i < n; i++) {
        size_t h = key_of(p, &s[i], swap.image) % size;
        while (table[h] && !is_image(p, &s[i], &s[table[h] - 1], swap.image)) {
            h = (h + 1) % size;
        }
        if (table[h]) {
            continue;
        }
        s[kept] = s[i];
        h = key_of(p, &s[kept], NULL) % size;
        while (table[h]) {
            h = (h + 1) % size;
        }
        table[h] = ++kept;
    }
    mem_free(table);
    return kept;
}
