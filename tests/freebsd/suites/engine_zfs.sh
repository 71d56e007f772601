# brig and brigd end to end on ZFS.
. suites/lib.sh
. suites/engine_lib.sh
. suites/engine_checks.sh

if ! truncate -s 600m $work/pool || ! zpool create -m $work/zfs brigsuite $work/pool; then
    skip "the engine on ZFS" "no pool can be made"
    exit 0
fi
driver=zfs root=$work/zfs/engine
zfs create brigsuite/engine
start_engine || { tail $work/brigd.log; echo "not ok an engine on ZFS: it does not start"; exit 1; }
everything "ZFS"
no_datasets() {
    all_gone
    expect "brigsuite brigsuite/engine" "$(echo $(zfs list -H -o name))"
}
check "ZFS, nothing is left, no dataset either" no_datasets
zpool destroy -f brigsuite
say_log
finish
