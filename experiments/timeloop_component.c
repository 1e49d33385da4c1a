/* Storage and compute units of an architecture: their attributes. */
#include "base/schema.h"
#include "experiments/timeloop_arch_parts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static bool contains(const char *text, const char *word)
{
    return strcasestr(text, word) != NULL;
}

static int want_real(const struct node *v, const char *what, double *out, struct diags *d)
{
    if (schema_want(v, what, NODE_SCALAR, d)) {
        return -1;
    }
    struct node plain = *v;
    plain.quoted = false;
    if (strpbrk(v->text, "*/()$")) {
        return diags_error(d, v->mark, "write the number", "'%s': arithmetic is not read", what);
    }
    return schema_read_real(&plain, what, 0, (double)INFINITY, out, d);
}

/* technology, global_cycle_seconds */
int timeloop_read_global(struct timeloop_reader *r, const struct node *v)
{
    if (strcmp(v->key, "technology") == 0) {
        char text[16];
        if (timeloop_name(v, v->key, text, sizeof text, r->d)) {
            return -1;
        }
        bool bare = text[strspn(text, "0123456789")] == '\0';
        snprintf(r->a->technology, sizeof r->a->technology, "%.12s%s", text, bare ? "nm" : "");
        return 0;
    }
    double s;
    if (want_real(v, v->key, &s, r->d)) {
        return -1;
    }
    if (!(s > 0)) {
        return diags_error(r->d, v->mark, NULL, "'%s' must be above 0", v->key);
    }
    r->a->cycle_s = s;
    return 0;
}

bool timeloop_is_global(const char *key)
{
    return strcmp(key, "technology") == 0 || strcmp(key, "global_cycle_seconds") == 0;
}

void timeloop_warn_unused(struct timeloop_reader *r, const struct node *v)
{
    diags_warning(r->d, v->key_mark, NULL, "attribute '%s' is left out", v->key);
}

/* One attribute of a storage component; the words-a-cycle ones are not known to be words until datawidth is. */
static int read_storage_attribute(struct timeloop_reader *r, struct timeloop_level *l, const struct node *v,
                                  int64_t *block, int64_t *entries)
{
    const struct {
        const char *key;
        int64_t *integer;
        double *real;
    } table[] = {
        {"depth", &l->depth, NULL},
        {"width", &l->width, NULL},
        {"datawidth", &l->datawidth, NULL},
        {"word_bits", &l->datawidth, NULL},
        {"metadata_datawidth", &l->metadata_bits, NULL},
        {"metadata_word_bits", &l->metadata_bits, NULL},
        {"block_size", block, NULL},
        {"entries", entries, NULL},
        {"n_banks", &l->banks, NULL},
        {"multiple_buffering", &l->buffering, NULL},
        {"read_bandwidth", NULL, &l->read_words},
        {"write_bandwidth", NULL, &l->write_words},
        {"shared_bandwidth", NULL, &l->shared_words},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct node one = {.kind = NODE_MAPPING, .n_children = 1};
        struct node copy = *v; /* timeloop_get() knows '-' and '_' */
        one.child = &copy;
        if (!timeloop_get(&one, table[i].key)) {
            continue;
        }
        if (table[i].integer) {
            return timeloop_int(v, v->key, table[i].integer == &l->metadata_bits ? 0 : 1, table[i].integer, r->d);
        }
        if (want_real(v, v->key, table[i].real, r->d)) {
            return -1;
        }
        return *table[i].real > 0 ? 0 : diags_error(r->d, v->mark, NULL, "'%s' must be above 0", v->key);
    }
    if (timeloop_is_global(v->key)) {
        return timeloop_read_global(r, v);
    }
    if (strcmp(v->key, "type") == 0) {
        return timeloop_name(v, "type", l->dram_type, sizeof l->dram_type, r->d);
    }
    static const char *const refused[] = {"sizeKB", "cluster_size", "instances",         "meshX",
                                          "meshY",  "network_read", "network_word_bits", "allow_overbooking"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        if (strcmp(v->key, refused[i]) == 0) {
            return diags_error(r->d, v->key_mark, "give depth, width and datawidth, and meshes in 'spatial'",
                               "attribute '%s' is not read", v->key);
        }
    }
    timeloop_warn_unused(r, v);
    return 0;
}

/* Depth, width and words that fit together. */
static int check_storage(struct timeloop_reader *r, struct timeloop_level *l, const struct node *node, int64_t block,
                         int64_t entries)
{
    struct mark at = node->mark;
    if (l->datawidth == 0) {
        l->datawidth = l->width && block == 0 ? 0 : 8;
        if (l->datawidth == 0) {
            return diags_error(r->d, at, NULL, "'%s' needs 'datawidth'", l->name);
        }
    }
    l->width = l->width ? l->width : l->datawidth * (block ? block : 1);
    if (l->width % l->datawidth != 0 || l->width / l->datawidth > 4096) {
        return diags_error(r->d, at, NULL,
                           "'%s': the width of %lld bits is not a whole number (up to 4096) of words of %lld bits",
                           l->name, (long long)l->width, (long long)l->datawidth);
    }
    int64_t per_row = l->width / l->datawidth;
    if (block != 0 && block != per_row) {
        return diags_error(r->d, at, NULL, "'%s': block_size %lld and width / datawidth = %lld differ", l->name,
                           (long long)block, (long long)per_row);
    }
    if (entries != 0 && l->depth == 0) {
        if (entries % per_row != 0) {
            return diags_error(r->d, at, NULL, "'%s': %lld entries are not a whole number of rows of %lld", l->name,
                               (long long)entries, (long long)per_row);
        }
        l->depth = entries / per_row;
    }
    int64_t bits;
    if (__builtin_mul_overflow(l->depth, l->width, &bits)) {
        return diags_error(r->d, at, NULL, "'%s' is too large", l->name);
    }
    if (l->buffering > 2) {
        return diags_error(r->d, at, NULL, "'%s': multiple_buffering %lld; 1 and 2 are read", l->name,
                           (long long)l->buffering);
    }
    return 0;
}

int timeloop_read_storage(struct timeloop_reader *r, const struct node *node, const char *name, const char *class,
                          struct timeloop_level **out)
{
    if (r->n_found == HW_LEVELS) {
        return diags_error(r->d, node->mark, NULL, "'%s' is storage level %d; at most %d are possible", name,
                           HW_LEVELS + 1, HW_LEVELS);
    }
    const struct node *attributes = timeloop_get(node, "attributes");
    int64_t block = 0, entries = 0;
    int errors = r->d->n_errors;
    struct timeloop_level *l = &r->found[r->n_found];
    *l = (struct timeloop_level){.banks = 1,
                                 .buffering = 1,
                                 .fan_x = 1,
                                 .fan_y = 1,
                                 .read_words = (double)INFINITY,
                                 .write_words = (double)INFINITY,
                                 .shared_words = (double)INFINITY};
    snprintf(l->name, sizeof l->name, "%s", name);
    bool registers = contains(class, "reg") || contains(class, "_rf") || contains(class, "spad");
    l->class = contains(class, "dram") ? TIMELOOP_DRAM : registers ? TIMELOOP_REGFILE : TIMELOOP_SRAM;
    for (int i = 0; attributes && i < attributes->n_children; i++) {
        read_storage_attribute(r, l, &attributes->child[i], &block, &entries);
    }
    if (r->d->n_errors > errors || check_storage(r, l, node, block, entries)) {
        return -1;
    }
    if (l->depth == 0 && l->class != TIMELOOP_DRAM) {
        diags_warning(r->d, node->mark, NULL, "'%s' has no depth: it holds anything", l->name);
    }
    r->n_found++;
    *out = l;
    return 0;
}

int timeloop_read_mac(struct timeloop_reader *r, const struct node *node, const char *name)
{
    const struct node *attributes = timeloop_get(node, "attributes");
    int64_t width = 0;
    snprintf(r->a->mac, sizeof r->a->mac, "%s", name);
    r->has_mac = true;
    for (int i = 0; attributes && i < attributes->n_children; i++) {
        const struct node *v = &attributes->child[i];
        bool multiplier = strcmp(v->key, "multiplier_width") == 0, adder = strcmp(v->key, "adder_width") == 0;
        bool both = strcmp(v->key, "width") == 0 || strcmp(v->key, "datawidth") == 0;
        int64_t *to = multiplier ? &r->a->multiplier_bits : adder ? &r->a->adder_bits : &width;
        if (multiplier || adder || both) {
            if (timeloop_int(v, v->key, 1, to, r->d)) {
                return -1;
            }
        } else if (timeloop_is_global(v->key)) {
            if (timeloop_read_global(r, v)) {
                return -1;
            }
        } else {
            timeloop_warn_unused(r, v);
        }
    }
    if (r->a->multiplier_bits == 0) {
        r->a->multiplier_bits = width;
    }
    return 0;
}

/* Is this class the arithmetic unit? */
bool timeloop_is_compute(const char *class)
{
    return contains(class, "mac") || contains(class, "compute") || contains(class, "multiplier") ||
           contains(class, "alu");
}

bool timeloop_is_storage(const char *class)
{
    static const char *const words[] = {"dram", "sram", "storage", "buffer", "reg", "spad", "_rf", "cache", "fifo"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (contains(class, words[i])) {
            return true;
        }
    }
    return false;
}
