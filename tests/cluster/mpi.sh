# Sourced by the tests that run MPI jobs: `ranks N PROGRAM..` starts one on this machine, whoever calls and however few cores there are.
# The launcher is $MPIRUN; its environment says what a test may do and a user should not have to: run as root, more ranks than cores.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none OMPI_MCA_orte_base_help_aggregate=1
export OMPI_MCA_btl=self,vader OMPI_MCA_btl_vader_single_copy_mechanism=none # no network, no ptrace: containers have neither
MPIRUN=${MPIRUN:-mpirun}

ranks()
{
    n=$1
    shift
    "$MPIRUN" -n "$n" "$@"
}

# How many evaluations of tests/fixtures/resume.yaml three workers do in so many ms here and now.
enough() # ms
{
    first=$(date +%s%N)
    "$DOVETAIL" search tests/fixtures/resume.yaml -o "$dir/speed.db" --set search.budget.evaluations=100 -j1 -q > /dev/null 2>&1
    us=$((($(date +%s%N) - first) / 100000))
    cores=$(nproc)
    [ "$cores" -gt 3 ] && cores=3
    n=$(($1 * 1000 * cores / us))
    echo $((n < 300 ? 300 : n > 6000 ? 6000 : n))
}

checks=0 failures=0
ok() # condition (a shell command), what it shows
{
    checks=$((checks + 1))
    eval "$1" || { failures=$((failures + 1)); echo "FAILED: $2"; }
}
summary()
{
    echo "$(( checks == 0 ? 0 : 100 * (checks - failures) / checks ))%: Checks: $checks, Failures: $failures, Errors: 0"
    [ "$failures" -eq 0 ]
}
