# A thousand containers on ZFS: the list of them takes no time.
. suites/lib.sh
. suites/engine_lib.sh
. suites/engine_checks.sh

count=${BRIG_LISTING:-1000}
start_engine_on_zfs 2g "listing containers on ZFS"

create_some() {
    local i=0
    while [ $i -lt $(($count / 2)) ]; do
        i=$((i + 1))
        brig create --name $1-$i --net none base true || return 1
    done
}

# seconds COMMAND...: the best of five.
seconds() {
    for run in 1 2 3 4 5; do
        time -p -o $work/took "$@" >$work/listed
        sed -n 's/^real *//p' $work/took
    done | sort -n | head -n 1
}
under_a_second() {
    case $1 in 0.*) ;; *) fail "$2 took $1 s" ;; esac
}

listing() {
    brig import $work/base.tar base:latest
    create_some a >$work/created.a &
    create_some b >$work/created.b
    wait
    expect $((count + 2)) "$(zfs list -H -r -o name brigsuite/engine | wc -l | tr -d ' ')"
    local ids="$(seconds brig ps -aq)"
    expect $count "$(wc -l <$work/listed | tr -d ' ')"
    local all="$(seconds brig ps -a)" none="$(seconds brig version)" zfs="$(seconds zfs list -r brigsuite/engine)"
    echo "$count containers: brig ps -aq $ids s, brig ps -a $all s; brig version $none s, zfs list $zfs s" >$work/figures
    under_a_second $ids "brig ps -aq"
    under_a_second $all "brig ps -a"
}
check "$count containers on ZFS are listed within a second" listing
cat $work/figures 2>/dev/null
signal_engine KILL
zpool destroy -f brigsuite
say_log
finish
