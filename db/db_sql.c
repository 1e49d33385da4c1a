/* SQLite as the rest of db/ uses it: every failure becomes a complete sentence with the
 * exit code that belongs to it, in one place. */
#include "db/db_private.h"

#include "base/clock.h"

#include <errno.h>
#include <string.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

/* A page cache of 16 MiB a connection; reading maps up to 1 GiB so that scans copy
 * nothing. */
static const char *const session = "PRAGMA cache_size=-16384; PRAGMA mmap_size=1073741824;"
                                   "PRAGMA temp_store=MEMORY;";

static int corrupt_error(const char *path, const char *detail, struct err *err)
{
    return err_set(err, ERR_DATA,
                   "'%s' is damaged (%s); save what can be read with "
                   "`sqlite3 '%s' .recover | sqlite3 saved.db`, or take a backup",
                   path, detail, path);
}

static bool has_log(const char *path)
{
    struct strbuf name = STRBUF_INIT;
    strbuf_addf(&name, "%s-wal", path);
    bool has = access(name.buf, F_OK) == 0;
    strbuf_release(&name);
    return has;
}

int db_sql_error(sqlite3 *sql, const char *path, const char *doing, struct err *err)
{
    int rc = sql ? sqlite3_extended_errcode(sql) : SQLITE_NOMEM;
    const char *detail = sql ? sqlite3_errmsg(sql) : "out of memory";
    switch (rc & 0xff) {
    case SQLITE_FULL:
        return err_set(err, ERR_IO,
                       "cannot %s '%s': the disk is full or the quota is used up; what was "
                       "acknowledged is kept",
                       doing, path);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return err_set(err, ERR_IO, "cannot %s '%s': another program keeps it locked (%s)", doing, path, detail);
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return err_set(err, ERR_IO, "cannot %s '%s': it is read-only", doing, path);
    case SQLITE_CORRUPT:
        return corrupt_error(path, detail, err);
    case SQLITE_NOTADB:
        return err_set(err, ERR_DATA, "'%s' is not a Dovetail study (no SQLite file)", path);
    case SQLITE_IOERR:
        return err_set(err, ERR_IO, "cannot %s '%s': %s (%s)", doing, path, detail,
                       sqlite3_system_errno(sql) ? strerror(sqlite3_system_errno(sql)) : "input/output error");
    case SQLITE_CANTOPEN:
        if (access(path, R_OK) == 0 && has_log(path)) {
            return err_set(
                err, ERR_IO,
                "cannot read '%s': beside it is a log (%s-wal) of a search that runs or was killed, and to read "
                "it one must be able to write to the folder; copy both files to a folder of yours",
                path, path);
        }
        return err_set(err, ERR_IO, "cannot open '%s': %s", path,
                       sqlite3_system_errno(sql) ? strerror(sqlite3_system_errno(sql)) : detail);
    case SQLITE_INTERRUPT:
        return err_set(err, ERR_RESUME, "'%s': interrupted", path);
    default:
        return err_set(err, ERR_BUG, "cannot %s '%s': %s (SQLite code %d)", doing, path, detail, rc);
    }
}

int db_sql_exec(sqlite3 *sql, const char *path, const char *text, struct err *err)
{
    if (sqlite3_exec(sql, text, NULL, NULL, NULL) != SQLITE_OK) {
        return db_sql_error(sql, path, "use", err);
    }
    return 0;
}

int db_sql_prepare(sqlite3 *sql, const char *path, const char *text, sqlite3_stmt **stmt, struct err *err)
{
    if (sqlite3_prepare_v3(sql, text, -1, SQLITE_PREPARE_PERSISTENT, stmt, NULL) != SQLITE_OK) {
        return db_sql_error(sql, path, "read", err);
    }
    return 0;
}

int db_sql_integer(sqlite3 *sql, const char *path, const char *text, int64_t none, int64_t *out, struct err *err)
{
    sqlite3_stmt *stmt;
    if (db_sql_prepare(sql, path, text, &stmt, err)) {
        return -1;
    }
    int rc = sqlite3_step(stmt);
    *out = none;
    if (rc == SQLITE_ROW && sqlite3_column_type(stmt, 0) != SQLITE_NULL) {
        *out = sqlite3_column_int64(stmt, 0);
    }
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
        db_sql_error(sql, path, "read", err);
        sqlite3_finalize(stmt);
        return -1;
    }
    sqlite3_finalize(stmt);
    return 0;
}

int db_sql_open(const char *path, int flags, sqlite3 **sql, struct err *err)
{
    /* No connection is used by two threads at once (one is the writer's, one a cursor's, one lies behind db->mutex): SQLite need
     * not lock every call, which is half the time of reading a row. */
    int rc = sqlite3_open_v2(path, sql, flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc == SQLITE_OK) {
        sqlite3_busy_timeout(*sql, DB_BUSY_MS);
        sqlite3_extended_result_codes(*sql, 1);
        rc = sqlite3_exec(*sql, session, NULL, NULL, NULL);
    }
    if (rc != SQLITE_OK) {
        db_sql_error(*sql, path, "open", err);
        sqlite3_close(*sql);
        *sql = NULL;
        return -1;
    }
    return 0;
}

/* An absolute or relative path as a URI: '%', '?', '#' would be read as syntax. */
void db_sql_uri(struct strbuf *sb, const char *path, const char *query)
{
    strbuf_adds(sb, "file:");
    for (const char *p = path; *p; p++) {
        if (*p == '%' || *p == '?' || *p == '#') {
            strbuf_addf(sb, "%%%02X", (unsigned)(unsigned char)*p);
        } else {
            strbuf_add(sb, p, 1);
        }
    }
    strbuf_adds(sb, query);
}

/* In a folder where this process can make no files, a log cannot be shared; on a network file system nobody writes (db_check_local()): without
 * a log the file stands still, and is read without locks, which a network file system may lack. */
static bool stands_still(const char *path)
{
    struct strbuf name = STRBUF_INIT;
    struct statfs fs;
    const char *slash = strrchr(path, '/');
    strbuf_add(&name, slash ? path : ".", slash ? (size_t)(slash - path) + 1 : 1);
    bool still = access(name.buf, W_OK) != 0 ||
                 (statfs(name.buf, &fs) == 0 && db_network_name((unsigned long)fs.f_type) != NULL);
    strbuf_release(&name);
    return still && !has_log(path);
}

int db_sql_open_reader(const char *path, sqlite3 **sql, struct err *err)
{
    *sql = NULL;
    if (access(path, F_OK)) {
        return err_set(err, ERR_NOINPUT, "cannot open '%s': %s", path, strerror(errno));
    }
    if (db_check_file(path, err)) {
        return -1;
    }
    if (!stands_still(path)) {
        return db_sql_open(path, SQLITE_OPEN_READONLY, sql, err);
    }
    struct strbuf uri = STRBUF_INIT;
    db_sql_uri(&uri, path, "?immutable=1");
    int rc = db_sql_open(uri.buf, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, sql, err);
    strbuf_release(&uri);
    return rc;
}

const char *db_sql_type(enum db_type type)
{
    static const char *const names[DB_TYPE_COUNT] = {"NULL", "INTEGER", "REAL", "TEXT"};
    return names[type];
}

int db_bind_value(sqlite3_stmt *stmt, int parameter, struct db_value v)
{
    switch (v.type) {
    case DB_INTEGER:
        return sqlite3_bind_int64(stmt, parameter, v.u.i);
    case DB_REAL:
        return sqlite3_bind_double(stmt, parameter, v.u.d);
    case DB_TEXT:
        return sqlite3_bind_text(stmt, parameter, v.u.s, -1, SQLITE_TRANSIENT);
    default:
        return sqlite3_bind_null(stmt, parameter);
    }
}

char *db_utc_now(char out[32])
{
    time_t now = time(NULL);
    struct tm tm;
    gmtime_r(&now, &tm);
    strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
    return out;
}

int64_t db_monotonic_ms(void)
{
    return (int64_t)(1e3 * clock_wall_s());
}
