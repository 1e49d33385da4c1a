/* What was expensive to compute, by the hash of everything that can change it (law 2).
 */
#include "base/mem.h"
#include "db/db_private.h"

#include <string.h>

static const char *const tables[DB_CACHE_COUNT] = {
    [DB_EVALUATIONS] = "evaluation_cache",
    [DB_MAPPINGS] = "mapping_cache",
};

int db_cache_put(struct db *db, enum db_cache cache, struct hash key, const void *value, size_t n, struct err *err)
{
    struct queue *q = db_begin_record(db, err);
    if (!q) {
        return -1;
    }
    queue_begin(q, cache == DB_EVALUATIONS ? RECORD_EVALUATION_CACHE : RECORD_MAPPING_CACHE, 2);
    queue_blob(q, key.byte, HASH_BYTES);
    queue_blob(q, value, n);
    queue_end(q);
    writer_end(db->writer);
    return 0;
}

int db_cache_forget(struct db *db, enum db_cache cache, struct hash key, struct err *err)
{
    struct queue *q = db_begin_record(db, err);
    if (!q) {
        return -1;
    }
    queue_begin(q, cache == DB_EVALUATIONS ? RECORD_EVALUATION_FORGET : RECORD_MAPPING_FORGET, 1);
    queue_blob(q, key.byte, HASH_BYTES);
    queue_end(q);
    writer_end(db->writer);
    return 0;
}

static int prepare(struct db *db, enum db_cache cache, const char *format, sqlite3_stmt **stmt, struct err *err)
{
    char *text = sqlite3_mprintf(format, tables[cache]);
    int rc = db_sql_prepare(db->read, db->path, text, stmt, err);
    sqlite3_free(text);
    return rc;
}

int db_cache_get(struct db *db, enum db_cache cache, struct hash key, void **value, size_t *n, struct err *err)
{
    int rc = -1;
    *value = NULL;
    *n = 0;
    pthread_mutex_lock(&db->mutex);
    sqlite3_stmt **stmt = &db->by_key[cache];
    if (!*stmt && prepare(db, cache, "SELECT value FROM %s WHERE key = ?", stmt, err)) {
        goto done;
    }
    sqlite3_bind_blob(*stmt, 1, key.byte, HASH_BYTES, SQLITE_STATIC);
    rc = sqlite3_step(*stmt);
    if (rc == SQLITE_ROW) {
        const void *blob = sqlite3_column_blob(*stmt, 0);
        *n = (size_t)sqlite3_column_bytes(*stmt, 0);
        *value = mem_alloc(*n);
        if (*n) {
            memcpy(*value, blob, *n);
        }
        rc = 1;
    } else {
        rc = rc == SQLITE_DONE ? 0 : db_sql_error(db->read, db->path, "read", err);
    }
    sqlite3_reset(*stmt);
done:
    pthread_mutex_unlock(&db->mutex);
    return rc;
}

int db_cache_load(struct db *db, enum db_cache cache,
                  int (*fn)(void *ctx, struct hash key, const void *value, size_t n), void *ctx, struct err *err)
{
    sqlite3_stmt *stmt;
    int rc = 0, step = SQLITE_DONE;
    pthread_mutex_lock(&db->mutex);
    if (prepare(db, cache, "SELECT key, value FROM %s ORDER BY rowid", &stmt, err)) {
        pthread_mutex_unlock(&db->mutex);
        return -1;
    }
    while (!rc && (step = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct hash key;
        if (sqlite3_column_bytes(stmt, 0) != HASH_BYTES) {
            rc = err_set(err, ERR_DATA, "'%s': a key in %s has no %d bytes", db->path, tables[cache], HASH_BYTES);
            break;
        }
        memcpy(key.byte, sqlite3_column_blob(stmt, 0), HASH_BYTES);
        rc = fn(ctx, key, sqlite3_column_blob(stmt, 1), (size_t)sqlite3_column_bytes(stmt, 1));
    }
    if (!rc && step != SQLITE_DONE) {
        rc = db_sql_error(db->read, db->path, "read", err);
    }
    sqlite3_finalize(stmt);
    pthread_mutex_unlock(&db->mutex);
    return rc;
}
