#!/bin/sh
# The machine can run MPI jobs at all: every rank starts, the job's exit status is that of the rank that fails, nothing is left behind.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/mpi.sh"
mark=$$.launch

n=$(ranks 4 sh -c 'echo rank' | grep -c rank)
ok '[ "$n" -eq 4 ]' "4 ranks start, not $n"
ranks 2 sh -c 'exit 75' > /dev/null 2>&1
status=$?
ok '[ $status -eq 75 ]' "the status of a failed rank is the job's: $status"
ranks 2 sh -c "sleep 0.1; : $mark" > /dev/null 2>&1
ok '! pgrep -f "$mark" > /dev/null' "no process is left"
summary
