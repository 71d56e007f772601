# Completes brig's commands and names in fish. Everything is asked of brig itself.

function __brig_commands
    brig $argv --help 2>/dev/null | awk '/Commands:$/ { on = 1; next } /^$/ { on = 0 } on { name = $1; $1 = ""; print name "\t" substr($0, 2) }'
end

function __brig_argument_count
    count (commandline -opc)
end

complete -c brig -f
complete -c brig -n 'test (__brig_argument_count) -eq 1' -a '(__brig_commands)'
for group in container image manifest network registry system volume
    complete -c brig -n "test (__brig_argument_count) -eq 2; and __fish_seen_subcommand_from $group" -a "(__brig_commands $group)"
end
complete -c brig -n '__fish_seen_subcommand_from exec attach stop kill restart pause unpause top port stats' -a "(brig ps --format '{{.Names}}' 2>/dev/null)"
complete -c brig -n '__fish_seen_subcommand_from rm logs start rename wait inspect' -a "(brig ps -a --format '{{.Names}}' 2>/dev/null)"
complete -c brig -n '__fish_seen_subcommand_from run create rmi tag history save' -a "(brig images --format '{{.Repository}}:{{.Tag}}' 2>/dev/null)"
complete -c brig -n '__fish_seen_subcommand_from build load import' -F
