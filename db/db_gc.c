/* Tidying a file that nobody writes, and bringing an old one to the present schema. */
#include "base/mem.h"
#include "db/db_private.h"
#include "db/db_tools.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- rank and counts ---- */

static int scan(sqlite3 *sql, const struct db *shape, const char *path, struct strbuf *ids, struct err *err)
{
    struct db_objective o[DB_MAX_OBJECTIVES];
    int m = db_own_objectives(shape, o);
    struct strbuf text = STRBUF_INIT;
    sqlite3_stmt *stmt;
    strbuf_adds(&text, "SELECT id");
    for (int k = 0; k < m; k++) {
        strbuf_addf(&text, ", \"%s\"", o[k].column);
    }
    strbuf_adds(&text, " FROM designs WHERE state = 'ok' ORDER BY id");
    int rc = db_sql_prepare(sql, path, text.buf, &stmt, err);
    strbuf_release(&text);
    if (rc) {
        return -1;
    }
    rc = db_front_ids(stmt, o, m, ids) == SQLITE_DONE ? 0 : db_sql_error(sql, path, "read", err);
    sqlite3_finalize(stmt);
    return rc;
}

/* Runs one statement with the ids as ?1; adds the rows it changed. */
static int update(sqlite3 *sql, const char *path, const char *text, const struct strbuf *ids, int64_t *changed,
                  struct err *err)
{
    sqlite3_stmt *stmt;
    if (db_sql_prepare(sql, path, text, &stmt, err)) {
        return -1;
    }
    if (ids) {
        sqlite3_bind_text(stmt, 1, ids->buf, (int)ids->len, SQLITE_STATIC);
    }
    int rc = sqlite3_step(stmt) == SQLITE_DONE ? 0 : db_sql_error(sql, path, "write", err);
    sqlite3_finalize(stmt);
    *changed += rc ? 0 : sqlite3_changes64(sql);
    return rc;
}

int db_recount(sqlite3 *sql, const struct db *shape, const char *path, int64_t *changed, struct err *err)
{
    struct strbuf ids = STRBUF_INIT;
    *changed = 0;
    int rc = scan(sql, shape, path, &ids, err) ||
             update(sql, path,
                    "UPDATE designs SET rank = NULL WHERE rank = 0 AND id NOT IN"
                    " (SELECT value FROM json_each(?1))",
                    &ids, changed, err) ||
             update(sql, path,
                    "UPDATE designs SET rank = 0 WHERE rank IS NOT 0 AND id IN"
                    " (SELECT value FROM json_each(?1))",
                    &ids, changed, err);
    strbuf_release(&ids);
    return rc ? -1
              : db_sql_exec(sql, path,
                            "UPDATE counts SET n = CASE what"
                            " WHEN 'evaluation_cache' THEN (SELECT count(*) FROM"
                            " evaluation_cache)"
                            " WHEN 'mapping_cache' THEN (SELECT count(*) FROM mapping_cache)"
                            " WHEN 'syncs' THEN n"
                            " ELSE (SELECT count(*) FROM designs WHERE state = what) END",
                            err);
}

/* ---- opening for a tool: alone ---- */

static int open_alone(const char *path, int *lock, sqlite3 **sql, struct err *err)
{
    *lock = -1;
    *sql = NULL;
    if (access(path, F_OK)) {
        return err_set(err, ERR_NOINPUT, "cannot open '%s': %s", path, strerror(errno));
    }
    if (access(path, W_OK)) {
        return err_set(err, ERR_IO, "cannot write '%s': %s", path, strerror(errno));
    }
    return db_check_local(path, err) || db_lock(path, lock, err) || db_sql_open(path, SQLITE_OPEN_READWRITE, sql, err)
               ? -1
               : 0;
}

static void close_alone(const char *path, int lock, sqlite3 *sql)
{
    sqlite3_close(sql);
    db_unlock(path, lock);
}

/* ---- gc ---- */

static int64_t bytes_of(const char *path)
{
    struct stat st;
    return stat(path, &st) ? 0 : (int64_t)st.st_size;
}

static int tidy(sqlite3 *sql, const struct db *shape, bool caches, struct db_gc_report *r, struct err *err)
{
    static const char *const off_front = " WHERE design NOT IN (SELECT id FROM designs WHERE rank = 0)";
    const char *path = shape->path;
    struct strbuf costs = STRBUF_INIT, loops = STRBUF_INIT;
    strbuf_addf(&costs, "DELETE FROM layer_cost%s", off_front);
    strbuf_addf(&loops, "DELETE FROM mappings%s", off_front);
    int rc = db_sql_exec(sql, path, "BEGIN IMMEDIATE", err) ||
             (caches && (update(sql, path, "DELETE FROM evaluation_cache", NULL, &r->cached, err) ||
                         update(sql, path, "DELETE FROM mapping_cache", NULL, &r->cached, err))) ||
             db_recount(sql, shape, path, &r->ranks, err) || update(sql, path, costs.buf, NULL, &r->layer_rows, err) ||
             update(sql, path, loops.buf, NULL, &r->layer_rows, err) || db_sql_exec(sql, path, "COMMIT", err);
    strbuf_release(&costs);
    strbuf_release(&loops);
    if (rc) {
        sqlite3_exec(sql, "ROLLBACK", NULL, NULL, NULL);
        return -1;
    }
    return db_sql_exec(sql, path, "VACUUM; PRAGMA wal_checkpoint(TRUNCATE)", err);
}

static int check_integrity(sqlite3 *sql, const char *path, struct err *err)
{
    sqlite3_stmt *stmt;
    if (db_sql_prepare(sql, path, "PRAGMA quick_check(1)", &stmt, err)) {
        return -1;
    }
    int rc = 0;
    const char *text = sqlite3_step(stmt) == SQLITE_ROW ? (const char *)sqlite3_column_text(stmt, 0) : "unreadable";
    if (strcmp(text, "ok") != 0) {
        rc = err_set(err, ERR_DATA, "'%s' is damaged (%s); nothing was changed", path, text);
    }
    sqlite3_finalize(stmt);
    return rc;
}

int db_gc(const char *path, bool caches, struct db_gc_report *report, struct err *err)
{
    int lock;
    sqlite3 *sql;
    *report = (struct db_gc_report){0};
    int rc = open_alone(path, &lock, &sql, err);
    struct db *shape = rc ? NULL : db_open(path, DB_READ, err);
    rc = !shape || check_integrity(sql, path, err);
    if (!rc) {
        report->bytes_before = bytes_of(path);
        rc = tidy(sql, shape, caches, report, err);
    }
    db_close(shape, NULL);
    close_alone(path, lock, sql);
    report->bytes_after = bytes_of(path);
    return rc ? -1 : 0;
}

/* ---- upgrade ---- */

/* What makes version i + 2 of version i + 1. A new schema is a new row here, and DB_SCHEMA_VERSION. */
static const char *const migrations[] = {
    "ALTER TABLE runs ADD COLUMN origin TEXT",
    /* nothing had filled the tables of version 2 */
    "DROP VIEW energy_by_level; DROP TABLE layer_cost; DROP TABLE mappings;"
    "ALTER TABLE layers RENAME COLUMN weight_bytes TO weights;" DB_BREAKDOWN,
};
_Static_assert(sizeof migrations / sizeof *migrations == DB_SCHEMA_VERSION - 1, "every version has its way up");

static int migrate(sqlite3 *sql, const char *path, int from, struct err *err)
{
    int64_t study; /* a file of caches has none of the tables that ever changed */
    int rc = db_sql_exec(sql, path, "BEGIN IMMEDIATE", err) ||
             db_sql_integer(sql, path, "SELECT count(*) FROM sqlite_schema WHERE name = 'trials'", 0, &study, err);
    for (int v = from; v < DB_SCHEMA_VERSION && !rc && study; v++) {
        rc = db_sql_exec(sql, path, migrations[v - 1], err);
    }
    struct strbuf text = STRBUF_INIT;
    strbuf_addf(&text, "PRAGMA user_version=%d; COMMIT", DB_SCHEMA_VERSION);
    rc = rc || db_sql_exec(sql, path, text.buf, err);
    strbuf_release(&text);
    if (rc) {
        sqlite3_exec(sql, "ROLLBACK", NULL, NULL, NULL);
    }
    return rc ? -1 : 0;
}

int db_upgrade(const char *path, int *from, int *to, struct err *err)
{
    int lock;
    sqlite3 *sql;
    int64_t id = 0, version = 0;
    int rc = open_alone(path, &lock, &sql, err) || db_sql_integer(sql, path, "PRAGMA application_id", 0, &id, err) ||
             db_sql_integer(sql, path, "PRAGMA user_version", 0, &version, err);
    if (!rc && (id != DB_APPLICATION_ID || version < 1 || version > DB_SCHEMA_VERSION)) {
        rc = id == DB_APPLICATION_ID && version >= 1 ? db_schema_check(sql, path, err)
                                                     : err_set(err, ERR_DATA, "'%s' is not a Dovetail study", path);
    }
    *from = (int)version;
    *to = DB_SCHEMA_VERSION;
    if (!rc && version < DB_SCHEMA_VERSION) {
        rc = migrate(sql, path, (int)version, err);
    }
    close_alone(path, lock, sql);
    return rc ? -1 : 0;
}
