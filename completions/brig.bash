# Completes brig's commands, flags and names in bash; zsh takes it by way of bashcompinit.
# Everything is asked of brig itself, so that nothing here can go stale.

_brig_commands() { # the words of the command so far → its next words
    brig "$@" --help 2>/dev/null | awk '/Commands:$/ { on = 1; next } /^$/ { on = 0 } on { print $1 }'
}

_brig_flags() {
    brig "$@" --help 2>/dev/null | grep -oE -- '(^|, | {6})--[a-z0-9-]+' | grep -oE -- '--[a-z0-9-]+'
}

_brig_names() { # what a command's arguments name
    case $1 in
        start) brig ps -a --format '{{.Names}}' ;;
        exec | attach | stop | kill | restart | pause | unpause | top | port | stats) brig ps --format '{{.Names}}' ;;
        rm | logs | rename | wait | inspect) brig ps -a --format '{{.Names}}' ;;
        run | create | rmi | tag | history | save | push) brig images --format '{{.Repository}}:{{.Tag}}' ;;
        image) brig images --format '{{.Repository}}:{{.Tag}}' ;;
        container) brig ps -a --format '{{.Names}}' ;;
        volume) brig volume ls -q ;;
        network) brig network ls --format '{{.Name}}' ;;
    esac 2>/dev/null
}

_brig() {
    local current=${COMP_WORDS[COMP_CWORD]} command=()
    local words=("${COMP_WORDS[@]:1:COMP_CWORD-1}")
    [[ ${#words[@]} -gt 0 ]] && command=("${words[0]}")
    case ${words[0]-} in
        container | image | manifest | network | registry | system | volume) [[ ${#words[@]} -gt 1 ]] && command+=("${words[1]}") ;;
    esac
    local choices
    if [[ $current == -* ]]; then
        choices=$(_brig_flags "${command[@]}")
    elif [[ ${#words[@]} -eq 0 ]]; then
        choices=$(_brig_commands; brig --help | awk '/^Management/ { on = 1; next } /^$/ { on = 0 } on { print $1 }')
    elif [[ ${#words[@]} -eq 1 && ${#command[@]} -eq 1 && ${words[0]} =~ ^(container|image|manifest|network|registry|system|volume)$ ]]; then
        choices=$(_brig_commands "${words[0]}")
    else
        choices=$(_brig_names "${words[0]}")
    fi
    COMPREPLY=($(compgen -W "$choices" -- "$current"))
    [[ ${words[0]-} == build || ${#COMPREPLY[@]} -eq 0 ]] && COMPREPLY+=($(compgen -f -- "$current"))
    [[ $(type -t __ltrim_colon_completions) == function ]] && __ltrim_colon_completions "$current"
    return 0
}

complete -F _brig brig
