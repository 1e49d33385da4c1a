/* The closed form against the walk, over every kind of operator (make bench: 1,000,000 of them). */
#include "tests/check_count.h"
#include "tests/run_suite.h"

#include <check.h>

START_TEST(closed_form_is_the_walk)
{
    struct count_tally tally;
    ck_assert_int_eq(check_count(12000, &tally), 0);
    count_tally_print(&tally);
}
END_TEST

START_TEST(links_are_the_walk_s)
{
    struct link_tally tally;
    ck_assert_int_eq(check_links(6000, &tally), 0);
    printf(
        "walk = closed form with links on %ld mappings; neighbours hand words on in %ld, %ld of them with diagonals\n",
        tally.mappings, tally.forwarding, tally.diagonal);
    ck_assert_int_gt(tally.forwarding, 50);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("count");
    TCase *tc = tcase_create("count");
    tcase_set_timeout(tc, 0);
    tcase_add_test(tc, closed_form_is_the_walk);
    tcase_add_test(tc, links_are_the_walk_s);
    suite_add_tcase(s, tc);
    return run_suite(s, CK_FORK_GETENV);
}
