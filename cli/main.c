/* The program: evaluates on the threads of this process. Its sister cli/mpi/main_mpi.c uses the ranks of an MPI job. */
#include "cli/cli.h"
#include "cli/evaluator_guard.h"
#include "experiments/pool.h"

#include <string.h>

int main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], "evaluator-guard") == 0) {
        return evaluator_guard(argc - 2, argv + 2);
    }
    if (argc > 2 && strcmp(argv[1], "evaluator-library") == 0) {
        return evaluator_library(argc - 2, argv + 2);
    }
    return cli_main(argc, argv, pool_threads_new);
}
