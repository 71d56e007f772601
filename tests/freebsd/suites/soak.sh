# 500 containers, one after another and some at a time: nothing of them stays.
. suites/lib.sh
. suites/runtime_lib.sh

load_modules
make_rootfs $work/rootfs

cycles=${BRIG_SOAK_CYCLES:-500}

soak() {
    mkdir -p $work/shared
    jail='"vnet": "new"'
    [ "$(sysctl -n kern.racct.enable)" = 1 ] && resources='"pids": {"limit": 50}, "cpu": {"cpus": "0"}'
    mounts="{\"destination\": \"/scratch\", \"type\": \"tmpfs\", \"source\": \"tmpfs\"},
            {\"destination\": \"/mnt\", \"type\": \"nullfs\", \"source\": \"$work/shared\"}"
    args='"true"'
    bundle
    local i=0 files=$(sysctl -n kern.openfiles) processes=$(ps ax -o pid= | wc -l)
    while [ $i -lt $cycles ]; do
        i=$((i + 1))
        if [ $((i % 10)) -eq 0 ]; then
            # Created and ended by force, never started.
            $runtime create -b $work/b soak-$i </dev/null
            $runtime delete -f soak-$i
        else
            $runtime run -b $work/b soak-$i </dev/null
        fi
    done
    expect_nothing_left
    [ $(ps ax -o pid= | wc -l) -le $((processes + 1)) ] || fail "processes are left"
    [ $(sysctl -n kern.openfiles) -le $((files + 20)) ] || fail "files stay open: $files, $(sysctl -n kern.openfiles)"
}
check "$cycles containers leave no jail, mount, interface, ruleset, rule or file" soak

finish
