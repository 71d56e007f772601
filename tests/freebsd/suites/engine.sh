# brig and brigd end to end on UFS, where images are copies; with the network and limits.
. suites/lib.sh
. suites/engine_lib.sh
. suites/engine_checks.sh
. suites/pkg_checks.sh

# ---- network

default_network() {
    brig run -d --name one base nc -kl 8000
    local address="$(brig inspect -f '{{.NetworkSettings.IPAddress}}' one)"
    case "$address" in 172.31.61.*) ;; *) fail "address $address" ;; esac
    expect $gateway "$(brig inspect -f '{{.NetworkSettings.Gateway}}' one)"
    ping -c 1 -t 5 $address
    # From the host, from another container, by its own name.
    echo from-host | nc -N -w 5 $address 8000
    brig create --ip 172.31.61.77 base true 2>$work/message && fail "an address of one's choice was taken"
    grep -q 'on user defined networks only' $work/message
    brig run --rm base sh -c "ping -c 1 -t 5 $gateway && echo from-box | nc -N -w 5 $address 8000"
    heard() { brig logs one | grep -q $1; }
    within 5 heard from-host
    within 5 heard from-box
    brig exec one sh -c 'ping -c 1 -t 5 $(hostname)'
    brig rm -f one
    expect_nothing_left
}

masquerade() {
    jexec outside nc -kl 192.0.2.2 7000 >$work/heard 2>&1 &
    local listener=$!
    sleep 1
    local code=0
    brig run --rm base sh -c 'echo to-outside | nc -N -w 5 192.0.2.2 7000' || code=$?
    within 5 grep -q to-outside $work/heard || code=heard-nothing
    kill $listener
    expect 0 $code
    # Not reachable from there, even for who knows the way.
    brig run -d --name hidden base nc -kl 8000
    local address="$(brig inspect -f '{{.NetworkSettings.IPAddress}}' hidden)"
    jexec outside route -q add -net $subnet 192.0.2.1
    local reached=false
    jexec outside nc -z -w 2 $address 8000 && reached=true
    jexec outside route -q delete -net $subnet
    $reached && fail "an unpublished port is reachable"
    brig rm -f hidden
    expect_nothing_left
}

published_ports() {
    brig run -d --name web -p 18080:8000 -p 127.0.0.1:18081:8000 base sh -c 'while :; do echo page | nc -N -l 8000; done'
    page_from() { [ "$("$@" </dev/null)" = page ]; }
    within 10 page_from jexec outside nc -w 5 192.0.2.1 18080
    expect "0.0.0.0:18080" "$(brig port web 8000 | grep 18080)"
    jexec outside nc -z -w 2 192.0.2.1 18081 && fail "a port of the loopback is reachable from outside"
    brig run --rm -p 18080:1 base true && fail "a port was given twice"
    brig rm -f web
    jexec outside nc -z -w 2 192.0.2.1 18080 && fail "the port is open still"
    expect_nothing_left
}

# A later interface is masqueraded too, though no container joins.
later_interface() {
    brig run -d --name one base sleep 1000
    local later=$(ifconfig epair create) found=no
    ifconfig $later inet 198.51.100.1/24 up
    named() { pfctl -q -a brigtest/base -s nat | grep -q "on $later inet"; }
    unnamed() { ! named; }
    if within 10 named; then
        ifconfig $later destroy
        within 10 unnamed && found=yes
    else
        ifconfig $later destroy
    fi
    brig rm -f one
    expect yes $found
    expect_nothing_left
}

# The rules outlive the engine, and the next one knows them.
ports_survive() {
    brig run -d --name web -p 18080:8000 base sh -c 'while :; do echo page | nc -N -l 8000; done'
    page_from() { [ "$("$@" </dev/null)" = page ]; }
    within 10 page_from jexec outside nc -w 5 192.0.2.1 18080
    signal_engine KILL
    within 10 page_from jexec outside nc -w 5 192.0.2.1 18080
    start_engine
    within 10 page_from jexec outside nc -w 5 192.0.2.1 18080
    brig rm -f web
    jexec outside nc -z -w 2 192.0.2.1 18080 && fail "the port is open still"
    expect_nothing_left
}

loopback_ports() {
    brig run -d --name web -p 18080:8000 -p 127.0.0.1:18081:8000 base sh -c 'while :; do echo page | nc -N -l 8000; done'
    page_from() { [ "$("$@" </dev/null)" = page ]; }
    within 10 page_from nc -w 5 127.0.0.1 18080
    within 10 page_from nc -w 5 192.0.2.1 18080
    within 10 page_from nc -w 5 127.0.0.1 18081
    # The jail of the same name is dying still.
    brig restart -t 0 web
    within 10 page_from nc -w 5 127.0.0.1 18080
    brig rm -f web
    expect_nothing_left
}

# One answers one datagram; who asked gets it, from elsewhere and from the host itself.
udp_ports() {
    brig run -d --name datagrams -p 18082:8000/udp base sh -c 'while :; do echo pong | nc -u -w 1 -l 8000; done'
    answered() { [ "$(echo ping | "$@")" = pong ]; }
    within 20 answered nc -u -w 2 127.0.0.1 18082
    within 20 answered nc -u -w 2 192.0.2.1 18082
    within 20 answered jexec outside nc -u -w 2 192.0.2.1 18082
    brig logs datagrams | grep -q ping
    brig rm -f datagrams
    expect_nothing_left
}

# Nothing inside takes part: the root is one program, with the libraries that it is linked to.
bare_network() {
    mkdir -p $work/bare/lib $work/bare/libexec
    cp /usr/bin/nc $work/bare/serve
    cp /libexec/ld-elf.so.1 $work/bare/libexec/
    for file in $(ldd -f '%p\n' /usr/bin/nc | grep '^/' | sort -u); do
        cp $file $work/bare/lib/
    done
    tar -cf $work/bare.tar -C $work/bare .
    brig import $work/bare.tar bare:latest
    brig run -d --name bare bare /serve -kl 8000
    local address="$(brig inspect -f '{{.NetworkSettings.IPAddress}}' bare)"
    ping -c 1 -t 5 $address
    echo from-host | nc -N -w 5 $address 8000
    heard() { brig logs bare | grep -q $1; }
    within 5 heard from-host
    brig rm -f bare
    brig rmi bare
    expect_nothing_left
}

host_network() {
    brig run --rm --net host base ifconfig -l | grep -q $outside
    expect lo0 "$(brig run --rm --net none base ifconfig -l | tr -d ' ')"
    expect_nothing_left
}

# ---- IPv6

# An engine of its own, since IPv6 is the engine's to have.
ipv6_network() {
    brig run -d --name web -p 18080:8000 base sh -c 'while :; do echo page | nc -N -l 8000; done'
    local address="$(brig inspect -f '{{.NetworkSettings.GlobalIPv6Address}}' web)"
    case "$address" in fd00:61::*) ;; *) fail "address $address" ;; esac
    expect "fd00:61::1 64" "$(brig inspect -f '{{.NetworkSettings.IPv6Gateway}} {{.NetworkSettings.GlobalIPv6PrefixLen}}' web)"
    expect true "$(brig network inspect -f '{{.EnableIPv6}}' bridge)"
    ping -6 -c 1 -t 5 $address
    brig run --rm base sh -c "ping -6 -c 1 -t 5 fd00:61::1 && ping -6 -c 1 -t 5 $address"
    # Of use at once: no check for duplicates is on its way.
    brig exec web ifconfig | grep inet6 | grep -q tentative && fail "a tentative address"
    brig exec web sh -c 'ping -6 -c 1 -t 5 $(hostname)'
    brig rm -f web
    expect_nothing_left
}
ipv6_elsewhere() {
    jexec outside nc -6 -kl 2001:db8:2::2 7000 >$work/heard 2>&1 &
    local listener=$! code=0
    sleep 1
    brig run --rm base sh -c 'echo to-outside | nc -N -w 5 2001:db8:2::2 7000' || code=$?
    within 5 grep -q to-outside $work/heard || code=heard-nothing
    kill $listener
    expect 0 $code
    brig run -d --name web -p 18080:8000 base sh -c 'while :; do echo page | nc -6 -N -l 8000; done'
    expect "0.0.0.0:18080 [::]:18080" "$(echo $(brig port web 8000))"
    page_from() { [ "$("$@" </dev/null)" = page ]; }
    within 10 page_from jexec outside nc -w 5 2001:db8:2::1 18080
    within 10 page_from nc -w 5 ::1 18080
    within 10 page_from nc -w 5 2001:db8:2::1 18080
    # What is not published is not reachable, even for who knows the way.
    local address="$(brig inspect -f '{{.NetworkSettings.GlobalIPv6Address}}' web)" reached=false
    jexec outside route -q add -6 -net fd00:61::/64 2001:db8:2::1
    jexec outside nc -z -w 2 $address 8000 && reached=true
    jexec outside route -q delete -6 -net fd00:61::/64
    $reached && fail "an unpublished port is reachable"
    brig rm -f web
    jexec outside nc -z -w 2 2001:db8:2::1 18080 && fail "the port is open still"
    expect_nothing_left
}
ipv6_checks() {
    signal_engine TERM
    engine_options="--ipv6 --fixed-cidr-v6 fd00:61::/64"
    start_engine || fail "an engine with IPv6 does not start"
    ifconfig ${outside}a inet6 2001:db8:2::1/64 no_dad
    jexec outside ifconfig ${outside}b inet6 2001:db8:2::2/64 no_dad
    check "IPv6 on the default network, with addresses, gateway, names" ipv6_network
    check "IPv6 masquerade and ports published on [::], by PF and to the host itself" ipv6_elsewhere
    signal_engine TERM
    engine_options=
    start_engine
}

# ---- limits

limits() {
    brig run -d --name lim --net none -m 64m --pids-limit 20 --cpus 0.5 base sleep 1000
    rctl | grep -q ':memoryuse:sigkill=67108864' || fail "$(rctl)"
    rctl | grep -q ':maxproc:deny=20' || fail "$(rctl)"
    rctl | grep -q ':pcpu:deny=50' || fail "$(rctl)"
    brig update --pids-limit 30 lim
    rctl | grep -q ':maxproc:deny=30' || fail "$(rctl)"
    brig stats --no-stream lim | grep -q lim
    brig rm -f lim
    local code=0
    brig run --rm --net none -m 32m base dd if=/dev/zero of=/dev/null bs=200m count=2 || code=$?
    expect 137 $code
    brig run --rm --net none --cpuset-cpus 0 base cpuset -g | grep -q 'mask: 0$'
    expect_nothing_left
}
# A release's base.txz, here made of the guest's own system.
freebsd_image() {
    mkdir -p $work/src/app
    tar -cJf $work/base.txz -C $work/base .
    # md5(1) is every digest, by its name.
    ln -sf /sbin/md5 $work/sha256
    printf 'base.txz\t%s\t1\tbase\t"Base system"\ton\n' "$($work/sha256 -q $work/base.txz)" >$work/MANIFEST
    brig image bootstrap --base $work/base.txz --tag freebsd:guest freebsd:15.1
    expect freebsd "$(brig image inspect -f '{{.Os}}' freebsd:guest)"
    printf 'FROM freebsd:guest\nRUN uname -s >/data/system && id -u >>/data/system\nCMD ["cat", "/data/system"]\n' >$work/src/app/Dockerfile
    brig build -t own $work/src/app
    expect "FreeBSD 0" "$(brig run --rm --net none own | tr '\n' ' ' | sed 's/ $//')"
    expect_nothing_left
}

# A registry on the host's own loopback: the image for FreeBSD where there is one, else Linux's, with a word about it.
registry_pulls() {
    local registry=127.0.0.1:5099 code=0
    brig registry serve --listen $registry --root $work/registry >$work/registry.log 2>&1 &
    echo $! >$work/registry.pid
    within 20 nc -z 127.0.0.1 5099
    (set -e; registry_steps $registry) || code=$?
    kill $(cat $work/registry.pid)
    expect 0 $code
    expect_nothing_left
}
registry_steps() {
    mkdir -p $work/penguin
    echo penguin >$work/penguin/kind
    tar -cf $work/penguin.tar -C $work/penguin .
    brig import --platform linux/amd64 $work/penguin.tar $1/lib/base:linux
    brig tag base $1/lib/base:freebsd
    brig push $1/lib/base:linux
    brig push $1/lib/base:freebsd
    brig manifest create $1/lib/base:both $1/lib/base:linux $1/lib/base:freebsd
    brig manifest push $1/lib/base:both
    brig manifest create $1/lib/base:one $1/lib/base:linux
    brig manifest push $1/lib/base:one
    brig rmi $1/lib/base:linux $1/lib/base:freebsd
    brig pull $1/lib/base:both >$work/pulled
    grep -q 'this one is for' $work/pulled && fail "$(cat $work/pulled)"
    expect yes "$(brig run --rm --net none $1/lib/base:both sh -c 'echo $FROM_IMAGE')"
    brig pull --platform linux/amd64 $1/lib/base:both
    expect linux "$(brig image inspect -f '{{.Os}}' $1/lib/base:both)"
    brig pull $1/lib/base:one >$work/pulled
    grep -q 'no image for freebsd/amd64, this one is for linux/amd64' $work/pulled || fail "$(cat $work/pulled)"
    expect linux "$(brig image inspect -f '{{.Os}}' $1/lib/base:one)"
    brig rmi $1/lib/base:both $1/lib/base:one
}

# ---- options

jail_parameters() {
    expect 2 "$(brig run --rm --net none --jail-param securelevel=2 base sysctl -n kern.securelevel)"
    expect 3 "$(brig run --rm --net none --jail-param children.max=3 base sysctl -n security.jail.children.max)"
    brig run --rm --net none base hostname other && fail "a jail changed its name"
    expect other "$(brig run --rm --net none --jail-param allow.set_hostname base sh -c 'hostname other; hostname')"
    brig run -d --name par --net none --annotation org.freebsd.jail.allow.mlock=true base sleep 1000
    expect true "$(brig inspect -f '{{index .HostConfig.Annotations "org.freebsd.jail.allow.mlock"}}' par)"
    expect 1 "$(jls -j $(jls -d name | grep -v outside) allow.mlock | sed s/true/1/)"
    brig rm -f par
    brig run --rm --net none --jail-param no.such=1 base true 2>$work/message && fail "an unknown parameter was taken"
    grep -q 'no.such is not known' $work/message
    brig run --rm --net none --jail-param securelevel=high base true && fail "a word was taken for a number"
    brig run --rm --net none --jail-param path=/ base true && fail "the jail's root was changed"
    expect_nothing_left
}

refused_options() {
    local option
    for option in "--sysctl net.inet.tcp.msl=1" "--cap-add NET_ADMIN" "--cap-drop ALL" "--pid host" "--ipc shareable" \
        "--cgroupns host" "--shm-size 8m" "--oom-score-adj 5" "--oom-kill-disable" "--memory-reservation 8m" \
        "--cpu-shares 512" "--cpuset-mems 0" "--ulimit rtprio=1" "--device /dev/null:/dev/other" \
        "--security-opt seccomp=builtin" "-v /tmp:/data:rshared"; do
        brig create $option base true >$work/message 2>&1 && fail "$option was taken"
        grep -q 'not possible on FreeBSD' $work/message || fail "$option: $(cat $work/message)"
    done
    brig run --rm --net none --tmpfs /scratch:nr_blocks=5 base true >$work/message 2>&1 && fail "an option of tmpfs was ignored"
    grep -q 'nr_blocks' $work/message
    expect "$(hostname)" "$(brig run --rm --net none --uts host base hostname)"
    brig run --rm --net none --security-opt seccomp=unconfined --security-opt label=disable base true
    brig run --rm --net none --privileged base sh -c 'hostname privileged && test -c /dev/md0 -o -c /dev/mdctl'
    clean_up
    expect_nothing_left
}

limits_refused() {
    local option
    for option in "-m 64m" "--pids-limit 20" "--cpus 0.5"; do
        brig run --rm --net none $option base true 2>$work/message && fail "$option was ignored"
        grep -q 'kern.racct.enable=1' $work/message || fail "$option: $(cat $work/message)"
    done
    # What takes no accounting works.
    brig run -d --name lim --net none --cpuset-cpus 0 base sleep 1000
    brig exec lim cpuset -g | grep -q 'mask: 0$'
    brig update --pids-limit 30 lim 2>$work/message && fail "a later limit was ignored"
    grep -q 'kern.racct.enable=1' $work/message || fail "$(cat $work/message)"
    brig stats --no-stream lim | grep -q lim
    brig rm -f lim
    expect_nothing_left
}

build_network() {
    mkdir -p $work/src/app
    printf 'FROM base\nRUN ifconfig -l >/data/interfaces && ping -c 1 -t 5 %s\n' $gateway >$work/src/app/Dockerfile
    brig build -t wired $work/src/app
    brig run --rm --net none wired cat /data/interfaces | grep -q epair
    expect_nothing_left
}

network_checks() {
    kldstat -q -m if_bridge && kldstat -q -m if_epair || { skip "network" "no if_bridge or if_epair"; return; }
    make_outside
    check "default network with addresses, gateway, from container to container" default_network
    check "default network of a root with one program, no shell, no ifconfig" bare_network
    check "host's network, no network" host_network
    check "RUN with the default network" build_network
    if printf 'nat-anchor "brigtest/*"\nrdr-anchor "brigtest/*"\nanchor "brigtest/*"\n' | pfctl -q -f - 2>/dev/null; then
        pfctl -q -e 2>/dev/null
        check "masquerade by PF, and no way in" masquerade
        check "an interface that comes later is masqueraded, and forgotten when it goes" later_interface
        check "published ports by PF" published_ports
        check "published ports across kill -9 of the engine" ports_survive
        check "published ports from the host itself" loopback_ports
        check "published UDP ports, from elsewhere and from the host itself" udp_ports
        ipv6_checks
    else
        skip "masquerade and published ports by PF" "no PF here"
    fi
    remove_outside
}

pfctl -q -d 2>/dev/null
driver=copy root=/var/brig-suite
rm -rf $root
start_engine || { tail $work/brigd.log; echo "not ok an engine: it does not start"; exit 1; }
everything "copy on UFS"
pkg_checks "copy on UFS"
network_checks
if [ "$(sysctl -n kern.racct.enable)" = 1 ]; then
    check "limits of memory, processes, CPU, processors, update, stats" limits
else
    check "limits are refused with what to do while accounting is off" limits_refused
fi
check "freebsd:RELEASE from a base.txz, FROM it" freebsd_image
check "a registry here, push, pull for FreeBSD, else for Linux with a note" registry_pulls
check "jail parameters by --jail-param and --annotation" jail_parameters
check "what a jail cannot do is refused by name" refused_options
check "copy on UFS, nothing is left" all_gone
rm -rf $root
say_log
finish
