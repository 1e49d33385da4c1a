/* Making new points from old ones in mixed, conditional spaces. Which move is made more often is learnt from what entered
 * the archive. */
#ifndef SEARCH_VARIATION_H
#define SEARCH_VARIATION_H

#include "base/rng.h"
#include "search/archive.h"
#include "search/space.h"

enum variation_move {
    MOVE_CROSS,  /* SBX or swap variable by variable, then mutation */
    MOVE_SWAP,   /* exchange variable by variable, then mutation */
    MOVE_MUTATE, /* one to three variables of one parent */
    MOVE_DIFFER, /* differential: a + F (b - c) in some variables */
    MOVE_LINE,   /* beyond or between two parents on the line through them */
    MOVE_EDGE,   /* one or some variables to an end of their range */
    MOVE_GROUP,  /* whole groups from the other parent, or copied between groups of one family */
    MOVE_COUNT
};

struct variation {
    const struct space *space;
    int n_groups;              /* distinct groups */
    int *group_first;          /* [n_groups + 1] into group_var */
    int *group_var;            /* variables by group */
    double credit[MOVE_COUNT]; /* discounted gains of each move */
    double tried[MOVE_COUNT];  /* discounted children made by each move */
};

void variation_init(struct variation *v, const struct space *space);
void variation_release(struct variation *v);
enum variation_move variation_choose(const struct variation *v, struct rng *r);
/* parent[0] is the main one; child is canonical and may alias none of them. */
void variation_make(const struct variation *v, enum variation_move move, struct rng *r, const double *const parent[3],
                    double *child);
void variation_reward(struct variation *v, enum variation_move move, enum archive_gain gain);
/* Changes one active variable: the smallest step away. */
void variation_mutate_one(const struct variation *v, struct rng *r, double *x);

#endif
