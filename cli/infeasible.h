/* Why a study has no feasible design: what each constraint asks too much of. */
#ifndef CLI_INFEASIBLE_H
#define CLI_INFEASIBLE_H

#include "cli/cli.h"
#include "db/db.h"

/* A line on stderr for each constraint that some design misses: by how many, and by how much the nearest one does. Nothing when there are no
 * designs. O(designs). */
void infeasible_say(const struct cli *cli, struct db *db);

#endif
