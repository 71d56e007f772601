# Every unit, contract, security and fault test that was built for FreeBSD.
. suites/lib.sh

load_modules
# On ZFS where there is one, so that its snapshotter is among the drivers.
if truncate -s 600m $work/pool && zpool create -m $work/tmp brigunits $work/pool; then
    # The tests look at modes and owners from ordinary users' eyes too.
    chmod 1777 $work/tmp
else
    mkdir -p $work/tmp
fi
mkdir -p $work/plain
chmod 1777 $work/plain

# Tests of the shim start the program that is beside them.
ln -f $bin/brig-shim /brig/tests/

found=false
for test in /brig/tests/*_*; do
    [ -x "$test" ] || continue
    found=true
    name=$(basename $test)
    wanted $name || continue
    # Builds on ZFS are engine_zfs's: here they would be hundreds of datasets.
    place=$work/tmp
    [ $name = unit_build ] && place=$work/plain
    TMPDIR=$place $test --gtest_brief=1 --gtest_color=no >$work/$name.out 2>&1 </dev/null
    code=$?
    passed=$(sed -n 's/^\[  PASSED  \] \([0-9]*\) .*/\1/p' $work/$name.out)
    skipped=$(sed -n 's/^\[  SKIPPED \] \([0-9]*\) .*/\1/p' $work/$name.out)
    if [ $code -eq 0 ] && [ "${passed:-0}" -gt 0 ]; then
        echo "ok $name: $passed tests${skipped:+, $skipped skipped}"
    else
        failures=$((failures + 1))
        echo "not ok $name: exit code $code, $(grep -c '^\[  FAILED  \].*(' $work/$name.out) failed"
        grep -A 12 -E 'Failure|FAILED|terminate|exception' $work/$name.out | head -n 80 | sed 's/^/    /'
    fi
done
zpool destroy -f brigunits 2>/dev/null
$found || skip "unit tests" "none was built: BRIG_TESTS=ON in the cross build"
finish
