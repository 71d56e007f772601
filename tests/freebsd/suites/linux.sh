# Linux images under the kernel's Linux emulation.
. suites/lib.sh
. suites/engine_lib.sh
. suites/engine_checks.sh

if ! kldload -n linux64 2>/dev/null; then
    skip "Linux images" "the kernel has no linux64 module"
    exit 0
fi
if [ ! -x /brig/linux/busybox ] && [ ! -x /brig/linux/root/bin/dash ]; then
    skip "Linux images" "no Linux programs were brought in"
    exit 0
fi

# One static program that is everything, as in the smallest images.
make_busybox() {
    mkdir -p $work/busybox/bin $work/busybox/etc $work/busybox/tmp
    cp /brig/linux/busybox $work/busybox/bin/
    for name in sh ls cat echo uname id sleep ps touch test true ping nc ip hostname mount stat; do
        ln $work/busybox/bin/busybox $work/busybox/bin/$name
    done
    echo 'root:x:0:0:root:/:/bin/sh' >$work/busybox/etc/passwd
    tar -cf $work/busybox.tar -C $work/busybox .
}
make_debian() {
    mkdir -p $work/debian/etc $work/debian/tmp
    cp -R /brig/linux/root/ $work/debian/
    ln -s dash $work/debian/bin/sh
    echo 'root:x:0:0:root:/:/bin/sh' >$work/debian/etc/passwd
    tar -cf $work/debian.tar -C $work/debian .
}

busybox() {
    expect "linux amd64" "$(brig image inspect -f '{{.Os}} {{.Architecture}}' busybox)"
    expect "Linux 5.15.0" "$(brig run --rm --net none busybox uname -sr)"
    local code=0
    brig run --rm --net none busybox sh -c 'exit 9' || code=$?
    expect 9 $code
    code=0
    brig run --rm --net none busybox sh -c 'kill -9 $$' || code=$?
    expect 137 $code
    expect linux "$(brig create --name platform busybox true >/dev/null; brig inspect -f '{{.Platform}}' platform)"
    brig rm platform
    brig run --rm --platform freebsd/amd64 busybox true && fail "a platform that the image is not for"
    expect_nothing_left
}

file_systems() {
    # What programs expect to find: their own processes, devices, descriptors, shared memory.
    brig run --rm --net none busybox sh -c 'test -r /proc/self/status && cat /proc/version' | grep -q '^Linux version 5.15.0'
    # By linsysfs: what C libraries count processors by.
    expect "0-$(($(sysctl -n hw.ncpu) - 1))" "$(brig run --rm --net none busybox cat /sys/devices/system/cpu/online)"
    brig run --rm --net none busybox test -d /sys/class/net
    brig run --rm --net none busybox sh -c 'test -c /dev/null && echo x >/dev/shm/x && cat /dev/shm/x' | grep -q '^x$'
    expect word "$(echo word | brig run --rm -i --net none busybox cat /dev/fd/0)"
    expect word "$(echo word | brig run --rm -i --net none busybox cat /proc/self/fd/0)"
    # Not by the list of mounts, which a jail does not see.
    brig run --rm --net none --shm-size 8m busybox busybox dd if=/dev/zero of=/dev/shm/x bs=1024k count=6
    brig run --rm --net none --shm-size 8m busybox busybox dd if=/dev/zero of=/dev/shm/x bs=1024k count=16 &&
        fail "the size of /dev/shm has no effect"
    expect_nothing_left
}

debian() {
    make_debian
    brig import --platform linux/amd64 $work/debian.tar debian:latest
    expect "Linux 0" "$(brig run --rm --net none debian sh -c 'echo $(uname -s) $(id -u)')"
    expect "6.1.0" "$(brig run --rm --net none --jail-param linux.osrelease=6.1.0 debian uname -r)"
    brig run --rm -t --net none debian tty | grep -q /dev/pts/
    brig run -d --name deb --net none debian sh -c 'trap "exit 4" TERM; while :; do /bin/cat /dev/null; done'
    brig exec deb sh -c 'cat /proc/1/cmdline >/dev/null 2>&1; echo $0' | grep -q sh
    brig stop deb
    expect 4 "$(brig inspect -f '{{.State.ExitCode}}' deb)"
    brig rm deb
    expect_nothing_left
}

# As Alpine's images have it: musl's loader is the C library, and here it and a shell are all there is.
musl() {
    mkdir -p $work/musl/etc
    cp -R /brig/linux/musl/ $work/musl/
    echo 'root:x:0:0:root:/:/bin/sh' >$work/musl/etc/passwd
    tar -cf $work/musl.tar -C $work/musl .
    brig import --platform linux/amd64 $work/musl.tar musl:latest
    expect "root:x:0:0:root:/:/bin/sh /etc 42" \
        "$(brig run --rm --net none -w /etc musl sh -c 'read -r line <passwd; echo $line $(pwd) $((6*7))')"
    expect word "$(echo word | brig run --rm -i --net none musl sh -c 'read x; echo $x | { read y; echo $y; }')"
    brig run --rm -t --net none musl sh -c 'test -t 0 && test -t 1 && echo all' | grep -q all
    local code=0
    brig run --rm --net none musl sh -c '(exit 3) & wait $!; exit $(($? + 6))' || code=$?
    expect 9 $code
    brig run -d --name mu --net none musl sh -c 'trap "echo bye; exit 4" TERM; echo ready; while :; do :; done'
    ready() { brig logs mu | grep -q ready; }
    within 20 ready
    expect Linux "$(brig exec mu sh -c 'read -r kernel rest </proc/version; echo $kernel')"
    brig stop mu
    expect 4 "$(brig inspect -f '{{.State.ExitCode}}' mu)"
    brig logs mu | grep -q bye
    brig rm mu
    expect_nothing_left
}

network() {
    brig run -d --name one busybox nc -ll -p 8000 -e cat
    local address="$(brig inspect -f '{{.NetworkSettings.IPAddress}}' one)"
    answered() { [ "$(echo back | nc -N -w 5 $address 8000)" = back ]; }
    within 20 answered || fail "$(brig logs one 2>&1; brig exec one ip addr)"
    brig run --rm busybox ping -c 1 $address
    brig rm -f one
    expect_nothing_left
}

# One static program and nothing else, not even a directory.
bare_network() {
    mkdir -p $work/bare
    cp /brig/linux/busybox $work/bare/busybox
    tar -cf $work/bare.tar -C $work/bare busybox
    brig import --platform linux/amd64 $work/bare.tar bare:latest
    brig run -d --name bare bare /busybox nc -ll -p 8000 -e /busybox cat
    local address="$(brig inspect -f '{{.NetworkSettings.IPAddress}}' bare)"
    ping -c 1 -t 5 $address
    answered() { [ "$(echo back | nc -N -w 5 $address 8000)" = back ]; }
    within 20 answered || fail "$(brig logs bare 2>&1)"
    brig rm -f bare
    expect_nothing_left
}

build_linux() {
    mkdir -p $work/src/linux
    printf 'FROM busybox\nRUN uname -s >/made && id -u >>/made\nCMD ["cat", "/made"]\n' >$work/src/linux/Dockerfile
    brig build -t made $work/src/linux
    expect "Linux 0" "$(echo $(brig run --rm --net none made))"
    expect linux "$(brig image inspect -f '{{.Os}}' made)"
    expect_nothing_left
}

pfctl -q -d 2>/dev/null
driver=copy root=/var/brig-suite
rm -rf $root
start_engine || { tail $work/brigd.log; echo "not ok an engine: it does not start"; exit 1; }
make_busybox
brig import --platform linux/amd64 $work/busybox.tar busybox:latest >/dev/null
check "a static Linux program, exit codes, platform" busybox
check "/proc, /sys, /dev/fd, /dev/shm as Linux programs expect them" file_systems
check "a Debian shell with its C library, terminal, exec, stop, another release by --jail-param" debian
if [ -d /brig/linux/musl ]; then
    check "a shell with musl, Alpine's C library and loader, pipes, children, terminal, exec, stop" musl
else
    skip "a shell with musl, Alpine's C library and loader, pipes, children, terminal, exec, stop" \
        "no musl-gcc on the machine that runs this, or no source to make it of"
fi
check "Linux programs on the default network" network
check "default network of an image with one static program" bare_network
check "FROM a Linux image, RUN" build_linux
check "Linux images, nothing is left" all_gone
rm -rf $root
say_log
finish
