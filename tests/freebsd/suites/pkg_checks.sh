# pkg(8) in RUN, where the guest has it. Packages and their repository are made in the guest.

# make_package NAME MANIFEST-LINES: of the files beneath $work/pkg/NAME; its packing list is on stdin.
make_package() {
    local name=$1 made=$work/pkg
    cat >$made/$name.list
    cat >$made/$name.ucl <<M
name: $name
version: "1.0"
origin: test/$name
comment: "$name"
desc: "$name"
www: "http://example.org/"
maintainer: root@example.org
prefix: /usr/local
$2
M
    pkg create -l fast -M $made/$name.ucl -p $made/$name.list -r $made/$name -o $work/src/pkg/repo
}

# hello needs libhello; hellod has a setuid file of somebody else's, and scripts; flagged has a file with schg.
make_repository() {
    local made=$work/pkg name
    mkdir -p $work/src/pkg/repo
    for name in libhello/lib hello/bin hellod/libexec flagged/libexec; do mkdir -p $made/${name%/*}/usr/local/${name#*/}; done
    echo 'hello() { echo "hello from libhello"; }' >$made/libhello/usr/local/lib/hello.sh
    printf '#!/bin/sh\n. /usr/local/lib/hello.sh\nhello\n' >$made/hello/usr/local/bin/hello
    chmod 755 $made/hello/usr/local/bin/hello
    cp /usr/bin/id $made/hellod/usr/local/libexec/hellod
    cp /usr/bin/id $made/flagged/usr/local/libexec/flagged
    echo lib/hello.sh | make_package libhello
    echo bin/hello | make_package hello 'deps: { libhello: { origin: test/libhello, version: "1.0" } }'
    echo '@(www,www,4750) libexec/hellod' | make_package hellod 'scripts: {
  pre-install: "echo pre >>/data/scripts"
  post-install: "hello >>/data/scripts"
}
deps: { hello: { origin: test/hello, version: "1.0" } }'
    echo '@(root,wheel,4555,schg) libexec/flagged' | make_package flagged
    pkg repo $work/src/pkg/repo
}

# The base of the other checks, with pkg and what it is linked to.
make_pkg_base() {
    local file to=$work/pkgbase
    mkdir -p $to/usr/local/sbin $to/lib $to/etc/pkg
    cp /usr/local/sbin/pkg $to/usr/local/sbin/
    for file in $(ldd -f '%p\n' /usr/local/sbin/pkg | grep '^/' | sort -u); do
        cp $file $to/lib/
    done
    echo 'suite: { url: "file:///repo", signature_type: none }' >$to/etc/pkg/suite.conf
    tar -cf $work/src/pkg/pkg.tar -C $to .
}

pkg_in_run() {
    make_repository
    make_pkg_base
    cat >$work/src/pkg/Dockerfile <<'D'
FROM base
ADD pkg.tar /
COPY repo /repo
RUN pkg install -y hello && hello >/data/said
RUN ["/bin/sh", "-c", "umask 077; env ASSUME_ALWAYS_YES=yes pkg install hellod flagged"]
RUN pkg clean -ya && pkg check -sa
CMD ["hello"]
D
    brig build -t packaged $work/src/pkg
    expect "hello from libhello" "$(brig run --rm --net none packaged)"
    brig run --rm --net none -u www packaged sh -c '
        cd /usr/local/libexec; cat /data/said; echo $(cat /data/scripts)
        stat -f "%Su %Sg %Mp%Lp" hellod flagged; stat -f %Sf flagged; ./flagged -u; pkg query %n' >$work/found
    expect "hello from libhello;pre hello from libhello;www www 4750;root wheel 4555;schg;0;flagged;hello;hellod;libhello;" \
        "$(tr '\n' ';' <$work/found)"
    brig history --no-trunc packaged | grep -q 'pkg install -y hello'
    brig build -t packaged $work/src/pkg >$work/again 2>&1
    expect 6 "$(grep -c 'Using cache' $work/again)"
    # As a container's change, by commit.
    brig run --name bare --net none --jail-param allow.chflags packaged pkg delete -y hello flagged
    brig diff bare | grep -q 'D /usr/local/bin'
    brig commit bare unpackaged
    expect libhello "$(brig run --rm --net none unpackaged pkg query %n)"
    brig rm bare
    brig rmi unpackaged packaged
    expect_nothing_left
}

# pkg_checks STORE
pkg_checks() {
    if [ -x /usr/local/sbin/pkg ]; then
        check "$1, pkg in RUN" pkg_in_run
    else
        skip "$1, pkg in RUN" "no pkg(8) here: pkg bootstrap"
    fi
}
