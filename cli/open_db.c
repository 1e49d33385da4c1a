/* See open_db.h. */
#include "cli/open_db.h"

#include "base/strbuf.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static bool is_database_name(const char *name)
{
    size_t n = strlen(name);
    return n > 3 && name[0] != '.' && strcmp(name + n - 3, ".db") == 0;
}

/* The only database of a folder, its path into `found`. 0 or the exit status. */
static int only_database(const struct cli *cli, const char *folder, struct strbuf *found)
{
    DIR *dir = opendir(folder);
    if (!dir) {
        return cli_fail(cli, ERR_NOINPUT, "cannot open '%s': %s", folder, strerror(errno));
    }
    int n = 0;
    for (const struct dirent *e; (e = readdir(dir));) {
        if (is_database_name(e->d_name)) {
            n++;
            strbuf_reset(found);
            strbuf_addf(found, "%s%s%s", strcmp(folder, ".") == 0 ? "" : folder, strcmp(folder, ".") == 0 ? "" : "/",
                        e->d_name);
        }
    }
    closedir(dir);
    if (n == 0) {
        return cli_fail(cli, ERR_NOINPUT, "no database (.db) in '%s'", folder);
    }
    return n == 1 ? 0 : cli_fail(cli, ERR_USAGE, "%d databases in '%s': name one", n, folder);
}

struct db *open_db(const struct cli *cli, const char *path, int *status)
{
    struct strbuf found = STRBUF_INIT;
    struct stat st;
    *status = 0;
    path = path ? path : ".";
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        *status = only_database(cli, path, &found);
        path = strbuf_str(&found);
    }
    struct err err = ERR_INIT;
    struct db *db = *status ? NULL : db_open(path, DB_READ, &err);
    if (!db && !*status) {
        *status = cli_error(cli, &err);
    }
    strbuf_release(&found);
    return db;
}
