/* A step is one iteration of all temporal loops; in it every MAC whose place lies inside the operator's bounds works once. For each
 * working MAC and each level above it, the instance must hold the tile of this step: what it lacks of it is asked for, and what
 * it held besides goes. Requests of one step are merged on their way up where they come from children that stand, level by level
 * of the spatial loops, at the same place of the tensor. Where children have links, the requests of a step wait until all are known: one whose
 * words all lie in what a neighbour held before the step, as do those of all others at its place, is served there.
 *
 * Sums. What an instance was given of an output word leaves it when its tile moves on, or at the end; what came to an instance by one request is
 * on its way until the next request for that word. A sum is done then when as many MACs below the instance have worked on its word as the
 * operator has for each: those of the step at hand work after all tiles have moved. */
#include "tests/loop_walk.h"

#include <stdlib.h>
#include <string.h>

#define SET (WALK_WORDS / 64)
#define LOOPS 128
#define REQUESTS 4096
#define WAITING 512

struct set {
    uint64_t word[SET];
};

struct walk_loop {
    int dim, level;
    bool temporal;
    enum axis axis;
    int64_t bound, stride, at;
};

/* A request between linked children, and where it was made. */
struct waiting {
    int64_t at[LOOPS];
    int level, tensor, parent; /* of the child; the instance of the parent */
    int64_t place;
    bool linked;
    struct set words;
};

/* Place along the spatial loops: of the instance, and per level in between and rank of the tensor. */
struct key {
    int instance;
    int16_t place[HW_LEVELS][EINSUM_RANKS];
};

struct request {
    int level, tensor;
    struct key key;
    struct set words;
};

struct walk {
    const struct einsum *e;
    const struct mapping *m;
    struct walk_loop loop[LOOPS]; /* outermost first */
    int n_loops;
    int units;                                  /* MACs */
    int64_t extent[HW_LEVELS + 1][EINSUM_DIMS]; /* of a tile of level l: [l + 1] */
    struct set held[HW_LEVELS][EINSUM_TENSORS][WALK_INSTANCES];
    struct set tile_seen[HW_LEVELS][WALK_INSTANCES];   /* output words that a tile ever held */
    struct set update_seen[HW_LEVELS][WALK_INSTANCES]; /* output words ever sent here from inside */
    bool used[HW_LEVELS][WALK_INSTANCES];
    int64_t stamp[HW_LEVELS][WALK_INSTANCES]; /* last step in which the instance was looked at */
    struct request request[REQUESTS];
    int n_requests;
    uint32_t links;
    struct set before[HW_LEVELS][EINSUM_TENSORS][WALK_INSTANCES]; /* held when the step began */
    struct waiting waiting[WAITING];
    int n_waiting;
    struct counts *out[2]; /* all, origin */
    struct walk_sums sums;
    int product[WALK_INSTANCES]; /* output words that MACs work on in the step, and their instances */
    int below[WALK_INSTANCES][HW_LEVELS];
    int n_products;
    int64_t products_each; /* of an output word */
    int out_words;         /* of the output */
    int *added;            /* [level][instance][output word]: products below the instance, before this step */
};

static int count_set(const struct set *s)
{
    int n = 0;
    for (int i = 0; i < SET; i++) {
        n += __builtin_popcountll(s->word[i]);
    }
    return n;
}

static void set_or(struct set *a, const struct set *b)
{
    for (int i = 0; i < SET; i++) {
        a->word[i] |= b->word[i];
    }
}

static void set_minus(struct set *a, const struct set *b)
{
    for (int i = 0; i < SET; i++) {
        a->word[i] &= ~b->word[i];
    }
}

static void add_loop(struct walk *w, int level, bool temporal, enum axis axis, int dim, int64_t bound)
{
    w->loop[w->n_loops++] = (struct walk_loop){dim, level, temporal, axis, bound, 1, 0};
}

static int setup(struct walk *w)
{
    const struct mapping *m = w->m;
    for (int l = m->n_levels - 1; l >= 0; l--) {
        for (int i = 0; i < m->level[l].n_temporal; i++) {
            add_loop(w, l, true, AXIS_X, m->level[l].temporal[i].dim, m->level[l].temporal[i].bound);
        }
        for (int i = 0; i < m->level[l].n_spatial; i++) {
            add_loop(w, l, false, m->level[l].spatial[i].axis, m->level[l].spatial[i].dim,
                     m->level[l].spatial[i].bound);
        }
    }
    for (int l = -1; l < m->n_levels; l++) {
        for (int d = 0; d < w->e->n_dims; d++) {
            w->extent[l + 1][d] = 1;
        }
    }
    int64_t units = 1;
    for (int i = 0; i < w->n_loops; i++) {
        for (int j = i + 1; j < w->n_loops; j++) {
            if (w->loop[j].dim == w->loop[i].dim) {
                w->loop[i].stride *= w->loop[j].bound;
            }
        }
        for (int l = w->loop[i].level; l < m->n_levels; l++) {
            w->extent[l + 1][w->loop[i].dim] *= w->loop[i].bound;
        }
        units *= w->loop[i].temporal ? 1 : w->loop[i].bound;
    }
    for (int t = 0; t < w->e->n_tensors; t++) {
        if (einsum_volume(w->e, t, w->e->bound) > WALK_WORDS) {
            return -1;
        }
    }
    w->units = (int)units;
    return units > WALK_INSTANCES ? -1 : 0;
}

/* The words of tensor t in the box of `ext` elements from `start`. */
static void box(const struct walk *w, int t, const int64_t *start, const int64_t *ext, struct set *out)
{
    const struct einsum_tensor *tensor = &w->e->tensor[t];
    int64_t lo[EINSUM_RANKS], len[EINSUM_RANKS], size[EINSUM_RANKS];
    int64_t at[EINSUM_RANKS] = {0}, volume = 1;
    for (int r = 0; r < tensor->n_ranks; r++) {
        lo[r] = 0;
        len[r] = size[r] = 1;
        for (int i = 0; i < tensor->rank[r].n_terms; i++) {
            int d = tensor->rank[r].term[i].dim;
            int64_t c = tensor->rank[r].term[i].coef;
            lo[r] += c * start[d];
            len[r] += c * (ext[d] - 1);
            size[r] += c * (w->e->bound[d] - 1);
        }
        volume *= len[r];
    }
    memset(out, 0, sizeof *out);
    for (int64_t i = 0; i < volume; i++) {
        int64_t word = 0;
        for (int r = 0; r < tensor->n_ranks; r++) {
            word = word * size[r] + lo[r] + at[r];
        }
        out->word[word / 64] |= (uint64_t)1 << (word % 64);
        for (int r = tensor->n_ranks - 1; r >= 0 && ++at[r] == len[r]; r--) {
            at[r] = 0;
        }
    }
}

static int instance(const struct walk *w, int level)
{
    int64_t id = 0;
    for (int i = 0; i < w->n_loops; i++) {
        if (!w->loop[i].temporal && w->loop[i].level > level) {
            id = id * w->loop[i].bound + w->loop[i].at;
        }
    }
    return (int)id;
}

/* Sends the request of a child of level `child` up to the next level that keeps the tensor. */
static void ask(struct walk *w, int child, int t, const struct set *words)
{
    const struct einsum_tensor *tensor = &w->e->tensor[t];
    struct key key;
    memset(&key, 0, sizeof key);
    for (int b = child + 1; b < w->m->n_levels; b++) {
        for (int r = 0; r < tensor->n_ranks; r++) {
            for (int i = 0; i < tensor->rank[r].n_terms; i++) {
                for (int j = 0; j < w->n_loops; j++) {
                    const struct walk_loop *loop = &w->loop[j];
                    if (!loop->temporal && loop->level == b && loop->dim == tensor->rank[r].term[i].dim) {
                        key.place[b][r] += (int16_t)(loop->at * loop->stride * tensor->rank[r].term[i].coef);
                    }
                }
            }
        }
        key.instance = instance(w, b);
        int i = 0;
        while (i < w->n_requests && (w->request[i].level != b || w->request[i].tensor != t ||
                                     memcmp(&w->request[i].key, &key, sizeof key) != 0)) {
            i++;
        }
        if (i == w->n_requests) {
            if (i == REQUESTS) {
                abort();
            }
            w->request[i].level = b;
            w->request[i].tensor = t;
            w->request[i].key = key;
            memset(&w->request[i].words, 0, sizeof w->request[i].words);
            w->n_requests++;
        }
        set_or(&w->request[i].words, words);
        if (tensor->output && b == child + 1) { /* what comes in, less what goes on */
            w->out[0]->level[b].tensor[t].adds += count_set(words);
        }
        if (w->m->level[b].keep >> t & 1) {
            break;
        }
    }
}

/* Goes one child further along an axis below level b, or back; false when there is none. */
static bool neighbour(struct walk *w, int b, enum axis axis, int direction)
{
    for (int i = w->n_loops - 1; i >= 0; i--) {
        struct walk_loop *loop = &w->loop[i];
        if (loop->temporal || loop->level != b || loop->axis != axis) {
            continue;
        }
        loop->at += direction;
        if (loop->at >= 0 && loop->at < loop->bound) {
            return true;
        }
        loop->at = direction > 0 ? 0 : loop->bound - 1;
    }
    return false;
}

static void set_at(struct walk *w, const int64_t *at)
{
    for (int i = 0; i < w->n_loops; i++) {
        w->loop[i].at = at[i];
    }
}

/* The child of `level` at hand lacks words, and its neighbours may have them. */
static void wait_for_neighbours(struct walk *w, int level, int t, const struct set *words)
{
    if (w->n_waiting == WAITING) {
        abort();
    }
    struct waiting *q = &w->waiting[w->n_waiting++];
    const struct einsum_tensor *tensor = &w->e->tensor[t];
    *q = (struct waiting){.level = level, .tensor = t, .parent = instance(w, level + 1), .words = *words};
    for (int r = 0; r < tensor->n_ranks; r++) {
        int64_t place = 0;
        for (int j = 0; j < w->n_loops; j++) {
            for (int i = 0; i < tensor->rank[r].n_terms; i++) {
                if (!w->loop[j].temporal && w->loop[j].level == level + 1 &&
                    w->loop[j].dim == tensor->rank[r].term[i].dim) {
                    place += w->loop[j].at * w->loop[j].stride * tensor->rank[r].term[i].coef;
                }
            }
        }
        q->place = q->place * (WALK_WORDS + 1) + place;
    }
    for (int i = 0; i < w->n_loops; i++) {
        q->at[i] = w->loop[i].at;
    }
    for (int k = 0; k < 4; k++) {
        if (neighbour(w, level + 1, k % 2 ? AXIS_Y : AXIS_X, k < 2 ? 1 : -1)) {
            struct set lacks = *words;
            set_minus(&lacks, &w->before[level][t][instance(w, level)]);
            q->linked = q->linked || count_set(&lacks) == 0;
        }
        set_at(w, q->at);
    }
}

static void ask_for_waiting(struct walk *w)
{
    int64_t at[LOOPS];
    for (int i = 0; i < w->n_loops; i++) {
        at[i] = w->loop[i].at;
    }
    for (int i = 0; i < w->n_waiting; i++) {
        const struct waiting *q = &w->waiting[i];
        bool linked = true;
        for (int j = 0; j < w->n_waiting; j++) {
            const struct waiting *o = &w->waiting[j];
            bool together =
                o->level == q->level && o->tensor == q->tensor && o->parent == q->parent && o->place == q->place;
            linked = linked && (!together || o->linked);
        }
        set_at(w, q->at);
        if (linked) {
            w->out[0]->level[q->level].tensor[q->tensor].forwards += count_set(&q->words);
        } else {
            ask(w, q->level, q->tensor, &q->words);
        }
    }
    w->n_waiting = 0;
    set_at(w, at);
}

static int *added(const struct walk *w, int level, int id)
{
    return w->added + ((size_t)level * (size_t)w->units + (size_t)id) * (size_t)w->out_words;
}

/* How many of the sums of these words in an instance are done. */
static int64_t count_done(const struct walk *w, int level, int id, const struct set *words)
{
    const int *n = added(w, level, id);
    int64_t done = 0;
    for (int i = 0; i < SET; i++) {
        for (uint64_t left = words->word[i]; left != 0; left &= left - 1) {
            done += n[64 * i + __builtin_ctzll(left)] == w->products_each;
        }
    }
    return done;
}

static void add_sums(struct walk *w, int level, int id, const struct walk_sum *s)
{
    for (int k = 0; k < (id == 0 ? 2 : 1); k++) {
        struct walk_sum *to = k == 0 ? &w->sums.all[level] : &w->sums.origin[level];
        to->came += s->came;
        to->came_done += s->came_done;
        to->left += s->left;
        to->left_done += s->left_done;
        to->words += s->words;
    }
}

/* Sums of these words leave the instance. */
static void leave(struct walk *w, int level, int id, const struct set *words)
{
    add_sums(w, level, id, &(struct walk_sum){.left = count_set(words), .left_done = count_done(w, level, id, words)});
}

/* The instance of `level` above the MAC at hand comes to hold this step's tiles. */
static void hold(struct walk *w, int level)
{
    int id = instance(w, level);
    int64_t start[EINSUM_DIMS] = {0}, ext[EINSUM_DIMS];
    for (int i = 0; i < w->n_loops; i++) {
        if (w->loop[i].level > level) {
            start[w->loop[i].dim] += w->loop[i].at * w->loop[i].stride;
        }
    }
    for (int d = 0; d < w->e->n_dims; d++) {
        int64_t left = w->e->bound[d] - start[d];
        ext[d] = w->extent[level + 1][d] < left ? w->extent[level + 1][d] : left;
    }
    w->used[level][id] = true;
    for (int t = 0; t < w->e->n_tensors; t++) {
        if (!(w->m->level[level].keep >> t & 1) || level == w->m->n_levels - 1) {
            continue;
        }
        struct set tile, lacks, known;
        box(w, t, start, ext, &tile);
        lacks = tile;
        set_minus(&lacks, &w->held[level][t][id]);
        if (w->e->tensor[t].output) {
            struct set leaves = w->held[level][t][id];
            set_minus(&leaves, &tile);
            leave(w, level, id, &leaves);
        }
        w->held[level][t][id] = tile;
        int64_t taken = count_set(&lacks);
        if (taken == 0) {
            continue;
        }
        int64_t fills = taken;
        if (w->e->tensor[t].output) {
            known = lacks;
            set_minus(&known, &w->tile_seen[level][id]);
            fills -= count_set(&known);
            set_or(&w->tile_seen[level][id], &lacks);
        }
        for (int k = 0; k < (id == 0 ? 2 : 1); k++) {
            struct tensor_count *tc = &w->out[k]->level[level].tensor[t];
            tc->fills += fills;
            tc->drains += w->e->tensor[t].output ? taken : 0;
        }
        if (w->links >> (level + 1) & 1 && !w->e->tensor[t].output) {
            wait_for_neighbours(w, level, t, &lacks);
        } else {
            ask(w, level, t, &lacks);
        }
    }
}

/* All requests of a step arrive. */
static void serve(struct walk *w)
{
    for (int i = 0; i < w->n_requests; i++) {
        const struct request *q = &w->request[i];
        bool output = w->e->tensor[q->tensor].output;
        bool kept = w->m->level[q->level].keep >> q->tensor & 1;
        int64_t words = count_set(&q->words), known = 0;
        if (output) {
            struct set fresh = q->words, again = q->words;
            set_minus(&fresh, &w->update_seen[q->level][q->key.instance]);
            set_minus(&again, &fresh);
            int64_t done = count_done(w, q->level, q->key.instance, &again); /* of the requests before */
            add_sums(w, q->level, q->key.instance, &(struct walk_sum){.came = words, .came_done = done});
            known = words - count_set(&fresh);
            set_or(&w->update_seen[q->level][q->key.instance], &q->words);
            w->out[0]->level[q->level].tensor[q->tensor].adds -= words;
            if (!kept) {
                w->out[0]->level[q->level + 1].tensor[q->tensor].adds += words;
            }
        }
        for (int k = 0; k < (q->key.instance == 0 ? 2 : 1); k++) {
            struct tensor_count *tc = &w->out[k]->level[q->level].tensor[q->tensor];
            tc->words += words + known;
            if (kept) {
                tc->reads += output ? known : words;
                tc->updates += output ? words : 0;
            }
        }
    }
    w->n_requests = 0;
}

static bool works(const struct walk *w, int64_t *place)
{
    memset(place, 0, EINSUM_DIMS * sizeof *place);
    for (int i = 0; i < w->n_loops; i++) {
        place[w->loop[i].dim] += w->loop[i].at * w->loop[i].stride;
    }
    for (int d = 0; d < w->e->n_dims; d++) {
        if (place[d] >= w->e->bound[d]) {
            return false;
        }
    }
    return true;
}

/* The step's products are added to the sums that wait for them. */
static void add_products(struct walk *w)
{
    for (int i = 0; i < w->n_products; i++) {
        for (int l = 0; l < w->m->n_levels; l++) {
            added(w, l, w->below[i][l])[w->product[i]]++;
        }
    }
    w->n_products = 0;
}

/* The last sums come and leave. */
static void finish_sums(struct walk *w, int output)
{
    for (int l = 0; l < w->m->n_levels; l++) {
        for (int id = 0; id < w->units; id++) {
            const struct set *held = &w->held[l][output][id], *came = &w->update_seen[l][id];
            leave(w, l, id, held);
            add_sums(w, l, id, &(struct walk_sum){.words = count_set(came), .came_done = count_done(w, l, id, came)});
        }
    }
}

/* The MAC at hand works: it asks the innermost keeper of each tensor for one word. */
static void work(struct walk *w, int64_t step, const int64_t *place)
{
    const int64_t one[EINSUM_DIMS] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    w->out[0]->macs++;
    for (int t = 0; t < w->e->n_tensors; t++) {
        struct set word;
        box(w, t, place, one, &word);
        ask(w, -1, t, &word);
        for (int i = 0; w->e->tensor[t].output && i < SET; i++) {
            w->product[w->n_products] =
                word.word[i] ? 64 * i + __builtin_ctzll(word.word[i]) : w->product[w->n_products];
        }
    }
    for (int l = 0; l < w->m->n_levels; l++) {
        int id = instance(w, l);
        w->below[w->n_products][l] = id;
        if (w->stamp[l][id] != step) {
            w->stamp[l][id] = step;
            hold(w, l);
        }
    }
    w->n_products++;
}

static void remember(struct walk *w)
{
    for (int l = 0; l < w->m->n_levels; l++) {
        for (int t = 0; t < w->e->n_tensors; t++) {
            memcpy(w->before[l][t], w->held[l][t], (size_t)w->units * sizeof(struct set));
        }
    }
}

static bool advance(struct walk *w, bool temporal)
{
    for (int i = w->n_loops - 1; i >= 0; i--) {
        struct walk_loop *loop = &w->loop[i];
        if (loop->temporal == temporal) {
            if (++loop->at < loop->bound) {
                return true;
            }
            loop->at = 0;
        }
    }
    return false;
}

int walk(const struct einsum *e, const struct mapping *m, uint32_t links, struct counts *all, struct counts *origin,
         struct walk_sums *sums)
{
    struct walk *w = calloc(1, sizeof *w);
    w->e = e;
    w->m = m;
    w->links = links;
    w->out[0] = all;
    w->out[1] = origin;
    memset(all, 0, sizeof *all);
    memset(origin, 0, sizeof *origin);
    if (setup(w) != 0) {
        free(w);
        return -1;
    }
    int64_t step = 0;
    int output = einsum_output(e);
    w->out_words = (int)einsum_volume(e, output, e->bound);
    w->products_each = einsum_macs(e) / w->out_words;
    w->added = calloc((size_t)m->n_levels * (size_t)w->units * (size_t)w->out_words, sizeof *w->added);
    do {
        int64_t before = all->macs;
        step++;
        if (links != 0) {
            remember(w);
        }
        do {
            int64_t place[EINSUM_DIMS];
            if (works(w, place)) {
                work(w, step, place);
            }
        } while (advance(w, false));
        ask_for_waiting(w);
        serve(w);
        add_products(w);
        all->compute_cycles += all->macs > before;
    } while (advance(w, true));
    finish_sums(w, output);
    if (sums != NULL) {
        *sums = w->sums;
    }
    for (int l = 0; l < m->n_levels; l++) {
        for (int i = 0; i < WALK_INSTANCES; i++) {
            all->level[l].instances += w->used[l][i];
        }
    }
    free(w->added);
    free(w);
    return 0;
}
