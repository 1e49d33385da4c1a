/* The reference cases: our exact counts are the brute-force ones, our Timeloop accounting is Timeloop. Where Timeloop is known to differ
 * check_case.c names the case with the reason (docs/validation.md), and the test fails should the difference go away. */
#include "base/strbuf.h"
#include "experiments/case.h"
#include "tests/check_case.h"
#include "tests/run_suite.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

START_TEST(cases_are_the_references)
{
    struct case_tally t;
    ck_assert_int_eq(check_case(case_files[_i], &t), 0);
    printf("%s: %d of %d cases equal to brute force; %d of %d equal to Timeloop, %d to its default run, %d differences "
           "explained\n",
           case_files[_i], t.walk_equal, t.with_totals, t.equal, t.cases, t.default_equal, t.explained);
    ck_assert_int_gt(t.with_totals, 0);
    ck_assert_int_eq(t.walk_equal, t.with_totals);
    ck_assert_int_eq(t.equal + t.explained, t.cases);
    ck_assert_int_eq(t.unexpected, 0);
}
END_TEST

/* What is not understood is answered, with the place. */
START_TEST(errors_are_answers)
{
#define WORKLOAD                                                                                                       \
    "\"workload\":{\"dims\":{\"M\":4},\"tensors\":[{\"name\":\"A\",\"proj\":[[[\"M\","                                 \
    "1]"                                                                                                               \
    "]]},{\"name\":\"Z\",\"proj\":[[[\"M\",1]]],\"rw\":1}]}"
#define ARCH(extra)                                                                                                    \
    "\"arch\":{\"mac\":{\"instances\":1,\"energy_pj\":1},\"levels\":[{\"name\":\"B\","                                 \
    "\"energy_pj\":1" extra "}]}"
#define MAPPING(loops, keep) "\"mapping\":[{\"level\":\"B\",\"temporal\":" loops ",\"spatial\":[],\"keep\":" keep "}]"
    static const struct {
        const char *line, *says;
    } rows[] = {
        {"{", "not JSON"},
        {"[]", "must be an object"},
        {"{\"id\":7}", "'id' needs a name"},
        {"{\"id\":\"x\"}", "dimensions"},
        {"{\"id\":\"x\"," WORKLOAD "}", "'arch' must be an object"},
        {"{\"id\":\"x\"," WORKLOAD "," ARCH(",\"banks\":2") "}", "unknown key 'banks'"},
        {"{\"id\":\"x\"," WORKLOAD "," ARCH("") "," MAPPING("[[\"M\",3]]", "[\"A\",\"Z\"]") "}", "cover 3 of 4"},
        {"{\"id\":\"x\"," WORKLOAD "," ARCH("") "," MAPPING("[[\"N\",4]]", "[\"A\",\"Z\"]") "}", "not a temporal loop"},
        {"{\"id\":\"x\"," WORKLOAD "," ARCH("") "," MAPPING("[[\"M\",4]]", "[\"A\",\"Q\"]") "}", "unknown tensor 'Q'"},
        {"{\"id\":\"x\"," WORKLOAD "," ARCH(",\"entries\":7") "," MAPPING("[[\"M\",4]]", "[\"A\",\"Z\"]") "}",
         "holds 7 bits"},
        {"{\"id\":\"x\"," WORKLOAD "," ARCH("") "," MAPPING("[[\"M\",4,3]]", "[\"A\",\"Z\"]") "}", "residual"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct strbuf out = STRBUF_INIT;
        ck_assert_int_eq(case_run(rows[i].line, strlen(rows[i].line), ACCOUNTING_EXACT, &out), -1);
        ck_assert_msg(strstr(out.buf, rows[i].says) != NULL, "%s", out.buf);
        strbuf_release(&out);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("case");
    TCase *tc = tcase_create("case");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, cases_are_the_references, 0, CASE_FILES);
    tcase_add_test(tc, errors_are_answers);
    suite_add_tcase(s, tc);
    return run_suite(s, CK_FORK_GETENV);
}
