/* The program: evaluates on the threads of this process. Its sister cli/mpi/main_mpi.c uses the ranks of an MPI job. */
#include "cli/cli.h"
#include "experiments/pool.h"

int main(int argc, char **argv)
{
    return cli_main(argc, argv, pool_threads_new);
}
