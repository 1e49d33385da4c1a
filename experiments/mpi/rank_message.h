/* What rank 0 of an MPI job and the others say to each other. Rank 0 owns the optimizer and the study's file; the others evaluate.
 *
 *   rank 0                                          rank r
 *   STUDY  text of the study, its hashes    --->    reads it
 *                                           <---    READY    threads and host, or why not
 *   TASKS  trial, point; trial, point; ..   --->
 *                                           <---    RESULTS  trial, evaluation; ..
 *   STOP   leave what is not begun          --->
 *                                           <---    STOPPED
 *   PING   now and then                     --->
 *   BYE    exit status                      --->
 *                                           <---    GONE
 *   LEAVE  is nobody missing?               --->
 *
 * The study travels as text, so no other rank opens the study's file or its database. Numbers travel as the machine's own: all hosts have one
 * byte order and one build of the program (READY checks the latter). */
#ifndef EXPERIMENTS_MPI_RANK_MESSAGE_H
#define EXPERIMENTS_MPI_RANK_MESSAGE_H

#include "base/hash.h"
#include "base/strbuf.h"

#include <mpi.h>
#include <stdbool.h>

/* Messages up to this size leave without waiting for the receiver, in shared memory too (Open MPI's vader: 4096 with its header). */
enum { RANK_EAGER_BYTES = 4000 };

enum tag {
    TAG_STUDY = 1,
    TAG_READY,
    TAG_TASKS,
    TAG_RESULTS,
    TAG_STOP,
    TAG_STOPPED,
    TAG_PING,
    TAG_BYE,
    TAG_GONE,
    TAG_LEAVE
};

struct hello { /* STUDY: this, then three texts without NULs: study's name, cache, study */
    char version[64];
    struct hash space, model;
    uint64_t evaluation_bytes;
    int32_t threads; /* as asked for: 0 is all */
    uint32_t name_len, cache_len, text_len;
};

struct ready { /* READY: this, then why not */
    int32_t ok, threads;
    char host[MPI_MAX_PROCESSOR_NAME];
};

struct totals { /* RESULTS: this, then results; totals of the rank */
    int64_t cached, memo_hits, memo_misses;
};

struct result { /* then `bytes` of a struct evaluation: all of it but the unused end of `why` */
    int64_t trial;
    uint64_t bytes;
};

/* A message on its way. */
struct post {
    MPI_Request request;
    struct strbuf text;
};
void post_init(struct post *p);
bool post_idle(struct post *p); /* it has left: the text may be written anew */
void post_send(struct post *p, int rank, enum tag tag);
void post_wait(struct post *p);
/* A message that never left keeps its text: MPI may still read it. */
void post_release(struct post *p);

/* A number, sent without waiting: to a rank that may be dead. False when p's message before has not left. */
bool post_tell(struct post *p, int rank, enum tag tag, int32_t value);

/* The next message that has arrived, if there is one: fills what is not NULL. */
bool rank_hear(int from, struct strbuf *text, int *rank, enum tag *tag);

/* A pause that grows with `idle`, the number of times in a row that there was nothing to do, up to so many seconds. MPI's own waiting spins:
 * it takes the core that another rank or thread could use. */
void rank_nap(int idle, double most_s);

#endif
