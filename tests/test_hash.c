/* base/hash: published vectors of XXH3-128, hex, parsing. */
#include "base/hash.h"
#include "tests/run_suite.h"

#include <check.h>
#include <string.h>

START_TEST(known_answers)
{
    /* XXH128 of the empty input with seed 0, and of "abc", as `xxhsum -H2` prints them.
     */
    char hex[HASH_HEX];
    hash_hex(hash_bytes("", 0), hex);
    ck_assert_str_eq(hex, "99aa06d3014798d86001c324468d497f");
    hash_hex(hash_bytes("abc", 3), hex);
    ck_assert_str_eq(hex, "06b05ab6733a618578af5f94892f3950");
}
END_TEST

START_TEST(hex_round_trip)
{
    for (int i = 0; i < 1000; i++) {
        struct hash h = hash_bytes(&i, sizeof i);
        struct hash back;
        char hex[HASH_HEX];
        hash_hex(h, hex);
        ck_assert_int_eq(hash_parse(hex, &back), 0);
        ck_assert(hash_equal(h, back));
        int other = i + 1;
        ck_assert(!hash_equal(h, hash_bytes(&other, sizeof other)));
    }
}
END_TEST

START_TEST(parse_refuses)
{
    static const char *const bad[] = {"", "99aa", "99aa06d3014798d86001c324468d497g",
                                      "99aa06d3014798d86001c324468d497f0", "99aa06d3014798d86001c324468d497"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct hash h;
        ck_assert_msg(hash_parse(bad[i], &h) == -1, "accepted '%s'", bad[i]);
    }
    struct hash upper;
    ck_assert_int_eq(hash_parse("99AA06D3014798D86001C324468D497F", &upper), 0);
    ck_assert(hash_equal(upper, hash_bytes("", 0)));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("hash");
    TCase *t = tcase_create("all");
    tcase_add_test(t, known_answers);
    tcase_add_test(t, hex_round_trip);
    tcase_add_test(t, parse_refuses);
    suite_add_tcase(s, t);
    return run_suite(s, CK_FORK_GETENV);
}
