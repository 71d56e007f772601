# A root file system from the guest's own base, and bundles on it.

runtime="$bin/brig-runtime --root $work/state"

# Programs, and every shared library that base has at hand: the suites need no more.
make_rootfs() {
    local root="$1" dir file
    mkdir -p $root/bin $root/sbin $root/usr/bin $root/usr/sbin $root/lib $root/usr/lib $root/libexec \
        $root/etc $root/tmp $root/root $root/data
    chmod 1777 $root/tmp
    cp /bin/* $root/bin/
    for file in /sbin/ifconfig /sbin/sysctl /sbin/mount /sbin/umount /sbin/ping /sbin/route /sbin/mdconfig \
        /usr/bin/id /usr/bin/env /usr/bin/true /usr/bin/false /usr/bin/limits /usr/bin/touch /usr/bin/tty \
        /usr/bin/wc /usr/bin/grep /usr/bin/tail /usr/bin/head /usr/bin/procstat /usr/bin/seq /usr/bin/nc \
        /usr/bin/stat /usr/bin/proccontrol /usr/bin/truncate; do
        [ -e $file ] && cp $file $root$file
    done
    cp /libexec/ld-elf.so.1 $root/libexec/
    cp -R /lib/*.so.* $root/lib/
    cp -R /usr/lib/*.so.* $root/usr/lib/ 2>/dev/null || true
    cp /etc/passwd /etc/group /etc/pwd.db $root/etc/
}

# bundle: writes $work/b/config.json from what the caller has set of: args (JSON strings), user, process (more
# members), mounts, hooks, jail (members), devices, resources, terminal, cwd, more (members of the whole).
bundle() {
    mkdir -p $work/b
    cat >$work/b/config.json <<JSON
{ "ociVersion": "1.2.0",
  "process": { "args": [$args], "cwd": "${cwd:-/}", "terminal": ${terminal:-false},
    "env": ["PATH=/sbin:/bin:/usr/sbin:/usr/bin", "HOME=/root"],
    "user": { ${user:-"uid": 0, "gid": 0} } ${process:+, $process} },
  "root": { "path": "${root:-$work/rootfs}" },
  "hostname": "box",
  "mounts": [ {"destination": "/dev", "type": "devfs", "source": "devfs"},
              {"destination": "/dev/fd", "type": "fdescfs", "source": "fdesc"} ${mounts:+, $mounts} ],
  "hooks": { $hooks },
  "linux": { "resources": { $resources } },
  "freebsd": { "devices": [ $devices ], "jail": { "enforceStatfs": 2 ${jail:+, $jail} } } ${more:+, $more} }
JSON
}

# sh_run TEXT: runs a shell with it in a new container, to its end.
sh_run() {
    args="\"sh\", \"-c\", \"$1\""
    bundle
    $runtime run -b $work/b ${id:-box} </dev/null
}

# start_sleeper ID [TEXT]: a detached container.
start_sleeper() {
    args="\"sh\", \"-c\", \"${2:-sleep 1000}\""
    bundle
    $runtime run -d -b $work/b $1 </dev/null >$work/$1.out 2>&1
}

state_of() {
    $runtime state $1 2>/dev/null | sed -n 's/.*"status": "\([a-z]*\)".*/\1/p'
}
pid_of() {
    $runtime state $1 | sed -n 's/.*"pid": \([0-9]*\).*/\1/p'
}
has_status() {
    [ "$(state_of $1)" = "$2" ]
}

# Everything in the kernel that belongs to a container.
leftovers() {
    jls -d name 2>/dev/null | sed 's/^/jail /'
    mount -v 2>/dev/null | grep " on $work/[br]" | sed 's/^/mount /'
    devfs rule showsets 2>/dev/null | awk '$1 >= 10000 { print "ruleset " $1 }'
    rctl 2>/dev/null | sed 's/^/rule /'
    ifconfig -g epair 2>/dev/null | sed 's/^/interface /'
    ls $work/state 2>/dev/null | grep -v '^seccomp' | sed 's/^/state /'
}
# A jail stays "dying" while the kernel tears its network stack down.
nothing_left() {
    [ -z "$(leftovers)" ]
}
expect_nothing_left() {
    within 20 nothing_left || fail "left over: $(leftovers | tr '\n' ';')"
}

clean_up() {
    local id
    for id in $($runtime list -q); do $runtime delete -f $id; done
}
