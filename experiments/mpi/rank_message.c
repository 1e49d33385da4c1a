#include "experiments/mpi/rank_message.h"

#include <sched.h>
#include <time.h>

enum { YIELDS = 10 };
static const double FIRST_NAP_S = 20e-6;

void post_init(struct post *p)
{
    p->request = MPI_REQUEST_NULL;
    p->text = (struct strbuf)STRBUF_INIT;
}

bool post_idle(struct post *p)
{
    int done = 1;
    MPI_Test(&p->request, &done, MPI_STATUS_IGNORE);
    return done != 0;
}

void post_send(struct post *p, int rank, enum tag tag)
{
    MPI_Isend(p->text.buf, (int)p->text.len, MPI_BYTE, rank, (int)tag, MPI_COMM_WORLD, &p->request);
}

void post_wait(struct post *p)
{
    MPI_Wait(&p->request, MPI_STATUS_IGNORE);
}

void post_release(struct post *p)
{
    if (post_idle(p)) {
        strbuf_release(&p->text);
    }
}

bool post_tell(struct post *p, int rank, enum tag tag, int32_t value)
{
    if (!post_idle(p)) {
        return false;
    }
    strbuf_reset(&p->text);
    strbuf_add(&p->text, &value, sizeof value);
    post_send(p, rank, tag);
    return true;
}

bool rank_hear(int from, struct strbuf *text, int *rank, enum tag *tag)
{
    int any = 0, bytes = 0;
    MPI_Status status;
    MPI_Iprobe(from, MPI_ANY_TAG, MPI_COMM_WORLD, &any, &status);
    if (!any) {
        return false;
    }
    MPI_Get_count(&status, MPI_BYTE, &bytes);
    strbuf_reset(text);
    static const char zeros[1024];
    while (text->len < (size_t)bytes) {
        size_t left = (size_t)bytes - text->len;
        strbuf_add(text, zeros, left < sizeof zeros ? left : sizeof zeros);
    }
    MPI_Recv(text->buf, bytes, MPI_BYTE, status.MPI_SOURCE, status.MPI_TAG, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    if (rank != NULL) {
        *rank = status.MPI_SOURCE;
    }
    *tag = (enum tag)status.MPI_TAG;
    return true;
}

void rank_nap(int idle, double most_s)
{
    if (idle < YIELDS) {
        sched_yield();
        return;
    }
    double s = FIRST_NAP_S;
    for (int i = YIELDS; i < idle && s < most_s; i += 4) {
        s *= 2;
    }
    s = s < most_s ? s : most_s;
    struct timespec t = {0, (long)(1e9 * s)};
    nanosleep(&t, NULL);
}
