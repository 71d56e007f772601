# A brigd of the suite's own, on one store, and an image made from the guest's base.

export BRIG_HOST=unix://$work/run/brig.sock
bridge=brigtest0
subnet=172.31.61.0/24
gateway=172.31.61.1
PATH=$bin:$PATH

# start_engine: with $root and $driver set by the suite. Its number is in a file, for checks run in subshells.
start_engine() {
    brigd --root $root --run $work/run --snapshotter $driver --bridge $bridge --subnet $subnet \
        --nft-table brigtest $engine_options </dev/null >>$work/brigd.log 2>&1 &
    echo $! >$work/engine.pid
    within 30 brig version >/dev/null 2>&1
}
# start_engine_on_zfs SIZE WHAT: on a pool of that size in a file. Where there can be none, WHAT is skipped.
start_engine_on_zfs() {
    if ! truncate -s $1 $work/pool || ! zpool create -O atime=off -m $work/zfs brigsuite $work/pool; then
        skip "$2" "no pool can be made"
        exit 0
    fi
    driver=zfs root=$work/zfs/engine
    zfs create brigsuite/engine
    start_engine || { tail $work/brigd.log; echo "not ok an engine on ZFS: it does not start"; exit 1; }
}
signal_engine() {
    kill -$1 $(cat $work/engine.pid)
    within 30 engine_gone
}
# wait(1) knows only the children of its own shell.
engine_gone() {
    ! ps -p $(cat $work/engine.pid) -o stat= | grep -qv Z
}

# The programs that the checks use, with the libraries that these need.
make_base() {
    local to="$1" file
    mkdir -p $to/bin $to/sbin $to/usr/bin $to/usr/sbin $to/lib $to/usr/lib $to/libexec $to/etc \
        $to/tmp $to/root $to/data
    chmod 1777 $to/tmp
    for file in sh cat ls sleep echo mkdir rm cp mv ps kill test '[' stty hostname dd df date ln chmod chflags pwd; do
        cp /bin/$file $to/bin/ || true
    done
    for file in /sbin/ifconfig /sbin/sysctl /sbin/mount /sbin/ping /sbin/route /sbin/md5 /usr/bin/id \
        /usr/bin/env /usr/bin/true /usr/bin/false /usr/bin/touch /usr/bin/tty /usr/bin/wc /usr/bin/grep \
        /usr/bin/tail /usr/bin/head /usr/bin/nc /usr/bin/seq /usr/bin/stat /usr/bin/cpuset /bin/cpuset \
        /usr/bin/netstat /usr/bin/uname /usr/sbin/chown; do
        [ -e $file ] && cp $file $to$file
    done
    cp /libexec/ld-elf.so.1 $to/libexec/
    for file in $(ldd -f '%p\n' $to/bin/* $to/sbin/* $to/usr/bin/* $to/usr/sbin/* 2>/dev/null | grep '^/' | sort -u); do
        cp $file $to/lib/
    done
    cp /etc/passwd /etc/pwd.db /etc/group $to/etc/
}

# What the kernel and the store have of containers.
leftovers() {
    jls -d name 2>/dev/null | grep -v '^outside$' | sed 's/^/jail /'
    mount -v 2>/dev/null | grep -E " on ($work/run|$root/(containers|tmp))" | sed 's/^/mount /'
    devfs rule showsets 2>/dev/null | awk '$1 >= 10000 { print "ruleset " $1 }'
    rctl 2>/dev/null | sed 's/^/rule /'
    ifconfig -g epair 2>/dev/null | grep -v -e "^$outside" | sed 's/^/interface /'
    ls $work/run/tasks 2>/dev/null | sed 's/^/task /'
}
nothing_left() {
    [ -z "$(leftovers)" ]
}
# A jail is dying as long as a connection of its own is in TIME_WAIT: a minute.
expect_nothing_left() {
    within 90 nothing_left || fail "left over: $(leftovers | tr '\n' ';')"
}

status_of() {
    brig inspect -f '{{.State.Status}}' $1
}
has_status() {
    [ "$(status_of $1)" = "$2" ]
}

clean_up() {
    local id
    for id in $(brig ps -aq); do brig rm -f -v $id; done
}

# A machine elsewhere: a jail with a network stack of its own that knows no way to the containers' subnet.
outside=none
make_outside() {
    outside=$(ifconfig epair create)
    outside=${outside%a}
    jail -c name=outside path=/ persist vnet vnet.interface=${outside}b
    ifconfig ${outside}a 192.0.2.1/24 up
    jexec outside ifconfig ${outside}b 192.0.2.2/24 up
    jexec outside ifconfig lo0 127.0.0.1/8 up
}
remove_outside() {
    jail -r outside
    local left=50
    until ifconfig ${outside}a destroy 2>/dev/null; do
        left=$((left - 1))
        [ $left -gt 0 ] || return 1
        sleep 0.1
    done
}
