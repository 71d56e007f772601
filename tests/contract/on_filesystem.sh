#!/usr/bin/env bash
# on_filesystem.sh btrfs|zfs COMMAND...: runs COMMAND with TMPDIR on a new file system of that kind, kept in a
# file. Exit code 77 and the reason where this host has no such thing. ZFS is the kernel's or zfs-fuse's.
set -euo pipefail
# Mounts of its own: others look at the host's, and these go however this ends.
if [ -z "${BRIG_OWN_MOUNTS-}" ] && [ "$(id -u)" = 0 ]; then
    BRIG_OWN_MOUNTS=1 exec unshare --mount --propagation private "$0" "$@"
fi
kind=$1
shift
work=$(mktemp -d "${TMPDIR:-/tmp}/brig-on-$kind.XXXXXX")
pool=brigtest$$
fuse=

skip() {
    echo "skipped: $*"
    exit 77
}

clean_up() {
    [ "$kind" != zfs ] || timeout 20 zpool destroy -f "$pool" 2>/dev/null || :
    [ -z "$fuse" ] || { kill -9 "$fuse" || :; wait "$fuse" || :; } 2>/dev/null
    awk -v under="$work/" 'index($2, under) == 1 { print $2 }' /proc/self/mounts | tac |
        xargs -r -n 1 umount -l
    rm -rf --one-file-system "$work"
}
trap clean_up EXIT

need() {
    command -v "$1" >/dev/null || skip "$1 is not installed here"
}

mount_btrfs() {
    need mkfs.btrfs
    mkfs.btrfs -q "$work/disk" >/dev/null
    mount -o loop "$work/disk" "$work/mnt" 2>"$work/why" || skip "cannot mount btrfs: $(cat "$work/why")"
}

# One zfs-fuse serves a host, by these directories: ours are not the host's.
start_zfs_fuse() {
    local directory
    need zfs-fuse
    for directory in /run/zfs /run/lock/zfs /var/lib/zfs; do
        mkdir -p "$directory"
        mount -t tmpfs tmpfs "$directory"
    done
    zfs-fuse --no-daemon >/dev/null 2>"$work/fuse.log" &
    fuse=$!
    for _ in $(seq 50); do
        zpool list >/dev/null 2>&1 && return
        sleep 0.1
    done
    skip "zfs-fuse does not start: $(cat "$work/fuse.log")"
}

mount_zfs() {
    need zpool
    [ -e /dev/zfs ] || start_zfs_fuse
    zpool create -m "$work/mnt" "$pool" "$work/disk" 2>"$work/why" || skip "no pool: $(cat "$work/why")"
}

[ "$(id -u)" = 0 ] || skip "mounting takes root"
mkdir "$work/mnt"
truncate -s 512M "$work/disk"
"mount_$kind"
TMPDIR=$work/mnt "$@"
