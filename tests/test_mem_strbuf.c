/* base/mem, base/strbuf, base/err. */
#include "base/err.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "tests/run_suite.h"

#include <check.h>
#include <string.h>

START_TEST(mem_is_zeroed)
{
    unsigned char *p = mem_calloc(1000, 3);
    for (int i = 0; i < 3000; i++) {
        ck_assert_int_eq(p[i], 0);
    }
    mem_free(p);
    p = mem_alloc(0);
    ck_assert_ptr_nonnull(p);
    mem_free(p);
    mem_free(NULL);
}
END_TEST

START_TEST(mem_grow_keeps_contents)
{
    int *list = NULL;
    int n = 0;
    int cap = 0;
    for (; n < 1000; n++) {
        MEM_GROW(list, n, cap);
        list[n] = n * n;
    }
    ck_assert_int_ge(cap, 1000);
    for (int i = 0; i < n; i++) {
        ck_assert_int_eq(list[i], i * i);
    }
    mem_free(list);
}
END_TEST

START_TEST(mem_overflow_aborts)
{
    mem_realloc(NULL, (size_t)-1 / 2, 4);
}
END_TEST

START_TEST(mem_strings)
{
    char *a = mem_strdup("abc");
    char *b = mem_strndup("abcdef", 3);
    char *c = mem_strndup("ab", 10);
    ck_assert_str_eq(a, b);
    ck_assert_str_eq(c, "ab");
    mem_free(a);
    mem_free(b);
    mem_free(c);
}
END_TEST

START_TEST(strbuf_grows)
{
    struct strbuf sb = STRBUF_INIT;
    ck_assert_str_eq(strbuf_str(&sb), "");
    for (int i = 0; i < 1000; i++) {
        strbuf_addf(&sb, "%d,", i % 10);
    }
    ck_assert_uint_eq(sb.len, 2000);
    ck_assert_uint_eq(strlen(strbuf_str(&sb)), 2000);
    ck_assert_int_eq(sb.buf[1998], '9');
    strbuf_reset(&sb);
    ck_assert_str_eq(strbuf_str(&sb), "");
    strbuf_adds(&sb, "x");
    strbuf_add(&sb, "y\0z", 3);
    ck_assert_uint_eq(sb.len, 4);
    ck_assert_int_eq(sb.buf[4], '\0');
    strbuf_add(&sb, NULL, 0);
    char *s = strbuf_detach(&sb);
    ck_assert_str_eq(s, "xy");
    mem_free(s);
    s = strbuf_detach(&sb);
    ck_assert_str_eq(s, "");
    mem_free(s);
    strbuf_release(&sb);
}
END_TEST

START_TEST(err_keeps_the_first)
{
    struct err err = ERR_INIT;
    ck_assert_int_eq(err_set(&err, ERR_DATA, "'%s' is bad", "x"), -1);
    ck_assert_int_eq(err_set(&err, ERR_IO, "later"), -1);
    ck_assert_int_eq(err.code, ERR_DATA);
    ck_assert_str_eq(err.text, "'x' is bad");
    ck_assert_int_eq(err_set(NULL, ERR_IO, "nobody listens"), -1);
}
END_TEST

START_TEST(err_is_cut)
{
    struct err err = ERR_INIT;
    err_set(&err, ERR_DATA, "%2000d", 1);
    ck_assert_uint_eq(strlen(err.text), sizeof err.text - 1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("mem_strbuf");
    TCase *t = tcase_create("all");
    tcase_add_test(t, mem_is_zeroed);
    tcase_add_test(t, mem_grow_keeps_contents);
    tcase_add_test_raise_signal(t, mem_overflow_aborts, 6);
    tcase_add_test(t, mem_strings);
    tcase_add_test(t, strbuf_grows);
    tcase_add_test(t, err_keeps_the_first);
    tcase_add_test(t, err_is_cut);
    suite_add_tcase(s, t);
    return run_suite(s, CK_FORK_GETENV);
}
