# What the suites share. A check is a function whose failure is a failed command; its name is the capability.

work=/tmp/brig-suite
bin=/brig/bin
failures=0

# Kernel modules that a container host has loaded by loader.conf.
load_modules() {
    for module in nullfs fdescfs tmpfs zfs pf if_bridge if_epair; do
        kldload -nq $module 2>/dev/null
    done
    ifconfig lo0 inet 127.0.0.1/8 up 2>/dev/null
    ifconfig lo0 inet6 ::1/128 2>/dev/null
}

# By hand, BRIG_ONLY=TEXT,TEXT runs those checks alone that have one of the texts in their name.
wanted() {
    [ -n "$BRIG_ONLY" ] || return 0
    local text IFS=,
    for text in $BRIG_ONLY; do
        case "$1" in *"$text"*) return 0 ;; esac
    done
    return 1
}

# check "CAPABILITY" FUNCTION...: runs it in a subshell that ends at the first failure.
check() {
    local what="$1"
    shift
    wanted "$what" || return 0
    # Not in the condition itself: a shell ignores -e there.
    (set -e; "$@") >$work/out 2>&1
    if [ $? -eq 0 ]; then
        echo "ok $what"
    else
        failures=$((failures + 1))
        echo "not ok $what: $(tail -n 3 $work/out | tr '\n' ' ' | cut -c 1-300)"
        sed 's/^/    /' $work/out | tail -n ${BRIG_TAIL:-15}
        clean_up >/dev/null 2>&1
    fi
}

# What a failed check may have left; a suite has its own.
clean_up() {
    :
}

skip() {
    wanted "$1" || return 0
    echo "skip $1: $2"
}

fail() {
    echo "$*"
    return 1
}

# expect WANTED ACTUAL
expect() {
    [ "$1" = "$2" ] || fail "want [$1], got [$2]"
}

# within SECONDS COMMAND...: until it succeeds. BRIG_PATIENCE is how many times slower than its own a machine is.
within() {
    local end=$(($(date +%s) + $1 * ${BRIG_PATIENCE:-1}))
    shift
    until "$@"; do
        [ $(date +%s) -le $end ] || fail "not within the time: $*" || return 1
        sleep 0.1
    done
}

finish() {
    [ $failures -eq 0 ]
    exit
}

rm -rf $work
mkdir -p $work
