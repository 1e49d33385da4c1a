/* Tables: quotes, ends of lines and of the file, what is no number. */
#include "base/csv.h"
#include "tests/run_suite.h"

#include <check.h>
#include <string.h>

static struct err err;

static int parse(const char *text, struct csv *csv)
{
    err = (struct err)ERR_INIT;
    return csv_parse("t.csv", text, strlen(text), csv, &err);
}

START_TEST(fields_and_rows)
{
    static const struct {
        const char *text;
        int rows, cols;
        const char *last; /* of the last row */
    } cases[] = {
        {"a,b\n1,2\n", 2, 2, "2"},
        {"a,b\n1,2", 2, 2, "2"},
        {"a,b\r\n1,2\r\n", 2, 2, "2"},
        {"a,b\n1,", 2, 2, ""},
        {"a,b\n1,\n", 2, 2, ""},
        {"a\n\"x, \"\"y\"\"\"\n", 2, 1, "x, \"y\""},
        {"a,b\n1,\"2\n3\"\n", 2, 2, "2\n3"},
        {"a,b\n1,\"2\"\r\n", 2, 2, "2"},
        {"a", 1, 1, "a"},
        {"a,", 1, 2, ""},
    };
    struct csv csv;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_msg(parse(cases[i].text, &csv) == 0, "%zu: %s", i, err.text);
        ck_assert_int_eq(csv.rows, cases[i].rows);
        ck_assert_int_eq(csv.cols, cases[i].cols);
        ck_assert_str_eq(csv.cell[csv.rows * csv.cols - 1], cases[i].last);
        csv_release(&csv);
    }
    ck_assert_int_eq(parse("", &csv), 0);
    ck_assert_int_eq(csv.rows, 0);
    ck_assert_int_eq(csv_column(&csv, "a"), -1);
    csv_release(&csv);
    ck_assert_int_eq(parse("a,b\n1\n", &csv), -1);
    ck_assert_str_eq(err.text, "row 2 of 't.csv' has 1 fields, its header 2");
}
END_TEST

START_TEST(numbers)
{
    struct csv csv;
    double v;
    ck_assert_int_eq(parse("a,b,c,d,e\n1.5,,nan,1e999,2x\n", &csv), 0);
    ck_assert_int_eq(csv_number(&csv, 1, "a", &v, &err), 0);
    ck_assert_double_eq(v, 1.5);
    ck_assert_int_eq(csv_number(&csv, 1, "b", &v, &err), 0);
    ck_assert_double_eq(v, 0);
    static const char *const bad[] = {"c", "d", "e", "f"};
    for (int i = 0; i < 4; i++) {
        err = (struct err)ERR_INIT;
        ck_assert_int_eq(csv_number(&csv, 1, bad[i], &v, &err), -1);
        ck_assert_int_eq(err.code, ERR_DATA);
    }
    err = (struct err)ERR_INIT;
    ck_assert_int_eq(csv_number(&csv, 2, "a", &v, &err), -1);
    csv_release(&csv);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("csv");
    TCase *t = tcase_create("all");
    tcase_add_test(t, fields_and_rows);
    tcase_add_test(t, numbers);
    suite_add_tcase(s, t);
    return run_suite(s, CK_FORK_GETENV);
}
