# brig-runtime: the OCI lifecycle as jails.
. suites/lib.sh
. suites/runtime_lib.sh

load_modules
make_rootfs $work/rootfs

# ---- lifecycle

lifecycle() {
    args='"sh", "-c", "echo started >/data/mark; sleep 1000"'
    rm -f $work/rootfs/data/mark
    bundle
    $runtime create -b $work/b box </dev/null
    expect created "$(state_of box)"
    [ ! -e $work/rootfs/data/mark ] || fail "it ran before start"
    $runtime start box
    expect running "$(state_of box)"
    within 5 test -e $work/rootfs/data/mark
    $runtime delete box && fail "deleted while it was running"
    $runtime kill box TERM
    within 5 has_status box stopped
    $runtime delete box
    expect_nothing_left
}
check "create, start, state, kill, delete" lifecycle

exit_codes() {
    local code=0
    sh_run "exit 7" || code=$?
    expect 7 $code
    code=0
    sh_run 'kill -9 $$' || code=$?
    expect 137 $code
    code=0
    args='"/no/such/program"'; bundle
    # As runc: what does not start is 1 of run, 255 of exec.
    $runtime run -b $work/b box </dev/null || code=$?
    expect 1 $code
    code=0
    args='"/etc/passwd"'; bundle
    $runtime run -b $work/b box </dev/null || code=$?
    expect 1 $code
    expect_nothing_left
}
check "exit codes of programs, of signals, of what cannot run" exit_codes

numeric_name() {
    start_sleeper 12345
    jls -j brig-12345 jid >/dev/null
    $runtime delete -f 12345
    expect_nothing_left
}
check "a container whose name is a number" numeric_name

taken_name() {
    start_sleeper box
    $runtime create -b $work/b box </dev/null && fail "two containers of one name"
    expect running "$(state_of box)"
    $runtime delete -f box
    expect_nothing_left
}
check "a name is taken once" taken_name

double_fork() {
    start_sleeper box "sh -c 'sleep 1000 & sleep 1001 & exec sleep 1002'"
    within 5 sh -c "[ \$(ps -J box -o pid= | wc -l) -ge 3 ]"
    $runtime delete -f box
    [ "$(ps ax -o command= | grep -c '[s]leep 100')" = 0 ] || fail "processes are left"
    expect_nothing_left
}
check "delete ends every process of the jail" double_fork

killed_creator() {
    cat >$work/slow <<'SH'
#!/bin/sh
touch /tmp/brig-suite/hook-runs
sleep 1000
SH
    chmod +x $work/slow
    rm -f $work/hook-runs
    args='"true"'
    hooks="\"createRuntime\": [ {\"path\": \"$work/slow\"} ]"
    bundle
    $runtime create -b $work/b box </dev/null &
    local creator=$!
    within 10 test -e $work/hook-runs
    kill -9 $creator
    $runtime delete -f box
    kill $(ps ax -o pid=,command= | awk '/sleep 1000/ { print $1 }') 2>/dev/null || true
    expect_nothing_left
}
check "kill -9 of the runtime while it creates" killed_creator

# ---- process

identity() {
    user='"uid": 80, "gid": 80, "additionalGids": [5, 4], "umask": 23'
    cwd=/tmp
    local got="$(sh_run 'echo $(id -u) $(id -g) $(id -G) $(umask) $(pwd) $(hostname)')"
    # The order of the groups is the kernel's, and until FreeBSD 14 the group itself is one of them.
    case "$got" in
    "80 80 80 "*" 0027 /tmp box" | "80 80 4 5 0027 /tmp box" | "80 80 5 4 0027 /tmp box") ;;
    *) fail "got $got" ;;
    esac
}
check "user, group, further groups, umask, working directory, host name" identity

rlimits() {
    process='"rlimits": [ {"type": "RLIMIT_NOFILE", "hard": 100, "soft": 50}, {"type": "RLIMIT_CORE", "hard": 0, "soft": 0} ]'
    expect "50 100 0" "$(sh_run 'echo $(ulimit -Sn) $(ulimit -Hn) $(ulimit -Hc)')"
}
check "rlimits" rlimits

no_new_privs() {
    cp $work/rootfs/usr/bin/id $work/rootfs/data/suid-id
    chmod 4755 $work/rootfs/data/suid-id
    user='"uid": 80, "gid": 80'
    expect 0 "$(sh_run '/data/suid-id -u')"
    process='"noNewPrivileges": true'
    expect 80 "$(sh_run '/data/suid-id -u')"
    rm $work/rootfs/data/suid-id
}
check "no_new_privs takes setuid away" no_new_privs

no_descriptors() {
    # procstat lists the program, the directories, 0 to 2.
    expect "0 1 2" "$(echo $(sh_run 'exec procstat -f $$' 2>/dev/null | awk '$3 ~ /^[0-9]+$/ { print $3 }' | sort -n | head -n 3))"
    local open="$(sh_run 'procstat -f $$' | awk '$3 ~ /^[0-9]+$/ && $3 > 2' | wc -l)"
    expect 0 $((open))
}
[ -x /usr/bin/procstat ] && check "no descriptor of the host in the container" no_descriptors

# ---- mounts

device_list() {
    # What a container needs, and neither disks nor memory.
    local seen="$(sh_run 'cd /dev; echo *')"
    for name in null zero random urandom fd stdin stdout stderr; do
        case " $seen " in *" $name "*) ;; *) fail "no $name in $seen" ;; esac
    done
    for name in mem kmem vtbd0 bpf pf zfs console io; do
        case " $seen " in *" $name "*) fail "$name in $seen" ;; esac
    done
    sh_run 'echo x >/dev/null && [ $(head -c 8 /dev/zero | wc -c) = 8 ]'
    sh_run 'exec 9</etc/passwd; head -c 4 /dev/fd/9 | grep root'
}
check "/dev holds what is harmless, by devfs and fdescfs" device_list

device_ruleset() {
    devices='{"path": "mem", "mode": 384}'
    start_sleeper box 'ls -l /dev/mem; sleep 1000'
    within 5 grep -q 'crw-------' $work/box.out
    devfs rule showsets | awk '$1 >= 10000' | grep -q . || fail "no ruleset of our own"
    $runtime delete -f box
    expect_nothing_left
}
check "a device more, in a ruleset of our own range" device_ruleset

tmpfs() {
    mounts='{"destination": "/scratch", "type": "tmpfs", "source": "tmpfs", "options": ["size=1m", "mode=1777", "nosuid"]}'
    sh_run 'dd if=/dev/zero of=/scratch/a bs=512k count=1 2>/dev/null && ! dd if=/dev/zero of=/scratch/b bs=1m count=1 2>/dev/null'
    expect drwxrwxrwt "$(sh_run 'ls -ld /scratch' | cut -c 1-10)"
    expect_nothing_left
}
check "tmpfs with a size" tmpfs

nullfs_directory() {
    mkdir -p $work/shared
    echo outside >$work/shared/file
    mounts="{\"destination\": \"/mnt/a\", \"type\": \"nullfs\", \"source\": \"$work/shared\"},
            {\"destination\": \"/mnt/b\", \"type\": \"bind\", \"source\": \"$work/shared\", \"options\": [\"ro\", \"rbind\"]}"
    expect outside "$(sh_run 'cat /mnt/b/file')"
    sh_run 'echo inside >/mnt/a/file'
    expect inside "$(cat $work/shared/file)"
    sh_run 'echo no >/mnt/b/file' && fail "written to a read-only mount"
    expect_nothing_left
}
check "nullfs of a directory, read-write and read-only" nullfs_directory

nullfs_file() {
    echo one >$work/one-file
    mounts="{\"destination\": \"/etc/one\", \"type\": \"nullfs\", \"source\": \"$work/one-file\"}"
    expect one "$(sh_run 'cat /etc/one')"
    expect_nothing_left
}
check "nullfs of a single file" nullfs_file

hostile_link() {
    mkdir -p $work/canary $work/shared
    ln -sfn ../../../../../../$work/canary $work/rootfs/data/link
    ln -sfn $work/canary $work/rootfs/data/absolute
    mounts="{\"destination\": \"/data/link/x\", \"type\": \"nullfs\", \"source\": \"$work/shared\"},
            {\"destination\": \"/data/absolute/y\", \"type\": \"nullfs\", \"source\": \"$work/shared\"}"
    sh_run 'true' || true
    expect "" "$(ls $work/canary)"
    rm -f $work/rootfs/data/link $work/rootfs/data/absolute
    expect_nothing_left
}
check "links of the image do not lead a mount out of it" hostile_link

readonly_root() {
    root="$work/rootfs\", \"readonly\": true, \"x\": \""
    expect "kept" "$(sh_run 'touch /data/new 2>/dev/null || echo kept')"
    [ ! -e $work/rootfs/data/new ]
    expect_nothing_left
}
check "a read-only root" readonly_root

failed_mount() {
    mounts="{\"destination\": \"/x\", \"type\": \"nullfs\", \"source\": \"/no/such/place\"}"
    sh_run true && fail "it ran without its mount"
    $runtime state box && fail "a container is left"
    expect_nothing_left
}
check "nothing is left of a container that could not be made" failed_mount

# ---- limits

pids() {
    resources='"pids": {"limit": 5}'
    start_sleeper box 'for i in 1 2 3 4 5 6 7 8 9; do sleep 100 & done; wait'
    sleep 1
    [ $(ps -J box -o pid= | wc -l) -le 5 ] || fail "more than 5 processes"
    rctl | grep -q 'jail:box:maxproc:deny=5' || fail "no rule: $(rctl)"
    $runtime delete -f box
    expect_nothing_left
}
memory() {
    # Reads 200 MB into memory.
    resources='"memory": {"limit": 33554432}'
    local code=0
    sh_run 'dd if=/dev/zero of=/dev/null bs=200m count=2 2>/dev/null' || code=$?
    expect 137 $code
    expect_nothing_left
}
cpuset_limit() {
    resources='"cpu": {"cpus": "1"}'
    expect "mask: 1" "$(sh_run 'cpuset -g -p $$' | sed -n 's/.*\(mask: .*\)/\1/p' | head -n 1)"
}
if [ "$(sysctl -n kern.racct.enable)" = 1 ]; then
    check "limit of processes, by rctl" pids
    check "limit of memory, by rctl" memory
else
    skip "limit of processes, by rctl" "kern.racct.enable is off"
    skip "limit of memory, by rctl" "kern.racct.enable is off"
    refused() {
        resources='"pids": {"limit": 5}'
        sh_run true >$work/message 2>&1 && fail "a limit was ignored"
        grep -q 'kern.racct.enable=1' $work/message
        expect_nothing_left
        # What takes no accounting works.
        resources=
        start_sleeper box
        $runtime update --pids-limit 7 box >$work/message 2>&1 && fail "a later limit was ignored"
        grep -q 'kern.racct.enable=1' $work/message
        $runtime events --stats box | grep -q pids
        $runtime delete -f box
        expect_nothing_left
    }
    check "a limit is refused with what to do while accounting is off" refused
fi
[ "$(sysctl -n hw.ncpu)" -gt 1 ] && check "processors, by cpuset" cpuset_limit

update() {
    start_sleeper box
    $runtime update --pids-limit 7 box
    rctl | grep -q 'jail:box:maxproc:deny=7'
    $runtime update --pids-limit -1 box
    rctl | grep -q maxproc && fail "the limit is not lifted"
    $runtime delete -f box
}
[ "$(sysctl -n kern.racct.enable)" = 1 ] && check "limits change while it runs" update

# ---- terminal, exec, signals, pause

tty_run() {
    terminal=true
    process='"consoleSize": {"height": 33, "width": 77}'
    args='"sh", "-c", "tty; echo size $(stty size); test -t 0 && test -t 1 && test -t 2 && echo yes"'
    bundle
    # A terminal that does not know its own size, as script's here, says nothing against the bundle's.
    script -q $work/typed $runtime run -b $work/b box </dev/null >/dev/null
    grep -q '/dev/pts/[0-9]' $work/typed || fail "$(cat $work/typed)"
    grep -q 'size 33 77' $work/typed || fail "$(cat $work/typed)"
    grep -q yes $work/typed
    expect_nothing_left
}
tty_resize() {
    terminal=true
    cat >$work/rootfs/data/sizes <<'SH'
trap 'echo then $(stty size); exit 0' WINCH
echo first $(stty size)
touch /data/sized
while :; do sleep 0.1; done
SH
    args='"sh", "/data/sizes"'
    bundle
    cat >$work/in-terminal <<SH
stty rows 20 columns 70 </dev/tty
(until [ -e $work/rootfs/data/sized ]; do sleep 0.1; done; stty rows 44 columns 88 </dev/tty) &
timeout --foreground 20 $runtime run -b $work/b box
SH
    script -q $work/typed sh $work/in-terminal </dev/null >/dev/null || fail "$(cat $work/typed)"
    grep -q 'first 20 70' $work/typed || fail "$(cat $work/typed)"
    grep -q 'then 44 88' $work/typed || fail "$(cat $work/typed)"
    expect_nothing_left
}
if [ -x /usr/bin/script ]; then
    check "a terminal" tty_run
    check "a terminal follows its outer one's size" tty_resize
fi

exec_into() {
    start_sleeper box
    expect box "$($runtime exec box hostname)"
    expect 80 "$($runtime exec --user 80:80 box id -u)"
    local code=0
    $runtime exec box sh -c 'exit 9' || code=$?
    expect 9 $code
    code=0
    $runtime exec box /no/such || code=$?
    expect 255 $code
    # Seen from inside: the same jail.
    $runtime exec box ps ax | grep -q 'sleep 1000'
    expect "/tmp" "$($runtime exec --cwd /tmp box pwd)"
    $runtime delete -f box
    $runtime exec box true && fail "exec in a container that is gone"
    expect_nothing_left
}
check "exec with user, working directory, exit code" exec_into

signals() {
    start_sleeper box "trap 'echo got-usr1' USR1; trap '' TERM; echo ready; while :; do sleep 0.2; done"
    within 5 grep -q ready $work/box.out
    $runtime kill box USR1
    within 5 grep -q got-usr1 $work/box.out
    $runtime kill box TERM
    sleep 1
    expect running "$(state_of box)"
    $runtime kill box KILL
    within 5 has_status box stopped
    $runtime kill box TERM && fail "a dead container took a signal"
    $runtime delete box
    expect_nothing_left
}
check "signals are caught, ignored and deadly" signals

kill_all() {
    cat >$work/rootfs/data/tree <<'SH'
trap "echo $1-got >>/data/heard" USR1
[ $1 = first ] && { sh /data/tree child & (sh /data/tree daemon &); }
echo $1-ready >>/data/heard
while :; do sleep 0.1; done
SH
    rm -f $work/rootfs/data/heard
    all_say() {
        local name
        for name in first child daemon; do
            grep -q $name-$1 $work/rootfs/data/heard || return 1
        done
    }
    start_sleeper box 'exec sh /data/tree first'
    within 10 all_say ready
    $runtime kill box USR1
    within 5 grep -q first-got $work/rootfs/data/heard
    sleep 1
    grep -q -e child-got -e daemon-got $work/rootfs/data/heard && fail "others than the first were told"
    $runtime kill --all box USR1
    within 5 all_say got
    expect running "$(state_of box)"
    $runtime kill -a box KILL
    within 5 has_status box stopped
    no_processes() { [ -z "$(ps -J box -o pid=)" ]; }
    within 5 no_processes || fail "$(ps -J box -o pid,command)"
    # Nobody to tell is no error of this one's.
    $runtime kill --all box KILL
    $runtime delete box
    expect_nothing_left
}
check "kill --all tells every process" kill_all

pause_resume() {
    start_sleeper box 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.1; done'
    within 5 grep -q 3 $work/box.out
    $runtime pause box
    expect paused "$(state_of box)"
    sleep 0.5
    local before=$(wc -l <$work/box.out)
    sleep 1.5
    expect $before $(wc -l <$work/box.out)
    $runtime exec box true && fail "exec in a paused container"
    $runtime resume box
    expect running "$(state_of box)"
    more_lines() { [ $(wc -l <$work/box.out) -gt $before ]; }
    within 10 more_lines
    $runtime pause box
    $runtime delete -f box
    expect_nothing_left
}
check "pause and resume, and delete while paused" pause_resume

# The first process, its child, a daemon, one that forks without end, and a dead one that nobody has waited for.
pause_tree() {
    cat >$work/rootfs/data/tree <<'SH'
tick() { while :; do echo $1 >>/data/ticks; sleep 0.1; done; }
tick child &
(tick daemon &)
(while :; do (:); echo forking >>/data/ticks; done) &
sh -c 'true & exec sleep 1000' &
tick first
SH
    rm -f $work/rootfs/data/ticks
    all_tick() {
        local name
        for name in first child daemon forking; do
            grep -q $name $work/rootfs/data/ticks || return 1
        done
    }
    start_sleeper box 'exec sh /data/tree'
    within 10 all_tick
    local round
    for round in 1 2 3; do
        $runtime pause box
        expect paused "$(state_of box)"
        expect "" "$(ps -J box -o stat= -o pid= -o command= | grep -v '^ *[TZ]')"
        local before=$(wc -l <$work/rootfs/data/ticks)
        sleep 1
        expect $before $(wc -l <$work/rootfs/data/ticks)
        : >$work/rootfs/data/ticks
        $runtime resume box
        expect running "$(state_of box)"
        within 10 all_tick
    done
    $runtime delete -f box
    expect_nothing_left
}
check "pause and resume of a whole tree of processes" pause_tree

# ---- hooks

hooks_in_order() {
    cat >$work/hook <<'SH'
#!/bin/sh
echo "$1 $(sed 's/.*"status":"\([a-z]*\)".*/\1/')" >>/tmp/brig-suite/hook-log
SH
    chmod +x $work/hook
    cp $work/hook $work/rootfs/data/hook
    mkdir -p $work/rootfs/tmp/brig-suite
    rm -f $work/hook-log
    local h=""
    for point in prestart createRuntime createContainer poststart poststop; do
        h="$h\"$point\": [ {\"path\": \"$work/hook\", \"args\": [\"hook\", \"$point\"], \"env\": [\"PATH=/bin:/usr/bin\"]} ],"
    done
    hooks="$h \"startContainer\": [ {\"path\": \"/data/hook\", \"args\": [\"hook\", \"startContainer\"], \"env\": [\"PATH=/bin:/usr/bin\"]} ]"
    args='"true"'
    bundle
    $runtime create -b $work/b box </dev/null
    $runtime start box
    within 5 has_status box stopped
    $runtime delete box
    expect "prestart creating createRuntime creating createContainer creating poststart running poststop stopped" \
        "$(echo $(cat $work/hook-log))"
    expect 1 "$(ls $work/rootfs/tmp/brig-suite/hook-log | wc -l | tr -d ' ')"
    expect_nothing_left
}
check "hooks, each in its place with the state" hooks_in_order

failing_hook() {
    hooks='"createRuntime": [ {"path": "/usr/bin/false"} ]'
    sh_run 'touch /data/ran' && fail "it ran"
    [ ! -e $work/rootfs/data/ran ]
    expect_nothing_left
}
check "a failing hook undoes the container" failing_hook

# ---- the jail

jail_parameters() {
    jail='"sysvshm": "new", "allow": {"rawSockets": true, "chflags": true}'
    start_sleeper box
    expect "1 1 0 2" "$(jls -j box allow.raw_sockets allow.chflags allow.quotas enforce_statfs |
        sed 's/true/1/g; s/false/0/g')"
    expect new "$(jls -j box -n sysvshm | cut -d= -f2)"
    $runtime delete -f box
    # Others, by annotation.
    more='"annotations": {"org.freebsd.jail.securelevel": "1", "org.freebsd.jail.allow.mlock": "true",
                          "org.freebsd.jail.allow.reserved_ports": "false"}'
    start_sleeper box
    expect "1 1 0" "$(jls -j box securelevel allow.mlock allow.reserved_ports | sed 's/true/1/g; s/false/0/g')"
    $runtime delete -f box
    more='"annotations": {"org.freebsd.jail.no.such": "1"}'
    start_sleeper box && fail "an unknown parameter was taken"
    expect_nothing_left
}
check "jail parameters" jail_parameters

# FreeBSD 15: who a jail is, for jls(8); and descriptors of jails, by which they are removed.
jail_meta() {
    more='"annotations": {"org.freebsd.jail.meta.purpose": "test", "org.freebsd.jail.env": "shown"}'
    start_sleeper 777
    expect "777 test" "$(jls -j brig-777 meta.brig meta.purpose)"
    expect shown "$($runtime exec 777 sysctl -n security.jail.env)"
    if [ -x /usr/bin/truss ]; then
        truss -f -o $work/trace $runtime delete -f 777
        grep -q -E 'jail_remove_jd|598' $work/trace || fail "$(grep -i -e jail -e '#5' $work/trace | head)"
    else
        $runtime delete -f 777
    fi
    expect_nothing_left
}
if sysctl -n security.jail.meta_maxbufsize >/dev/null 2>&1; then
    check "meta, env and descriptors of jails" jail_meta
else
    skip "meta, env and descriptors of jails" "this kernel has none"
fi

host_network() {
    jail='"vnet": "inherit", "ip4": "inherit", "ip6": "inherit"'
    sh_run 'ifconfig lo0 | grep -q 127.0.0.1'
}
check "the host's network" host_network

no_network() {
    # Neither a stack of its own nor addresses.
    jail='"ip4": "disable", "ip6": "disable"'
    sh_run 'ifconfig lo0 | grep 127.0.0.1' && fail "it sees addresses"
    expect_nothing_left
}
check "no network" no_network

alias_address() {
    ifconfig lo0 alias 127.0.0.77/32
    jail='"ip4": "new", "ip4Addr": ["127.0.0.77"]'
    sh_run 'ifconfig lo0 | grep -q 127.0.0.77 && ! ifconfig lo0 | grep -q 127.0.0.1' || { ifconfig lo0 -alias 127.0.0.77; return 1; }
    ifconfig lo0 -alias 127.0.0.77
    expect_nothing_left
}
check "an address of the host's" alias_address

aliased_address() {
    # Ours is there as long as the jail; the host's own is nobody's to take away.
    jail='"ip4": "new", "ip4Addr": ["127.0.0.78"], "ip6": "new", "ip6Addr": ["fd00:78::1/128"], "interface": "lo0"'
    start_sleeper box
    ifconfig lo0 | grep -q '127.0.0.78 '
    ifconfig lo0 | grep -q 'fd00:78::1 '
    $runtime exec box ifconfig lo0 | grep -q '127.0.0.78 '
    $runtime exec box ifconfig lo0 | grep -q '127.0.0.1 ' && fail "it has the host's address"
    $runtime delete -f box
    ifconfig lo0 | grep -q -e '127.0.0.78 ' -e 'fd00:78::1 ' && fail "the address is left"
    jail='"ip4": "new", "ip4Addr": ["127.0.0.1"], "interface": "lo0"'
    sh_run true >$work/message 2>&1 && fail "an address of the host's was taken"
    grep -q "is the host's already" $work/message
    ifconfig lo0 | grep -q '127.0.0.1 '
    expect_nothing_left
}
check "an address of its own, on an interface of the host's" aliased_address

own_network() {
    jail='"vnet": "new"'
    expect "lo0" "$(sh_run 'ifconfig -l')"
    sh_run 'ifconfig lo0 | grep -q 127.0.0.1'
    expect_nothing_left
}
check "a network stack of its own with lo0 up" own_network

moved_interface() {
    local pair=$(ifconfig epair create)
    jail="\"vnet\": \"new\", \"vnetInterfaces\": [\"${pair%a}b\"]"
    start_sleeper box 'ifconfig -l; sleep 1000'
    within 5 grep -q epair $work/box.out
    ifconfig -l | grep -q "${pair%a}b" && fail "it is on the host still"
    $runtime delete -f box
    back() { ifconfig -l | grep -q "${pair%a}b"; }
    within 20 back
    ifconfig $pair destroy
    expect_nothing_left
}
check "an interface moved into it, and back" moved_interface

finish
