/* What children ask of an instance further out: the sum in count_fetch.c. Internal to costmodel. */
#ifndef COSTMODEL_COUNT_FETCH_H
#define COSTMODEL_COUNT_FETCH_H

#include "costmodel/count.h"
#include "costmodel/count_nest.h"

/* What is asked: the words of one tensor that the children ask of the instances of level v.merged. */
struct count_query {
    const struct nest *n;
    struct nest_view v;
    int tensor;
    enum accounting accounting;
    /* Per dimension that shares its rank with others, the temporal loops outside the current one being outer. */
    struct runs cur[EINSUM_DIMS];
    /* Of them, kept while loops of other dimensions tick: */
    int rank_of[EINSUM_DIMS];                    /* -1: the dimension does not move the tensor */
    int64_t total[EINSUM_DIMS];                  /* positions of a dimension that does not */
    struct nest_sum sum[EINSUM_RANKS];           /* of ranks that are not enumerated */
    bool enumerated[EINSUM_RANKS];               /* children share its words diagonally, imperfect factors */
    int64_t of[EINSUM_RANKS], all[EINSUM_RANKS]; /* distinct children along the rank, and all */
};

/* For n, tensor, accounting, rank_of, v.relevant and v.origin: words that the instances of level `merged` send to (or, the output, get from) the
 * instances of level `child`; merged == child: what the children take in, each for itself. ERR_DATA as in count_words(). */
int count_fetched(struct count_query *q, int child, int merged, int64_t *out, struct err *err);

#endif
