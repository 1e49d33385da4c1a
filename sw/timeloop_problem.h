/* Reading Timeloop's problem files, and what the readers of its other files (experiments/timeloop.h) share with that. */
#ifndef SW_TIMELOOP_PROBLEM_H
#define SW_TIMELOOP_PROBLEM_H

#include "base/doc.h"
#include "sw/einsum.h"

/* problem: -> an einsum in words (elements of 1 bit). 0, or -1 after errors. */
int timeloop_read_problem(const struct node *problem, struct einsum *e, struct diags *d);

/* timeloop_doc.c */
struct doc *timeloop_load(const char *path, struct diags *d);
/* The entry of that name, in which '-' and '_' are the same letter. */
const struct node *timeloop_get(const struct node *mapping, const char *key);
/* 0, or -1 and an error that names the first entry that is none of `known` (NULL-terminated). */
int timeloop_known(const struct node *mapping, const char *const *known, const char *what, struct diags *d);
/* A whole number of at least `least`; quotes are accepted, arithmetic is refused. */
int timeloop_int(const struct node *node, const char *what, int64_t least, int64_t *out, struct diags *d);
int timeloop_version(const struct node *node, struct diags *d); /* NULL is accepted */
/* Copies a name into a buffer of that size; -1 and an error when it is too long or none. */
int timeloop_name(const struct node *node, const char *what, char *out, size_t size, struct diags *d);
/* The next word of a list node or of a text with blanks or commas ("R=3 P=16"). */
struct words {
    const struct node *node;
    int at;
    char text[64];
    struct mark mark;
};
bool words_next(struct words *w, struct diags *d);

/* Of the instance, or of the problem (0.4). Data that stand in a file of their own are taken as dense, with a warning. */
int timeloop_read_densities(const struct node *problem, const struct node *instance, struct einsum *e, struct diags *d);

#endif
