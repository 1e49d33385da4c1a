/* What other studies computed already: evaluations and operator mappings in one file of caches (`--cache FILE`), keyed by everything that can
 * change the answer (law 2): two studies with other spaces share a design when accelerator, network, bits, places and mapper agree.
 * Values are the machine's own doubles; a file is for machines of one byte order. */
#ifndef EXPERIMENTS_SHARED_CACHE_H
#define EXPERIMENTS_SHARED_CACHE_H

#include "costmodel/network_cost.h"
#include "db/db.h"
#include "experiments/metrics.h"

struct accuracy;

/* Key of an evaluation. `accuracy` may be NULL. About 0.2 ms. */
struct hash shared_cache_key(const struct accelerator *a, const struct network *net, const struct op_place *place,
                             const struct network_options *o, const struct accuracy *accuracy);

/* 1: metric[] (base units) or, for a design that cannot be built or mapped, the sentence in err (then -1 is returned with err's code); 0: not known.
 * A cache or an entry that cannot be read answers 0: the evaluation is made, and put in the entry's place. */
int shared_cache_get(struct db *cache, struct hash key, double metric[METRIC_COUNT], struct err *err);
/* Stores what price() found: `failed` NULL for metrics, else why there are none (ERR_NO and ERR_DATA only; other errors are not facts). */
void shared_cache_put(struct db *cache, struct hash key, const double metric[METRIC_COUNT], const struct err *failed);

/* A memo of operators on top of the file; `cache` NULL: in memory only. Caller frees with memo_free() before the cache is closed. */
struct memo *shared_cache_memo(struct db *cache, size_t bytes);

#endif
