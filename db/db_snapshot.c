/* A study file on its way between disks: see db_tools.h.
 *
 * A snapshot is made page by page through a reader's connection (SQLite's online backup), so it is the file as one transaction left it, and
 * then taken out of WAL mode: what stands still is one file, readable where no log can be shared (a network file system, a read-only folder).
 * Who opens it for writing, on a local disk, puts it back into WAL mode. */
#include "db/db_private.h"
#include "db/db_tools.h"

#include <string.h>
#include <unistd.h>

/* "wal" or "delete"; SQLite answers with the mode that it is in now. */
static int set_journal(sqlite3 *sql, const char *path, const char *mode, struct err *err)
{
    char *text = sqlite3_mprintf("PRAGMA journal_mode=%s", mode);
    sqlite3_stmt *stmt;
    int rc = db_sql_prepare(sql, path, text, &stmt, err);
    sqlite3_free(text);
    if (rc) {
        return -1;
    }
    rc = sqlite3_step(stmt);
    bool is = rc == SQLITE_ROW && strcmp((const char *)sqlite3_column_text(stmt, 0), mode) == 0;
    if (!is) {
        db_sql_error(sql, path, "write", err);
    }
    sqlite3_finalize(stmt);
    return is ? 0 : -1;
}

static int copy_pages(sqlite3 *from, sqlite3 *to, const char *path, struct err *err)
{
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
    if (backup == NULL) {
        return db_sql_error(to, path, "write", err);
    }
    sqlite3_backup_step(backup, -1);
    return sqlite3_backup_finish(backup) == SQLITE_OK ? 0 : db_sql_error(to, path, "write", err);
}

int db_snapshot(struct db *db, const char *path, struct err *err)
{
    sqlite3 *from = NULL, *to = NULL;
    unlink(path);
    int rc = db_flush(db, err) || db_check_local(path, err) || db_sql_open_reader(db->path, &from, err) ||
             db_sql_open(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &to, err) ||
             copy_pages(from, to, path, err) || set_journal(to, path, "delete", err);
    sqlite3_close(from);
    if (sqlite3_close(to) != SQLITE_OK && !rc) {
        rc = err_set(err, ERR_IO, "'%s' could not be closed", path);
    }
    if (rc) {
        unlink(path);
    }
    return rc ? -1 : 0;
}

int db_awaken(const char *path, struct err *err)
{
    sqlite3 *sql = NULL;
    int rc = db_check_local(path, err) || db_sql_open(path, SQLITE_OPEN_READWRITE, &sql, err) ||
             set_journal(sql, path, "wal", err);
    sqlite3_close(sql);
    return rc ? -1 : 0;
}
