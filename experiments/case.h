/* One operator, accelerator and mapping in one JSON line, priced to one JSON line: the format of our reference cases (docs/cases.md), so
 * that anybody can check thousands of them at once. */
#ifndef EXPERIMENTS_CASE_H
#define EXPERIMENTS_CASE_H

#include "costmodel/cost.h"

#include <stddef.h>

struct strbuf;

struct case_problem {
    char id[128];
    bool link_transfers; /* Timeloop's option: all networks have links, by its rules only */
    struct einsum einsum;
    struct accelerator accelerator;
    struct mapping mapping;
};

/* Reads a case. Units are words, pJ per access of one block, words per cycle: every element is 1 bit wide and a physical word has `block`
 * bits. ERR_DATA with the reason for what is not understood; id is filled as far as it can be read. */
int case_read(const char *line, size_t len, struct case_problem *out, struct err *err);
/* Prices a line of text and appends the answer as one line, an error's too. Returns 0, or -1 when it is an error. */
int case_run(const char *line, size_t len, enum accounting accounting, struct strbuf *out);

#endif
