/* The database that a verb's argument means. */
#ifndef CLI_OPEN_DB_H
#define CLI_OPEN_DB_H

#include "cli/cli.h"
#include "db/db.h"

/* Opens for reading: a file; a folder with exactly one .db file in it; NULL: this folder. On error prints it, returns NULL
 * and the exit status in *status. */
struct db *open_db(const struct cli *cli, const char *path, int *status);

#endif
