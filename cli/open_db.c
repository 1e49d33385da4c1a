/* See open_db.h. */
#include "cli/open_db.h"

#include "experiments/study_files.h"

struct db *open_db(const struct cli *cli, const char *path, int *status)
{
    struct study_files files = {0};
    struct err err = ERR_INIT;
    struct db *db = NULL;
    *status = 0;
    if (!study_files_add(&files, path ? path : ".", NULL, &err) && files.n == 1) {
        db = db_open(files.path[0], DB_READ, &err);
    }
    if (files.n > 1) {
        *status = cli_fail(cli, ERR_USAGE, "%d databases in '%s': name one", files.n, path ? path : ".");
    } else if (!db) {
        *status = cli_error(cli, &err);
    }
    study_files_release(&files);
    return db;
}
