/* Linear probing at a load of at most one half; keys are hashes already, so their low bits are the first slot. */
#include "search/visited.h"

#include "base/hash.h"
#include "base/mem.h"

#include <string.h>

void visited_release(struct visited *v)
{
    mem_free(v->slot);
    memset(v, 0, sizeof *v);
}

uint64_t visited_key(const double *x, int n)
{
    struct hash h = hash_bytes(x, (size_t)n * sizeof *x);
    uint64_t key;
    memcpy(&key, h.byte, sizeof key);
    return key ? key : 1;
}

bool visited_has(const struct visited *v, uint64_t key)
{
    if (!v->slot) {
        return false;
    }
    for (uint64_t i = key & v->mask; v->slot[i]; i = (i + 1) & v->mask) {
        if (v->slot[i] == key) {
            return true;
        }
    }
    return false;
}

static void place(uint64_t *slot, uint64_t mask, uint64_t key)
{
    uint64_t i = key & mask;
    while (slot[i]) {
        i = (i + 1) & mask;
    }
    slot[i] = key;
}

static void grow(struct visited *v)
{
    uint64_t slots = v->slot ? 2 * (v->mask + 1) : 1024;
    uint64_t *bigger = mem_calloc(slots, sizeof *bigger);
    for (uint64_t i = 0; v->slot && i <= v->mask; i++) {
        if (v->slot[i]) {
            place(bigger, slots - 1, v->slot[i]);
        }
    }
    mem_free(v->slot);
    v->slot = bigger;
    v->mask = slots - 1;
}

void visited_add(struct visited *v, uint64_t key)
{
    if (visited_has(v, key)) {
        return;
    }
    if (!v->slot || 2 * (uint64_t)(v->n + 1) > v->mask) {
        grow(v);
    }
    place(v->slot, v->mask, key);
    v->n++;
}
