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

/* A value: 'M' and the metrics, or 'X', the error's code and its sentence. */
int shared_cache_get(struct db *cache, struct hash key, double metric[METRIC_COUNT], struct err *err)
{
    struct err ignored = ERR_INIT;
    void *value;
    size_t n;
    if (db_cache_get(cache, DB_EVALUATIONS, key, &value, &n, &ignored) != 1) {
        return 0;
    }
    const char *bytes = value;
    int answer = 0;
    if (n == 1 + METRIC_COUNT * sizeof *metric && bytes[0] == 'M') {
        memcpy(metric, bytes + 1, METRIC_COUNT * sizeof *metric);
        answer = 1;
    } else if (n > 2 && bytes[0] == 'X') {
        answer = err_set(err, (enum err_code)bytes[1], "%.*s", (int)(n - 2), bytes + 2);
    }
    mem_free(value);
    return answer;
}

void shared_cache_put(struct db *cache, struct hash key, const double metric[METRIC_COUNT], const struct err *failed)
{
    char bytes[1 + METRIC_COUNT * sizeof *metric + sizeof failed->text] = {'M'};
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
    struct err late = ERR_INIT; /* a failing cache says so when it is closed */
    db_cache_put(cache, DB_EVALUATIONS, key, bytes, n, &late);
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
    struct err ignored = ERR_INIT;
    void *stored;
    size_t n;
    if (db_cache_get(ctx, DB_MAPPINGS, mapping_key(key, size), &stored, &n, &ignored) != 1) {
        return false;
    }
    bool whole = n == size;
    if (whole) {
        memcpy(value, stored, size);
    }
    mem_free(stored);
    return whole;
}

static void put_mapping(void *ctx, struct hash key, const void *value, size_t size)
{
    struct err late = ERR_INIT;
    db_cache_put(ctx, DB_MAPPINGS, mapping_key(key, size), value, size, &late);
}

struct memo *shared_cache_memo(struct db *cache, size_t bytes)
{
    struct memo_backend backend = {cache, get_mapping, put_mapping};
    return memo_new(NETWORK_MEMO_VALUE, bytes, cache != NULL ? &backend : NULL);
}
