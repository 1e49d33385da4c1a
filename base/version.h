/* Which Dovetail this is. The commit is kept apart from the version: it changes with every build and so never goes
 * into a hash. */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

const char *dovetail_version(void); /* "0.1.0" */
const char *dovetail_commit(void);  /* "3e79069", "3e79069-dirty"; "" when built outside git */

#endif
