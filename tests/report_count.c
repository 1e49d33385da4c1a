/* For docs/validation.md: the closed form against the walk on random mappings. */
#include "tests/check_count.h"

#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    const char *s = getenv("DOVETAIL_RANDOM");
    long n = s != NULL ? strtol(s, NULL, 10) : 0;
    struct count_tally t;
    if (check_count(n > 0 ? n : 12000, &t) != 0) {
        return 1;
    }
    printf("| random mappings | with imperfect factors | bypassed levels | kinds of operators | levels | different |\n"
           "| --- | --- | --- | --- | --- | --- |\n| %ld | %ld | %ld | %d | 2 to 5 | 0 |\n",
           t.mappings, t.imperfect, t.bypassed, RANDOM_KIND_COUNT);
    return 0;
}
