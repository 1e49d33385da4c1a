/* Data files that travel inside the binary: templates, technology tables, models, studies (built from the tree by the Makefile with
 * .incbin). A user gives a path of their own to a file to replace one. */
#ifndef BASE_EMBED_H
#define BASE_EMBED_H

#include <stddef.h>

struct embed {
    const char *path; /* relative to the project's root: "hw/templates/eyeriss_like.yaml" */
    const char *data; /* NUL-terminated */
    size_t len;
};

const struct embed *embed_find(const char *path); /* NULL when absent */
const struct embed *embed_list(int *n);           /* all, sorted by path */

#endif
