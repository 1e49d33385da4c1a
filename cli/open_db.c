/* See open_db.h. */
#include "cli/open_db.h"

#include "base/mem.h"
#include "base/strbuf.h"
#include "experiments/study_files.h"

#include <unistd.h>

static bool is_sweep(const char *folder)
{
    struct strbuf path = STRBUF_INIT;
    strbuf_addf(&path, "%s/sweep.json", folder);
    bool is = access(strbuf_str(&path), F_OK) == 0;
    strbuf_release(&path);
    return is;
}

char *find_db(const struct cli *cli, const char *path, int *status)
{
    struct study_files files = {0};
    struct err err = ERR_INIT;
    char *found = NULL;
    *status = 0;
    if (study_files_add(&files, path ? path : ".", NULL, &err)) {
        const char *folder = path ? path : ".";
        *status = is_sweep(folder)
                      ? cli_fail(cli, ERR_NOINPUT,
                                 "'%s' is the folder of a sweep: unite what it found (dovetail merge %s -o "
                                 "ALL.db), or name one of %s/shards",
                                 folder, folder, folder)
                      : cli_error(cli, &err);
    } else if (files.n > 1) {
        *status = cli_fail(cli, ERR_USAGE, "%d databases in '%s': name one", files.n, path ? path : ".");
    } else {
        found = mem_strdup(files.path[0]);
    }
    study_files_release(&files);
    return found;
}

struct db *open_db(const struct cli *cli, const char *path, int *status)
{
    struct err err = ERR_INIT;
    char *found = find_db(cli, path, status);
    struct db *db = found ? db_open(found, DB_READ, &err) : NULL;
    if (found && !db) {
        *status = cli_error(cli, &err);
    }
    mem_free(found);
    return db;
}
