/* The database that a verb's argument means. */
#ifndef CLI_OPEN_DB_H
#define CLI_OPEN_DB_H

#include "cli/cli.h"
#include "db/db.h"

/* The file that is meant: a file; the one .db file in a folder; NULL: in this folder. Caller frees. On error prints it, returns NULL and the exit
 * status in *status. */
char *find_db(const struct cli *cli, const char *path, int *status);
/* Opens it for reading; the same on error. */
struct db *open_db(const struct cli *cli, const char *path, int *status);

#endif
