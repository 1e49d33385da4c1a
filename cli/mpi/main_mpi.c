/* dovetail-mpi: the same program, started by mpirun or srun. `search` and `resume` evaluate on all ranks but the first, which owns the optimizer
 * and the study's file; every other verb runs on the first alone. Alone (one rank, or without a launcher) it is dovetail. */
#include "cli/cli.h"
#include "experiments/mpi/rank_pool.h"

#include <mpi.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/* DOVETAIL_RANK_TIMEOUT: seconds of silence after which a rank's work is given to others, for tests and the impatient. */
static struct pool *new_pool(const struct pool_request *r, struct err *err)
{
    struct pool *p = rank_pool_new(r, err);
    const char *patience = getenv("DOVETAIL_RANK_TIMEOUT");
    if (p != NULL && patience != NULL) {
        double s = strtod(patience, NULL);
        rank_pool_set_patience(p, s > 0 ? s : 60, 0);
    }
    return p;
}

/* Signals reach every rank; rank 0 decides what they mean and tells the others. */
static void leave_signals_to_rank_0(void)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGHUP};
    for (unsigned i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        signal(signals[i], SIG_IGN);
    }
}

int main(int argc, char **argv)
{
    int level, rank, ranks;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_SERIALIZED, &level);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    if (rank > 0) {
        leave_signals_to_rank_0();
        cli_setup();
        bool whole;
        int status = rank_serve(evaluator_run, &whole);
        if (!whole) {
            sleep(2);      /* rank 0's MPI_Abort() ends this one, too, unless the launcher keeps the ranks apart */
            _exit(status); /* MPI_Finalize() would wait for who is missing */
        }
        MPI_Finalize();
        return status;
    }
    int status = cli_main(argc, argv, ranks > 1 ? new_pool : pool_threads_new);
    if (!rank_pool_finish(status)) {
        MPI_Abort(MPI_COMM_WORLD, status); /* a rank hangs: end it too */
    }
    MPI_Finalize();
    return status;
}
