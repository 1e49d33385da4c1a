/* Every value stands behind the hash of its key and itself. A file that was damaged, or that somebody else wrote, so gives no wrong numbers: what
 * does not agree is dropped and computed anew. */
#include "experiments/shared_cache.h"

#include "base/mem.h"
#include "base/strbuf.h"
#include "experiments/study.h"

#include <stdio.h>
#include <string.h>

struct hash shared_cache_key(const struct accelerator *a, const struct network *net, const struct op_place *place,
                             const struct network_options *o, const struct accuracy *accuracy)
{
    struct strbuf t = STRBUF_INIT;
    strbuf_addf(&t, "model %s goal %s budget %lld\n", MODEL_VERSION, goal_names[o->goal], (long long)o->budget);
    for (int i = 0; i < METRIC_COUNT; i++) {
        strbuf_addf(&t, "%s ", metrics[i].name);
    }
    if (accuracy != NULL) {
        strbuf_adds(&t, "\n");
        accuracy_canonical(accuracy, &t);
    }
    strbuf_adds(&t, "\nplaces");
    for (int i = 0; i < net->n_ops; i++) {
        strbuf_addf(&t, " %d:%d", place[i].split, place[i].core);
    }
    strbuf_adds(&t, "\n");
    accelerator_canonical(a, &t);
    network_canonical(net, &t);
    struct hash h = hash_bytes(t.buf, t.len);
    strbuf_release(&t);
    return h;
}

static struct hash seal(struct hash key, const void *value, size_t n)
{
    struct strbuf t = STRBUF_INIT;
    strbuf_add(&t, key.byte, HASH_BYTES);
    strbuf_add(&t, value, n);
    struct hash h = hash_bytes(t.buf, t.len);
    strbuf_release(&t);
    return h;
}

static void put(struct db *cache, enum db_cache which, struct hash key, const void *value, size_t n)
{
    struct err late = ERR_INIT; /* a failing cache says so when it is closed */
    struct strbuf t = STRBUF_INIT;
    struct hash h = seal(key, value, n);
    strbuf_add(&t, h.byte, HASH_BYTES);
    strbuf_add(&t, value, n);
    db_cache_put(cache, which, key, t.buf, t.len, &late);
    strbuf_release(&t);
}

/* Whether the entry is there and sound; *value then has at most `max` bytes, *n of them. One that is not is dropped. */
static bool get(struct db *cache, enum db_cache which, struct hash key, void *value, size_t max, size_t *n)
{
    struct err ignored = ERR_INIT;
    void *stored;
    size_t size;
    if (db_cache_get(cache, which, key, &stored, &size, &ignored) != 1) {
        return false;
    }
    bool sound = size >= HASH_BYTES && size - HASH_BYTES <= max;
    if (sound) {
        struct hash h;
        const char *bytes = stored;
        *n = size - HASH_BYTES;
        memcpy(h.byte, bytes, HASH_BYTES);
        memcpy(value, bytes + HASH_BYTES, *n);
        sound = hash_equal(h, seal(key, value, *n));
    }
    if (!sound) {
        db_cache_forget(cache, which, key, &ignored);
    }
    mem_free(stored);
    return sound;
}

/* A value: 'M' and the metrics, or 'X', the error's code and its sentence. */
#define VALUE_BYTES (1 + METRIC_COUNT * sizeof(double) + sizeof((struct err){0}.text))

int shared_cache_get(struct db *cache, struct hash key, double metric[METRIC_COUNT], struct err *err)
{
    char bytes[VALUE_BYTES];
    size_t n;
    if (!get(cache, DB_EVALUATIONS, key, bytes, sizeof bytes, &n)) {
        return 0;
    }
    if (n == 1 + METRIC_COUNT * sizeof *metric && bytes[0] == 'M') {
        memcpy(metric, bytes + 1, METRIC_COUNT * sizeof *metric);
        return 1;
    }
    if (n > 2 && bytes[0] == 'X' && (bytes[1] == ERR_NO || bytes[1] == ERR_DATA)) {
        return err_set(err, (enum err_code)bytes[1], "%.*s", (int)(n - 2), bytes + 2);
    }
    return 0;
}

void shared_cache_put(struct db *cache, struct hash key, const double metric[METRIC_COUNT], const struct err *failed)
{
    char bytes[VALUE_BYTES] = {'M'};
    size_t n = 1 + METRIC_COUNT * sizeof *metric;
    if (failed != NULL && failed->code != ERR_NO && failed->code != ERR_DATA) {
        return;
    }
    if (failed != NULL) {
        bytes[0] = 'X';
        bytes[1] = (char)failed->code;
        n = 2 + strlen(failed->text);
        memcpy(bytes + 2, failed->text, n - 2);
    } else {
        memcpy(bytes + 1, metric, n - 1);
    }
    put(cache, DB_EVALUATIONS, key, bytes, n);
}

/* The memo's key holds the operator, its bits, the hardware, goal and split; the file adds the model's version and the value's size. */
static struct hash mapping_key(struct hash key, size_t size)
{
    struct strbuf t = STRBUF_INIT;
    strbuf_addf(&t, "model %s value %zu ", MODEL_VERSION, size);
    strbuf_add(&t, key.byte, HASH_BYTES);
    struct hash h = hash_bytes(t.buf, t.len);
    strbuf_release(&t);
    return h;
}

static bool get_mapping(void *ctx, struct hash key, void *value, size_t size)
{
    size_t n;
    return get(ctx, DB_MAPPINGS, mapping_key(key, size), value, size, &n) && n == size;
}

static void put_mapping(void *ctx, struct hash key, const void *value, size_t size)
{
    put(ctx, DB_MAPPINGS, mapping_key(key, size), value, size);
}

struct memo *shared_cache_memo(struct db *cache, size_t bytes)
{
    struct memo_backend backend = {cache, get_mapping, put_mapping};
    return memo_new(NETWORK_MEMO_VALUE, bytes, cache != NULL ? &backend : NULL);
}
