/* Study files as arguments: a folder stands for the studies in it. Shows what can be done to whole files (db/db_tools.h). */
#ifndef EXPERIMENTS_STUDY_FILES_H
#define EXPERIMENTS_STUDY_FILES_H

#include "db/db_tools.h"

struct study_files {
    char **path; /* [n] owned */
    int n, cap;
};

/* Adds `path`, or, where it is a folder, every file in it whose name ends in ".db", by name; `except` (may be NULL) is left out. ERR_NOINPUT
 * when there is no such file, or none in the folder. */
int study_files_add(struct study_files *f, const char *path, const char *except, struct err *err);
void study_files_release(struct study_files *f);

#endif
