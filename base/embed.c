#include "base/embed.h"

#include <string.h>

extern const struct embed embed_table[]; /* written by base/embed.sh, sorted by path as make's $(sort) does */
extern const int embed_count;

const struct embed *embed_list(int *n)
{
    *n = embed_count;
    return embed_table;
}

const struct embed *embed_find(const char *path)
{
    for (int i = 0; i < embed_count; i++) {
        if (strcmp(embed_table[i].path, path) == 0) {
            return &embed_table[i];
        }
    }
    return NULL;
}
