/* The unbounded set of non-dominated results. Of several equal objective vectors the first one told stays.
 * Adding costs O(log n) boxes in the usual case: a tree of bounding boxes tells most points apart at its top. */
#ifndef SEARCH_ARCHIVE_H
#define SEARCH_ARCHIVE_H

#include <stdbool.h>
#include <stdint.h>

enum { ARCHIVE_MAX_M = 16 }; /* objectives, with cells */

struct archive_node;

struct archive {
    int m, n_vars;   /* objectives; doubles kept beside them */
    int n, cap;      /* members are 0..n-1, in no order that means anything (but the same for the same history) */
    double *f, *x;   /* [n][m], [n][n_vars] */
    int64_t *id;     /* [n] trial numbers */
    double *epsilon; /* [m] sides of the cells; NULL: none */
    double *key;     /* [n][m] the members' cells; without cells f itself */
    int64_t entered; /* members ever added */
    struct archive_node *node;          /* tree over the members; node 0 is the root */
    double *box;                        /* [node][2][m]: low and high corners */
    int32_t *leaf;                      /* [n] the leaf that holds a member */
    int n_nodes, cap_nodes, free_nodes; /* free_nodes: head of the list of freed pairs, -1: none */
};

/* What became of a new result. */
enum archive_gain {
    GAIN_NONE,
    GAIN_SPREAD, /* a new member */
    GAIN_BETTER  /* and another had to go for it */
};
struct archive_mark { /* the archive before */
    int64_t entered;
    int n;
};

void archive_init(struct archive *a, int m, int n_vars);
/* An archive of bounded size: objective space is cut into cells of sides epsilon[m] >= 0 (copied; 0: every difference counts; NULL: no cells); no member's cell is at
 * least as low everywhere as another's. So at most one member a cell, the better one or else the nearer to the cell's low corner, and
 * every result is at most epsilon better than some member in each objective. */
void archive_init_cells(struct archive *a, int m, int n_vars, const double *epsilon);
void archive_release(struct archive *a);
/* Adds unless some member is at least as good everywhere; removes whom it dominates. Returns whether it was added. */
bool archive_add(struct archive *a, int64_t id, const double *f, const double *x);
/* What the last result did; moves the mark to where the archive is now. */
enum archive_gain archive_gain(const struct archive *a, struct archive_mark *mark);
/* What that is worth to who made it. Filling gaps of a front is easy, so it counts less: otherwise those who do nothing else crowd out those that find
 * the way from a local front to a better one. */
double archive_worth(enum archive_gain gain);

#endif
