# brig and brigd end to end on ZFS.
. suites/lib.sh
. suites/engine_lib.sh
. suites/engine_checks.sh
. suites/pkg_checks.sh

start_engine_on_zfs 600m "the engine on ZFS"
everything "ZFS"
pkg_checks "ZFS"
no_datasets() {
    all_gone
    expect "brigsuite brigsuite/engine" "$(echo $(zfs list -H -o name))"
}
check "ZFS, nothing is left, no dataset either" no_datasets
zpool destroy -f brigsuite
say_log
finish
