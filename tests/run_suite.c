#include "tests/run_suite.h"

#include <stdlib.h>

int run_suite(Suite *s, enum fork_status forks)
{
    SRunner *runner = srunner_create(s);
    srunner_set_fork_status(runner, forks);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
