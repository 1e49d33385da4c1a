/* Making, opening and closing a study file.
 *
 * A new file is built under another name in the same folder and linked to its own when
 * it is complete (tables, WAL mode, facts): whoever finds it under its name finds it
 * whole, and two creators cannot both win. */
#include "base/mem.h"
#include "db/db_private.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- making ---- */

static void remove_all(const char *path)
{
    static const char *const tails[] = {"", "-wal", "-shm", "-journal"};
    struct strbuf name = STRBUF_INIT;
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        strbuf_reset(&name);
        strbuf_addf(&name, "%s%s", path, tails[i]);
        unlink(name.buf);
    }
    strbuf_release(&name);
}

static int build(const char *path, int (*fill)(void *ctx, sqlite3 *sql, const char *path, struct err *err), void *ctx,
                 struct err *err)
{
    sqlite3 *sql;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI;
    if (db_sql_open(path, flags, &sql, err)) {
        return -1;
    }
    int rc = fill(ctx, sql, path, err);
    /* Closing would copy the log into the file too, but never say that it could not. */
    if (!rc && sqlite3_wal_checkpoint_v2(sql, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL) != SQLITE_OK) {
        rc = db_sql_error(sql, path, "write", err);
    }
    if (sqlite3_close(sql) != SQLITE_OK && !rc) {
        rc = err_set(err, ERR_BUG, "'%s' could not be closed", path);
    }
    return rc;
}

/* The new name survives a power cut only when its folder is synced too. */
static void sync_folder(const char *path)
{
    struct strbuf folder = STRBUF_INIT;
    const char *slash = strrchr(path, '/');
    strbuf_add(&folder, slash ? path : ".", slash ? (size_t)(slash - path) + 1 : 1);
    int fd = open(folder.buf, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    strbuf_release(&folder);
}

int db_make(const char *path, int (*fill)(void *ctx, sqlite3 *sql, const char *path, struct err *err), void *ctx,
            struct err *err)
{
    struct strbuf name = STRBUF_INIT;
    strbuf_addf(&name, "%s-new%ld", path, (long)getpid());
    remove_all(name.buf);
    int rc = build(name.buf, fill, ctx, err);
    if (!rc && link(name.buf, path)) {
        rc = errno == EEXIST ? 1 : err_set(err, ERR_IO, "cannot make '%s': %s", path, strerror(errno));
    }
    remove_all(name.buf);
    strbuf_release(&name);
    if (!rc) {
        sync_folder(path);
    }
    return rc;
}

static int fill_study(void *ctx, sqlite3 *sql, const char *path, struct err *err)
{
    return db_schema_create(sql, path, ctx, err);
}

static int fill_cache(void *ctx, sqlite3 *sql, const char *path, struct err *err)
{
    (void)ctx;
    return db_schema_create_cache(sql, path, err);
}

/* ---- opening ---- */

static struct db *db_new(const char *path, enum db_mode mode, bool cache_only)
{
    struct db *db = mem_alloc(sizeof *db);
    pthread_mutexattr_t attr;
    db->path = mem_strdup(path);
    db->mode = mode;
    db->cache_only = cache_only;
    db->lock_fd = -1;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&db->mutex, &attr);
    pthread_mutexattr_destroy(&attr);
    return db;
}

static int load(struct db *db, struct err *err)
{
    if (db_sql_open_reader(db->path, &db->read, err) || db_schema_check(db->read, db->path, err) ||
        db_schema_load(db, err) || (db->mode == DB_WRITE && db_awaken(db->path, err))) {
        return -1;
    }
    db->scratch = mem_calloc((size_t)db->n_columns + 1, sizeof *db->scratch);
    int64_t next = 0;
    if (!db->cache_only && db_sql_integer(db->read, db->path, "SELECT max(number) + 1 FROM trials", 0, &next, err)) {
        return -1;
    }
    db->next = next;
    if (db->mode == DB_WRITE) {
        db->writer = writer_new(db);
    }
    return 0;
}

static int check_writable(const char *path, struct err *err)
{
    if (access(path, F_OK)) {
        return err_set(err, ERR_NOINPUT, "cannot open '%s': %s", path, strerror(errno));
    }
    if (access(path, W_OK)) {
        return err_set(err, ERR_IO, "cannot write '%s': %s", path, strerror(errno));
    }
    return db_check_local(path, err);
}

static struct db *opened(struct db *db, int rc, struct err *err)
{
    if (rc) {
        err->code = err->code == ERR_NONE ? ERR_BUG : err->code;
        db_close(db, NULL);
        return NULL;
    }
    return db;
}

struct db *db_open(const char *path, enum db_mode mode, struct err *err)
{
    struct err own = ERR_INIT;
    err = err ? err : &own;
    struct db *db = db_new(path, mode, false);
    int rc = 0;
    if (mode == DB_WRITE) {
        rc = check_writable(path, err) || db_lock(path, &db->lock_fd, err);
    }
    return opened(db, rc || load(db, err), err);
}

struct db *db_create(const char *path, const struct db_layout *layout, struct err *err)
{
    struct err own = ERR_INIT;
    err = err ? err : &own;
    struct db *db = db_new(path, DB_WRITE, false);
    int rc = db_layout_check(layout, err) || db_check_local(path, err) || db_lock(path, &db->lock_fd, err);
    if (!rc) {
        struct db_layout copy = *layout;
        rc = access(path, F_OK) ? db_make(path, fill_study, &copy, err) : 1;
    }
    if (rc == 1 && err->code == ERR_NONE) {
        err_set(err, ERR_IO, "'%s' exists already; nothing is overwritten", path);
    }
    if (!rc && (rc = load(db, err))) {
        remove_all(path); /* ours since the lock: the next attempt shall find nothing */
    }
    return opened(db, rc, err);
}

struct db *db_open_cache(const char *path, struct err *err)
{
    struct err own = ERR_INIT;
    err = err ? err : &own;
    struct db *db = db_new(path, DB_WRITE, true);
    int rc = db_check_local(path, err);
    if (!rc && access(path, F_OK)) {
        rc = db_make(path, fill_cache, NULL, err) < 0;
    }
    rc = rc || check_writable(path, err);
    return opened(db, rc || load(db, err), err);
}

void db_tune(struct db *db, const struct db_tuning *t)
{
    assert(db->writer);
    writer_tune(db->writer, t);
}

static void free_text(const char *s)
{
    mem_free((void *)(uintptr_t)s);
}

static void free_tables(struct db *db)
{
    for (int i = 0; i < db->n_columns; i++) {
        free_text(db->columns[i].name);
        free_text(db->columns[i].unit);
        free_text(db->columns[i].goal);
        free_text(db->columns[i].description);
        free_text(db->columns[i].sql);
    }
    for (int i = 0; i < db->n_meta; i++) {
        free_text(db->meta[i].key);
        free_text(db->meta[i].value);
    }
    mem_free(db->columns);
    mem_free(db->meta);
    mem_free(db->scratch);
    strbuf_release(&db->select);
}

int db_close(struct db *db, struct err *err)
{
    if (!db) {
        return 0;
    }
    int rc = db->writer ? db_sync(db, err) : 0;
    sqlite3_finalize(db->by_number);
    for (int i = 0; i < DB_CACHE_COUNT; i++) {
        sqlite3_finalize(db->by_key[i]);
    }
    sqlite3_close(db->read);
    writer_free(db->writer); /* last, for who only reads cannot clear away the log */
    db_unlock(db->path, db->lock_fd);
    free_tables(db);
    pthread_mutex_destroy(&db->mutex);
    mem_free(db->path);
    mem_free(db);
    return rc;
}

/* ---- facts ---- */

const char *db_path(const struct db *db)
{
    return db->path;
}

const char *db_meta(const struct db *db, const char *key)
{
    for (int i = 0; i < db->n_meta; i++) {
        if (!strcmp(db->meta[i].key, key)) {
            return db->meta[i].value;
        }
    }
    return NULL;
}

int db_columns(const struct db *db, const struct db_column **columns)
{
    *columns = db->columns;
    return db->n_columns;
}

int db_column(const struct db *db, const char *name)
{
    for (int i = 0; i < db->n_columns; i++) {
        if (!strcmp(db->columns[i].name, name)) {
            return i;
        }
    }
    return -1;
}

struct queue *db_begin_record(struct db *db, struct err *err)
{
    if (!db->writer) {
        err_set(err, ERR_BUG, "'%s' was opened for reading", db->path);
        return NULL;
    }
    return writer_begin(db->writer, err);
}

int db_put_meta(struct db *db, const char *key, const char *value, struct err *err)
{
    struct queue *q = db_begin_record(db, err);
    if (!q) {
        return -1;
    }
    queue_begin(q, RECORD_META, 2);
    queue_text(q, key);
    queue_text(q, value);
    queue_end(q);
    writer_end(db->writer);
    pthread_mutex_lock(&db->mutex);
    db_set_meta(db, key, value);
    pthread_mutex_unlock(&db->mutex);
    return 0;
}

int db_flush(struct db *db, struct err *err)
{
    return db->writer ? writer_wait(db->writer, false, err) : 0;
}

int db_sync(struct db *db, struct err *err)
{
    return db->writer ? writer_wait(db->writer, true, err) : 0;
}

int64_t db_stored(const struct db *db)
{
    return db->writer ? writer_stored(db->writer) : db->next;
}

int64_t db_queued(const struct db *db)
{
    return db->next;
}

const struct err *db_failed(const struct db *db)
{
    return db->writer ? writer_failed(db->writer) : NULL;
}
