/* A million random mappings on which the closed form must be the walk (DOVETAIL_RANDOM=n: as many; some six minutes). */
#include "tests/check_count.h"

#include <stdlib.h>

int main(void)
{
    const char *s = getenv("DOVETAIL_RANDOM");
    long n = s != NULL ? strtol(s, NULL, 10) : 0;
    struct count_tally tally;
    if (check_count(n > 0 ? n : 1000000, &tally) != 0) {
        return 1;
    }
    count_tally_print(&tally);
    return 0;
}
