/* For docs/validation.md: the reference cases against brute force and against Timeloop. */
#include "tests/check_case.h"

#include <stdio.h>
#include <string.h>

int main(void)
{
    printf("| cases | brute force = exact | Timeloop = timeloop | its default run = timeloop_default | different, "
           "explained below | unexplained |\n| --- | --- | --- | --- | --- | --- |\n");
    for (int i = 0; i < CASE_FILES; i++) {
        struct case_tally t;
        if (check_case(case_files[i], &t) != 0) {
            return 1;
        }
        printf("| `%s` | %d of %d | %d of %d | %d of %d | %d | %d |\n", strrchr(case_files[i], '/') + 1, t.walk_equal,
               t.with_totals, t.equal, t.cases, t.default_equal, t.cases, t.explained, t.unexpected);
    }
    return 0;
}
