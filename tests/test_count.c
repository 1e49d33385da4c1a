/* The closed form against the walk, over every kind of operator (make bench: 1,000,000 of them). */
#include "tests/check_count.h"

#include <check.h>
#include <stdlib.h>

START_TEST(closed_form_is_the_walk)
{
    struct count_tally tally;
    ck_assert_int_eq(check_count(12000, &tally), 0);
    count_tally_print(&tally);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("count");
    TCase *tc = tcase_create("count");
    tcase_set_timeout(tc, 0);
    tcase_add_test(tc, closed_form_is_the_walk);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
