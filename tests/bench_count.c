/* A million random mappings on which the closed form must be the walk (DOVETAIL_RANDOM=n: as many; some six minutes). */
#include "tests/check_count.h"

#include <stdlib.h>

int main(void)
{
    const char *s = getenv("DOVETAIL_RANDOM");
    long n = s != NULL ? strtol(s, NULL, 10) : 0;
    return check_count(n > 0 ? n : 1000000) != 0;
}
