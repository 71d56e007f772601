# Shared by the scripts: where the tree is, how to say things, how to install what is missing.
# shellcheck shell=bash
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
brig_top=$PWD
brig_cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/brig

say() { printf '\033[1m==> %s\033[0m\n' "$*"; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# install_packages WHY PACKAGE... : installs those that are missing, saying which and why.
install_packages() {
    local why=$1 missing=() package
    shift
    if command -v dpkg-query >/dev/null; then
        for package; do
            [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
                missing+=("$package")
        done
        [ ${#missing[@]} -eq 0 ] && return
        say "installing ($why): ${missing[*]}"
        [ "$(id -u)" = 0 ] || die "run as root, or first: apt-get install ${missing[*]}"
        export DEBIAN_FRONTEND=noninteractive
        apt-get update -qq
        apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
    elif command -v pkg >/dev/null; then
        for package; do pkg info -e "$package" || missing+=("$package"); done
        [ ${#missing[@]} -eq 0 ] && return
        say "installing ($why): ${missing[*]}"
        [ "$(id -u)" = 0 ] || die "run as root, or first: pkg install ${missing[*]}"
        pkg install -y "${missing[@]}"
    else
        die "neither apt-get nor pkg here; install by hand ($why): $*"
    fi
}

on_freebsd() { [ "$(uname -s)" = FreeBSD ]; }

install_build_packages() {
    if on_freebsd; then
        install_packages "to build Brig" bash cmake ninja pkgconf boost-libs nlohmann-json libfmt \
            sqlite3 libarchive zstd curl tomlplusplus protobuf googletest
    else
        install_packages "to build Brig" g++ cmake ninja-build pkg-config git ccache libboost1.81-dev \
            nlohmann-json3-dev libfmt-dev libsqlite3-dev libarchive-dev libacl1-dev libbz2-dev nettle-dev \
            liblzma-dev libzstd-dev zlib1g-dev libisal-dev libssl-dev libcurl4-openssl-dev \
            libseccomp-dev libnftables-dev libtomlplusplus-dev \
            libprotobuf-dev protobuf-compiler
    fi
}

# Programs that brigd and its image bootstrap call, or that the demo shows.
install_runtime_packages() {
    on_freebsd || install_packages "base images and the demo" busybox-static curl libcurl4 libisal2 iproute2 mmdebstrap
}

install_test_packages() {
    # podman and buildah (20 MB) run on brig-runtime in the end-to-end suite; docker and containerd
    # do where they are there already.
    on_freebsd || install_packages "to test Brig" libgtest-dev libgmock-dev python3-venv nftables strace \
        procps xz-utils podman buildah conmon docker-registry skopeo btrfs-progs zfs-fuse \
        openssh-server systemd dbus-daemon
}
