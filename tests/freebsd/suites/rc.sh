# The engine as a service: rc.d at boot, restart policies, the order at shutdown, and brig system setup before.
. suites/lib.sh
. suites/engine_lib.sh

service_run=/var/run/brig
export BRIG_HOST=unix://$service_run/brig.sock

if [ ! -x /etc/rc ] && [ ! -f /etc/rc ] || [ ! -x /sbin/rcorder ]; then
    skip "the engine as a service" "this system has no rc"
    exit 0
fi

if [ ! -d /brig/package ]; then
    skip "the engine as a service" "scripts/freebsd-package freebsd has not been run"
    exit 0
fi

# Asked for, shown, and written only when agreed to.
setup() {
    local system=$work/system
    mkdir -p $system/etc $system/boot
    printf 'hostname="box"\npf_enable="NO"\n' >$system/etc/rc.conf
    printf 'ext = "em0"\nnat on $ext from any to any -> ($ext)\nblock in\n' >$system/etc/pf.conf
    cp $system/etc/pf.conf $work/pf.before
    brig system setup --root $system </dev/null >$work/shown && fail "written without being agreed to"
    grep -q '^-pf_enable="NO"' $work/shown
    grep -q '^+brigd_enable="YES"' $work/shown
    grep -q '^+kern.racct.enable="1"' $work/shown
    cmp $system/etc/pf.conf $work/pf.before
    [ ! -e $system/boot/loader.conf ]
    brig system setup --root $system --yes >/dev/null
    grep -q '^hostname="box"' $system/etc/rc.conf
    grep -q '^pf_enable="YES"' $system/etc/rc.conf
    grep -q '^if_epair_load="YES"' $system/boot/loader.conf
    expect "$(cat $work/pf.before)" "$(grep -v brig $system/etc/pf.conf)"
    # PF takes what came out, its order of sections included.
    kldload -nq pf
    pfctl -n -f $system/etc/pf.conf
    brig system setup --root $system | grep -q 'nothing to set up'
}

boot() {
    # Not "autoboot": the root is checked and mounted.
    sh /etc/rc </dev/null >$work/boot.out 2>&1 || true
    within 60 brig version >/dev/null 2>&1
}
shut_down() {
    sh /etc/rc.shutdown </dev/null >$work/shutdown.out 2>&1
}

service_jails() {
    jls -d name 2>/dev/null | sed 's/^/jail /'
}
service_jails_gone() {
    [ -z "$(service_jails)" ]
}

first_boot() {
    brig system setup --root / --yes
    boot
    expect freebsd "$(brig version -f '{{.Server.Os}}')"
    pgrep -q -f 'daemon.*brigd' || fail "no daemon(8) watches brigd: $(ps ax)"
    expect 1 "$(sysctl -n net.inet.ip.forwarding)"
    pfctl -s nat | grep -q 'nat-anchor "brig/\*"'
}

containers_at_boot() {
    make_base $work/base
    tar -cf $work/base.tar -C $work/base .
    brig import $work/base.tar base:latest
    brig run -d --name always --restart always --net none base \
        sh -c 'trap "echo bye; exit 0" TERM; echo up; while :; do sleep 0.1; done'
    brig run -d --name stopped --restart unless-stopped --net none base sleep 1000
    brig run -d --name once --net none base sleep 1000
    brig stop -t 0 stopped
    logged() { brig logs always | grep -q $1; }
    within 10 logged up
    shut_down
    # They ended by their own signals before the system goes on going down, and nothing of the service runs.
    service_jails_gone || fail "left over: $(service_jails)"
    pgrep -q brigd && fail "brigd runs still"
    grep -q 'bye' $root/containers/*/*-json.log || fail "the container was not asked to stop: $(cat $work/shutdown.out)"
    # /var/run is emptied at boot.
    rm -rf $service_run
    boot
    running() { has_status always running; }
    within 60 running
    expect exited "$(status_of stopped)"
    expect exited "$(status_of once)"
}

stop_and_start() {
    service brigd status
    service brigd stop
    within 20 engine_down
    expect 1 "$(service_jails | wc -l | tr -d ' ')"
    service brigd start
    within 60 brig version >/dev/null 2>&1
    expect running "$(status_of always)"
    service brigd restart
    within 60 brig version >/dev/null 2>&1
    expect running "$(status_of always)"
}
engine_down() {
    ! pgrep -q -x brigd
}

has_rules() { pfctl -q -a brig/base -s rules 2>/dev/null | grep -q 'on brig0'; }

# Not -F all, which an anchor does not take; it goes with the last of what was in it.
no_rules() {
    within 20 has_rules
    pfctl -q -a brig/base -F nat
    pfctl -q -a brig/base -F rules
    ! has_rules
}

# PF's rules gone, by somebody's hand or over a sleep.
renewed() {
    brig run -d --name netted base sleep 1000
    local command
    for command in reload resume; do
        no_rules
        service brigd $command
        within 20 has_rules
    done
    expect running "$(status_of netted)"
    brig rm -f netted
}

# devd(8) takes what the package brings, and a link of the host's that comes has the rules put back. A tap's comes when
# somebody opens it; network cards of virtual machines have theirs always.
told_by_devd() {
    local wire=$(ifconfig tap create)
    printf 'options {\n directory "/usr/local/etc/devd";\n pid-file "%s";\n};\n' $work/devd.pid >$work/devd.conf
    devd -n -d -f $work/devd.conf >$work/devd.out 2>&1 &
    local devd=$! code=0
    brig run -d --name wired base sleep 1000
    no_rules
    sleep 1 3<>/dev/$wire
    within 20 has_rules || code=$?
    kill $devd
    ifconfig $wire destroy
    brig rm -f wired
    [ $code = 0 ] || fail "$(cat $work/devd.out)"
}

revived() {
    brig run -d --name survivor --net none base sleep 1000
    local before="$(pgrep -x brigd)"
    kill -KILL $before
    changed() { local now="$(pgrep -x brigd)"; [ -n "$now" ] && [ "$now" != "$before" ]; }
    within 30 changed
    within 30 brig version >/dev/null 2>&1
    expect running "$(status_of survivor)"
    clean_up
    service brigd stop
    within 20 engine_down
}

root=/var/db/brig
mount -u -w / 2>/dev/null
load_modules
cp -R /brig/package/ /
PATH=/usr/local/bin:$PATH
check "brig system setup, shown, then written, pf.conf but for the anchors untouched" setup
check "boot through rc, the engine under daemon(8), forwarding, PF's anchors" first_boot
check "shutdown ends containers, boot starts those whose policy says so" containers_at_boot
check "service brigd stop, start, restart leave containers running" stop_and_start
check "service brigd reload, and resume after a sleep, put PF's rules back" renewed
if [ -x /sbin/devd ]; then
    check "devd tells of links that are back" told_by_devd
else
    skip "devd tells of links that are back" "no devd here"
fi
check "an engine that dies is started again" revived
[ $failures -eq 0 ] || { echo "    brigd said:"; tail -n 30 /var/log/brigd.log 2>/dev/null | sed 's/^/    /'; tail -n 20 $work/boot.out $work/shutdown.out | sed 's/^/    /'; }
finish
