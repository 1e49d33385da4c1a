# What the tests of sweeps share: a folder of their own, the program and a study by their whole paths, counted checks. Sourced from the root.
dovetail=${DOVETAIL:-build/release/dovetail}
case $dovetail in /*) ;; *) dovetail=$PWD/$dovetail ;; esac
study=$PWD/tests/fixtures/resume.yaml
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"; :' EXIT
TMPDIR=$dir/scratch
export TMPDIR
mkdir "$TMPDIR"
cd "$dir" || exit 1
checks=0 failures=0
ok() # condition (a shell command), what it shows
{
    checks=$((checks + 1))
    eval "$1" || { failures=$((failures + 1)); echo "FAILED: $2"; }
}
exits() # status, options of sweep; what it says is in said
{
    expected=$1
    shift
    "$dovetail" sweep "$@" > out 2> said
    status=$?
    ok '[ $status -eq $expected ]' "status $status, not $expected: sweep $*: $(cat said)"
}
