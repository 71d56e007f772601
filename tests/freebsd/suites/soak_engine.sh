# Containers by brigd on ZFS, one after another and two at a time, on the default network, each with a port, a limit and
# a device: whatever their end, nothing of them stays.
. suites/lib.sh
. suites/engine_lib.sh
. suites/engine_checks.sh

cycles=${BRIG_SOAK_CYCLES:-50}
printf 'nat-anchor "brigtest/*"\nrdr-anchor "brigtest/*"\nanchor "brigtest/*"\n' | pfctl -q -f - && pfctl -q -e 2>/dev/null
start_engine_on_zfs 600m "soak of the engine"

options="-p 18080:8000 --device /dev/mem"
[ "$(sysctl -n kern.racct.enable)" = 1 ] && options="$options --pids-limit 50"

# By its number, each comes to another end.
container() {
    local name=soak-$1 code=0
    case $(($1 % 5)) in
    0)  # Killed, and removed by itself.
        brig run -d --rm --name $name $options base nc -kl 8000
        brig kill $name
        ;;
    1)  # Removed by force, with what it has written.
        brig run -d --name $name $options base sh -c 'echo x >/data/x; exec nc -kl 8000'
        brig rm -f $name
        ;;
    2)  # Its client is killed.
        brig run --rm --name $name $options base sleep 1000 >$work/client.out 2>&1 &
        local client=$!
        within 60 has_status $name running || fail "$(brig ps -a; cat $work/client.out; ps axl)"
        kill -9 $client
        brig kill $name
        ;;
    3)  # The program does not start.
        brig run --rm --name $name $options base /no/such || code=$?
        expect 127 $code
        ;;
    4)  brig run --rm --name $name $options base true
        ;;
    esac
    # The port is free again when it is gone.
    container_gone() { ! brig inspect $name >/dev/null 2>&1; }
    within 30 container_gone
}

# What stays of all of it, beside what engine_lib.sh looks for: empty, or as it was.
state_of_the_host() {
    leftovers
    zfs list -H -o name -t all -r brigsuite
    pfctl -q -a brigtest/ports -s nat 2>/dev/null
    pfctl -q -a brigtest/base -s rules 2>/dev/null
    ls $root/containers
    ifconfig -l
}
as_before() {
    state_of_the_host >$work/after
    cmp -s $work/before $work/after
}

soak() {
    brig import $work/base.tar base:latest
    # Once every end, for what is made once and kept.
    local i=0
    while [ $i -lt 5 ]; do
        i=$((i + 1))
        container $i
    done
    expect_nothing_left
    state_of_the_host >$work/before
    local files=$(sysctl -n kern.openfiles) processes=$(ps ax -o pid= | wc -l)
    while [ $i -lt $((cycles + 5)) ]; do
        i=$((i + 1))
        # Two at a time: the other has no port, so there is nothing to be had twice.
        brig run --rm --name beside-$i base true &
        local beside=$!
        container $i
        wait $beside
    done
    within 90 as_before || fail "it was: $(cat $work/before) it is: $(cat $work/after)"
    [ $(ps ax -o pid= | wc -l) -le $((processes + 1)) ] || fail "processes are left: $(ps ax)"
    [ $(sysctl -n kern.openfiles) -le $((files + 20)) ] || fail "files stay open: $files, $(sysctl -n kern.openfiles)"
}
check "$cycles containers of the engine on ZFS leave no jail, mount, interface, ruleset, rule, dataset or file" soak
all_gone_too() {
    all_gone
    expect "brigsuite brigsuite/engine" "$(echo $(zfs list -H -o name))"
    expect "" "$(pfctl -q -a brigtest/ports -s nat 2>/dev/null)"
}
check "after them, nothing is left of the engine" all_gone_too
zpool destroy -f brigsuite
say_log
finish
