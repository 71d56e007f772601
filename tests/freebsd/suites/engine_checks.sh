# What brig and brigd are asked on every store: everything STORE.

load_modules
mkdir -p $work/src
make_base $work/base
tar -cf $work/base.tar -C $work/base .

# ---- images

engine_up() {
    expect $driver "$(brig info -f '{{.Driver}}')"
    expect "freebsd amd64" "$(brig version -f '{{.Server.Os}} {{.Server.Arch}}')"
}

images() {
    brig import -c 'ENV FROM_IMAGE=yes' -c 'CMD ["sh"]' $work/base.tar base:latest
    expect base:latest "$(brig images --format '{{.Repository}}:{{.Tag}}')"
    brig tag base:latest base:two
    expect 2 "$(brig images -q | wc -l | tr -d ' ')"
    brig rmi base:two
    expect 1 "$(brig images -q | wc -l | tr -d ' ')"
    expect freebsd "$(brig image inspect -f '{{.Os}}' base)"
    brig history base | grep -q -i import
}

save_and_load() {
    brig save -o $work/saved.tar base:latest
    brig rmi base:latest
    expect 0 "$(brig images -q | wc -l | tr -d ' ')"
    brig load -i $work/saved.tar
    expect yes "$(brig run --rm --net none base sh -c 'echo $FROM_IMAGE')"
}

build() {
    mkdir -p $work/src/app
    cat >$work/src/app/Dockerfile <<'D'
FROM base
ENV GREETING=hello
COPY word /data/word
RUN echo "$GREETING $(cat /data/word)" >/data/line && chown www /data/line
WORKDIR /data
USER www
CMD ["sh", "-c", "cat line; id -u"]
D
    echo jail >$work/src/app/word
    brig build -t app $work/src/app
    expect "hello jail 80" "$(echo $(brig run --rm --net none app))"
    brig build -t app $work/src/app >$work/again 2>&1
    grep -q -i 'cache' $work/again || fail "$(cat $work/again)"
    echo bird >$work/src/app/word
    brig build -t app $work/src/app
    expect "hello bird 80" "$(echo $(brig run --rm --net none app))"
    printf 'FROM base\nRUN exit 3\n' >$work/src/app/Dockerfile
    brig build -t bad $work/src/app && fail "a failing RUN built an image"
    expect_nothing_left
}

# ---- running

exit_codes() {
    expect out "$(brig run --rm --net none base echo out)"
    local code=0
    brig run --rm --net none base sh -c 'exit 7' || code=$?
    expect 7 $code
    code=0
    brig run --rm --net none base sh -c 'kill -9 $$' || code=$?
    expect 137 $code
    code=0
    brig run --rm --net none base /no/such || code=$?
    expect 127 $code
    code=0
    brig run --rm --net none base /etc/passwd || code=$?
    expect 126 $code
    code=0
    brig run --rm --net none no-such-image true || code=$?
    expect 125 $code
    expect_nothing_left
}

streams() {
    expect abc "$(echo abc | brig run --rm -i --net none base cat)"
    expect err "$(brig run --rm --net none base sh -c 'echo err >&2' 2>&1 >/dev/null)"
    head -c 3000000 /dev/zero >$work/zeros
    expect 3000000 "$(brig run --rm -i --net none base wc -c <$work/zeros | tr -d ' ')"
}

process_settings() {
    expect "www /tmp box value" "$(brig run --rm --net none -u www -w /tmp -h box -e NAME=value base \
        sh -c 'echo $(id -un) $(pwd) $(hostname) $NAME')"
    expect 50 "$(brig run --rm --net none --ulimit nofile=50:100 base sh -c 'ulimit -Sn')"
    expect kept "$(brig run --rm --net none --read-only base sh -c 'touch /data/x 2>/dev/null || echo kept')"
    expect_nothing_left
}

life() {
    local id="$(brig run -d --name life --net none base sh -c 'echo first; sleep 1; echo second; sleep 1000')"
    expect running "$(status_of life)"
    brig ps | grep -q life
    second() { brig logs life | grep -q second; }
    within 10 second
    expect "first second" "$(echo $(brig logs life))"
    expect second "$(brig logs -n 1 life)"
    brig top life | grep -q 'sleep 1000'
    brig pause life
    expect paused "$(status_of life)"
    brig unpause life
    brig stop -t 1 life
    expect exited "$(status_of life)"
    brig start life
    expect running "$(status_of life)"
    brig restart -t 0 life
    expect running "$(status_of life)"
    (sleep 1; brig kill life) &
    expect 137 "$(brig wait life)"
    expect 137 "$(brig inspect -f '{{.State.ExitCode}}' life)"
    brig rename life other
    brig rm other
    brig inspect $id && fail "it is there still"
    expect_nothing_left
}

executing() {
    brig run -d --name ex --net none base sh -c 'trap "exit 5" TERM; touch /data/ready; while :; do sleep 0.1; done'
    within 10 brig exec ex test -e /data/ready
    expect "80 /tmp v" "$(brig exec -u 80 -w /tmp -e K=v ex sh -c 'echo $(id -u) $(pwd) $K')"
    local code=0
    brig exec ex sh -c 'exit 9' || code=$?
    expect 9 $code
    code=0
    brig exec ex /no/such || code=$?
    expect 127 $code
    expect in "$(echo in | brig exec -i ex cat)"
    brig exec -d ex touch /data/detached
    within 5 brig exec ex test -e /data/detached
    brig stop ex
    expect 5 "$(brig inspect -f '{{.State.ExitCode}}' ex)"
    brig exec ex true && fail "exec in a container that is stopped"
    brig rm ex
    expect_nothing_left
}

terminal() {
    script -q $work/typed brig run --rm -it --net none base sh -c 'tty; test -t 0 && test -t 1 && echo all' </dev/null >/dev/null
    grep -q '/dev/pts/' $work/typed || fail "$(cat $work/typed)"
    grep -q all $work/typed
    brig run -d -it --name shell --net none base sh
    # Not at once: what is typed before the terminal is raw is thrown away.
    (sleep 3; printf 'echo typed-$((40+2))\n'; sleep 1; printf 'exit 3\n'; sleep 2) |
        script -q $work/typed brig attach shell >/dev/null || true
    local code="$(brig wait shell)"
    brig logs shell | grep -q typed-42 || fail "$(brig logs shell)"
    expect 3 "$code"
    brig rm shell
    expect_nothing_left
}

terminal_size() {
    cat >$work/in-terminal <<SH
stty rows 20 columns 70 </dev/tty
(until brig logs sized 2>/dev/null | grep -q now; do sleep 1; done; stty rows 44 columns 88 </dev/tty) &
timeout --foreground 60 brig run --rm -it --name sized --net none base sh -c \
    'trap "stty size; exit 0" WINCH; while :; do echo now \$(stty size); sleep 0.5; done'
SH
    script -q $work/typed sh $work/in-terminal </dev/null >/dev/null || fail "$(cat $work/typed)"
    grep -q 'now 20 70' $work/typed || fail "$(cat $work/typed)"
    grep -q '^44 88' $work/typed || fail "$(cat $work/typed)"
    expect_nothing_left
}

attaching() {
    brig run -d -i --name att --net none base sh -c 'read x; echo got $x; sleep 1; exit 4'
    local code=0
    echo word | brig attach att >$work/attached || code=$?
    expect "got word" "$(cat $work/attached)"
    expect 4 $code
    brig rm att
}

# As daemon(3) leaves them: children of nobody in the container.
jail_processes() {
    ps -J $(jls jid name | awk '$2 != "outside" { print $1 }') "$@"
}
daemons() {
    brig run -d --name forks --net none base sh -c \
        '(sh -c "sleep 1; echo daemon says; exit 3" &); (sh -c "sleep 1000" &); sleep 15; exit 4'
    says() { brig logs forks | grep -q 'daemon says'; }
    within 10 says
    # One has ended and is waited for by somebody; the other is there still, and so is the container.
    no_zombies() { ! jail_processes -o stat= | grep -q Z; }
    within 3 no_zombies || fail "$(jail_processes -o pid,ppid,stat,command)"
    expect running "$(status_of forks)"
    jail_processes -o command= | grep -q 'sleep 1000' || fail "$(jail_processes -o pid,ppid,stat,command)"
    expect 4 "$(brig wait forks)"
    # With the first process everything ends, the daemon that holds its output too.
    within 10 has_status forks exited
    expect "" "$(ps ax -o command= | grep '[s]leep 1000')"
    brig rm forks
    # The same of a stop, and of a client that waits.
    brig run -d --name forks --net none base sh -c '(sh -c "trap : TERM; while :; do sleep 0.1; done" &); exec sleep 1001'
    brig stop -t 1 forks
    expect exited "$(status_of forks)"
    expect "" "$(ps ax -o command= | grep -e '[s]leep 1001' -e '[t]rap : TERM')"
    brig rm forks
    local code=0
    timeout 30 brig run --rm --net none base sh -c '(sleep 1002 &); exit 5' || code=$?
    expect 5 $code
    expect "" "$(ps ax -o command= | grep '[s]leep 1002')"
    expect_nothing_left
}

copies() {
    brig create --name cp --net none base sh -c 'cat /data/in; echo made >/data/out'
    echo carried >$work/in
    brig cp $work/in cp:/data/in
    expect carried "$(brig start -a cp)"
    brig cp cp:/data/out $work/out
    expect made "$(cat $work/out)"
    brig diff cp | grep -q 'A /data/out' || fail "$(brig diff cp)"
    brig export cp | tar -tf - | grep -q data/out
    brig commit cp committed
    expect made "$(brig run --rm --net none committed cat /data/out)"
    brig rm cp
    brig rmi committed
    expect_nothing_left
}

# As base systems have them; an image's, a container's change to them, and the end of both.
file_flags() {
    local dir=$work/flagged
    mkdir -p $dir/empty $dir/data
    cp -R $work/base/ $dir/
    echo one >$dir/data/kept
    ln $dir/data/kept $dir/data/second
    chflags schg $dir/data/kept $dir/empty
    tar -cf $work/flagged.tar -C $dir .
    chflags -R 0 $dir
    rm -rf $dir
    brig import $work/flagged.tar flagged:latest
    expect "schg schg 2" "$(brig run --rm --net none flagged stat -f '%Sf' /data/second /empty | tr '\n' ' ')$(
        brig run --rm --net none flagged stat -f '%l' /data/kept)"
    brig run --rm --net none flagged rm -f /data/kept && fail "schg protects nothing"
    printf 'FROM flagged\nRUN echo more >/data/more && chflags schg,nouarch /data/more && chflags schg /etc/hosts\nCOPY new /data/kept\n' >$work/src/Dockerfile.flags
    mkdir -p $work/src/flags
    echo new >$work/src/flags/new
    brig build -t reflagged -f $work/src/Dockerfile.flags $work/src/flags
    expect "new one schg schg" "$(brig run --rm --net none reflagged sh -c 'echo $(cat /data/kept /data/second) $(stat -f %Sf /empty /data/more)')"
    brig run --name changes --net none --jail-param allow.chflags flagged sh -c 'chflags 0 /empty && touch /empty/x && chflags schg /empty'
    brig diff changes | grep -q 'A /empty/x'
    brig export changes | tar -tf - | grep -q empty/x
    brig commit changes recommitted
    expect "schg" "$(brig run --rm --net none recommitted stat -f '%Sf' /empty)"
    brig rm changes
    # What is the engine's own, and written anew at every start.
    brig run --name hosts --net none --jail-param allow.chflags flagged chflags schg /etc/hosts
    brig start -a hosts
    brig rm hosts
    brig rmi recommitted reflagged flagged
    expect_nothing_left
    [ -z "$(find $root -flags +schg 2>/dev/null | grep -v '/base' | head -n 3)" ] || fail "left: $(find $root -flags +schg | head -n 3)"
}

# ---- volumes

volumes() {
    brig volume create vol
    brig run --rm --net none -v vol:/data base sh -c 'echo kept >/data/file'
    expect kept "$(brig run --rm --net none -v vol:/mnt/deep base cat /mnt/deep/file)"
    brig run --rm --net none -v vol:/data:ro base touch /data/no && fail "written to a read-only volume"
    # Filled from what the image has there.
    brig run --rm --net none -v filled:/etc base true
    brig run --rm --net none -v filled:/mnt base grep -q '^www:' /mnt/passwd
    brig volume rm vol filled
    mkdir -p $work/shared
    echo outside >$work/shared/file
    expect outside "$(brig run --rm --net none -v $work/shared:/shared base cat /shared/file)"
    expect outside "$(brig run --rm --net none -v $work/shared/file:/etc/one:ro base cat /etc/one)"
    expect 755 "$(brig run --rm --net none --tmpfs /scratch:mode=755 base stat -f '%Lp' /scratch)"
    expect_nothing_left
}

# ---- the engine's own life

killed_engine() {
    brig run -d --name survivor base sh -c 'i=0; while :; do i=$((i+1)); echo line $i; sleep 0.2; done'
    brig run -d --name ends --net none base sh -c 'sleep 2; exit 6'
    signal_engine KILL
    sleep 3
    start_engine
    expect running "$(status_of survivor)"
    within 10 has_status ends exited
    expect 6 "$(brig inspect -f '{{.State.ExitCode}}' ends)"
    local before="$(brig logs survivor | wc -l)"
    sleep 1
    [ "$(brig logs survivor | wc -l)" -gt $before ] || fail "the log stands still"
    expect yes "$(brig exec survivor echo yes)"
    brig exec survivor ping -c 1 -t 5 $gateway
    brig stop -t 1 survivor
    brig rm survivor ends
    expect_nothing_left
}

restart_policy() {
    brig run -d --name again --restart on-failure:2 --net none base sh -c 'echo run; exit 1'
    three() { [ "$(brig logs again | wc -l | tr -d ' ')" = 3 ]; }
    within 30 three
    brig rm -f again
    brig run -d --name always --restart always --net none base sh -c 'echo run; sleep 1000'
    signal_engine TERM
    start_engine
    expect running "$(status_of always)"
    brig rm -f always
    expect_nothing_left
}

ended_by_shutdown() {
    brig run -d --name polite --restart always --net none base \
        sh -c 'trap "echo bye; exit 0" TERM; echo ready; while :; do sleep 0.1; done'
    logged() { brig logs polite | grep -q $1; }
    within 10 logged ready
    signal_engine USR1
    expect_nothing_left
    start_engine
    logged bye
    expect running "$(status_of polite)"
    brig rm -f polite
    expect_nothing_left
}

health() {
    brig run -d --name well --net none --health-cmd 'test -e /data/well' --health-interval 1s --health-retries 1 base \
        sh -c 'sleep 2; touch /data/well; sleep 1000'
    healthy() { [ "$(brig inspect -f '{{.State.Health.Status}}' well)" = healthy ]; }
    within 20 healthy
    brig rm -f well
    expect_nothing_left
}

all_gone() {
    clean_up
    # Those that others are built on go last.
    no_images() {
        brig rmi -f $(brig images -q | sort -u) >/dev/null 2>&1
        [ -z "$(brig images -q)" ]
    }
    within 60 no_images
    signal_engine TERM
    expect_nothing_left
    ifconfig $bridge >/dev/null 2>&1 && fail "the bridge is left"
    [ -z "$(pfctl -s Anchors 2>/dev/null | grep brigtest)" ] || [ -z "$(pfctl -a 'brigtest/ports' -s nat 2>/dev/null)" ] || fail "rules are left"
    shims() { ! pgrep -f "brig-shim --run $work/run" >/dev/null; }
    within 20 shims
}

everything() {
    # What the first checks would have left.
    [ -z "$BRIG_ONLY" ] || brig import -c 'ENV FROM_IMAGE=yes' -c 'CMD ["sh"]' $work/base.tar base:latest >/dev/null
    check "$1, the engine starts" engine_up
    check "$1, import, tag, list, inspect, history, remove images" images
    check "$1, save and load" save_and_load
    check "$1, output and exit codes" exit_codes
    check "$1, standard streams" streams
    check "$1, user, directory, host name, environment, ulimit, read-only" process_settings
    check "$1, start, logs, top, pause, stop, restart, kill, wait, rename, remove" life
    check "$1, exec" executing
    if [ -x /usr/bin/script ]; then
        check "$1, terminals of run and attach" terminal
        check "$1, a terminal follows its outer one's size" terminal_size
    fi
    check "$1, daemons that double-fork go on, are waited for, and end with the container" daemons
    check "$1, attach" attaching
    check "$1, cp, diff, export, commit" copies
    check "$1, file flags through images, containers, builds and commits" file_flags
    check "$1, volumes, files, tmpfs" volumes
    check "$1, build with COPY, RUN, USER, cache" build
    check "$1, health" health
    check "$1, kill -9 of the engine, the containers go on" killed_engine
    check "$1, restart policies" restart_policy
    check "$1, the end of all containers at shutdown" ended_by_shutdown
}

# And at the end, whatever failed.
say_log() {
    [ $failures -eq 0 ] || { echo "    brigd said:"; tail -n 30 $work/brigd.log | sed 's/^/    /'; }
}
