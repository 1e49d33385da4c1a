/* A set-associative table: the key's bits choose one of 64 shards (a lock each) and a set of 8 entries in it; a full set replaces its
 * entries in turn. Keys are uniform hashes, so nothing needs rehashing and memory is taken once. */
#include "costmodel/memo.h"

#include "base/mem.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>

enum { SHARDS = 64, WAYS = 8 };

struct shard {
    pthread_mutex_t lock;
    uint8_t *entry; /* [sets][WAYS] of {key, value} */
    uint8_t *used;  /* [sets] entries in use, 0..WAYS */
    uint8_t *turn;  /* [sets] next to be replaced */
    int64_t hits, misses, entries;
};

struct memo {
    size_t value_size, entry_size, sets; /* sets of one shard */
    struct memo_backend backend;         /* get == NULL: none */
    struct shard shard[SHARDS];
};

struct memo *memo_new(size_t value_size, size_t bytes, const struct memo_backend *backend)
{
    struct memo *m = mem_alloc(sizeof *m);
    m->value_size = value_size;
    m->entry_size = HASH_BYTES + value_size;
    m->sets = bytes / (SHARDS * WAYS * m->entry_size) + 1;
    if (backend) {
        m->backend = *backend;
    }
    for (int i = 0; i < SHARDS; i++) {
        pthread_mutex_init(&m->shard[i].lock, NULL);
        m->shard[i].entry = mem_calloc(m->sets, WAYS * m->entry_size);
        m->shard[i].used = mem_calloc(m->sets, 1);
        m->shard[i].turn = mem_calloc(m->sets, 1);
    }
    return m;
}

void memo_free(struct memo *m)
{
    if (!m) {
        return;
    }
    for (int i = 0; i < SHARDS; i++) {
        pthread_mutex_destroy(&m->shard[i].lock);
        mem_free(m->shard[i].entry);
        mem_free(m->shard[i].used);
        mem_free(m->shard[i].turn);
    }
    mem_free(m);
}

static size_t set_of(const struct memo *m, const struct hash *key)
{
    uint64_t bits;
    memcpy(&bits, key->byte + 1, sizeof bits);
    return (size_t)(bits % m->sets);
}

/* The entry with this key in a set, or NULL. */
static uint8_t *find(const struct memo *m, const struct shard *s, size_t set, const struct hash *key)
{
    for (size_t w = 0; w < s->used[set]; w++) {
        uint8_t *e = s->entry + (set * WAYS + w) * m->entry_size;
        if (memcmp(e, key->byte, HASH_BYTES) == 0) {
            return e;
        }
    }
    return NULL;
}

static void store(struct memo *m, struct hash key, const void *value)
{
    struct shard *s = &m->shard[key.byte[0] % SHARDS];
    size_t set = set_of(m, &key);
    pthread_mutex_lock(&s->lock);
    if (!find(m, s, set, &key)) {
        size_t way = s->used[set];
        if (way == WAYS) {
            way = s->turn[set];
            s->turn[set] = (uint8_t)((way + 1) % WAYS);
        } else {
            s->used[set]++;
            s->entries++;
        }
        uint8_t *e = s->entry + (set * WAYS + way) * m->entry_size;
        memcpy(e, key.byte, HASH_BYTES);
        memcpy(e + HASH_BYTES, value, m->value_size);
    }
    pthread_mutex_unlock(&s->lock);
}

bool memo_get(struct memo *m, struct hash key, void *value)
{
    struct shard *s = &m->shard[key.byte[0] % SHARDS];
    size_t set = set_of(m, &key);
    pthread_mutex_lock(&s->lock);
    const uint8_t *e = find(m, s, set, &key);
    if (e) {
        memcpy(value, e + HASH_BYTES, m->value_size);
        s->hits++;
    }
    pthread_mutex_unlock(&s->lock);
    if (e) {
        return true;
    }
    bool known = m->backend.get && m->backend.get(m->backend.ctx, key, value, m->value_size);
    pthread_mutex_lock(&s->lock);
    s->hits += known;
    s->misses += !known;
    pthread_mutex_unlock(&s->lock);
    if (known) {
        store(m, key, value);
    }
    return known;
}

void memo_put(struct memo *m, struct hash key, const void *value)
{
    store(m, key, value);
    if (m->backend.put) {
        m->backend.put(m->backend.ctx, key, value, m->value_size);
    }
}

void memo_stats(struct memo *m, struct memo_stats *out)
{
    memset(out, 0, sizeof *out);
    for (int i = 0; i < SHARDS; i++) {
        struct shard *s = &m->shard[i];
        pthread_mutex_lock(&s->lock);
        out->hits += s->hits;
        out->misses += s->misses;
        out->entries += s->entries;
        pthread_mutex_unlock(&s->lock);
    }
}
