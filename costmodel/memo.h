/* What was priced already: a thread-safe table from the hash of a canonical text to a small plain value. A value is a pure function of its
 * key (law 2), so what is found never depends on which thread came first; putting a key again is harmless. Bounded: when the table
 * is full an old entry gives way. A backend (a database) may stand behind it: asked when the table does not know, told what is new. */
#ifndef COSTMODEL_MEMO_H
#define COSTMODEL_MEMO_H

#include "base/hash.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct memo_backend {
    void *ctx;
    /* Both may be called by many threads at once. get: true and value[size] filled when known. */
    bool (*get)(void *ctx, struct hash key, void *value, size_t size);
    void (*put)(void *ctx, struct hash key, const void *value, size_t size);
};

struct memo;

/* value_size: bytes of every value; bytes: memory to use at most. `backend` is copied and may be NULL. Caller frees. */
struct memo *memo_new(size_t value_size, size_t bytes, const struct memo_backend *backend);
void memo_free(struct memo *m); /* NULL is fine */
bool memo_get(struct memo *m, struct hash key, void *value);
void memo_put(struct memo *m, struct hash key, const void *value);

struct memo_stats {
    int64_t hits, misses; /* of memo_get(), a hit of the backend is a hit */
    int64_t entries;
};
void memo_stats(struct memo *m, struct memo_stats *out);

#endif
