/* A folder and an error for each test of a case: tcase_add_checked_fixture(t, setup, teardown). One file includes this once. */
#ifndef TESTS_DB_CASE_H
#define TESTS_DB_CASE_H

#include "tests/db_fixture.h"

static struct fix fix;
static struct err err;

static void setup(void)
{
    err = (struct err)ERR_INIT;
    fix_begin(&fix);
}

static void teardown(void)
{
    fix_end(&fix);
}

#endif
