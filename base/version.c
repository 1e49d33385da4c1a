/* The only file that includes the build stamp, so that a commit recompiles this and nothing else. */
#include "base/version.h"

#include "build_stamp.h"

const char *dovetail_version(void)
{
    return BUILD_VERSION;
}

const char *dovetail_commit(void)
{
    return BUILD_COMMIT;
}
