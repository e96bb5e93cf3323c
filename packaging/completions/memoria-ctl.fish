# SPDX-License-Identifier: MIT
# Completion of memoria-ctl for fish. What there is to complete comes from --help, and from the names of
# the snapshots in a store.

# Reads a --help; prints the entries of a section with their meaning, an option's names one a line. A
# long entry has its meaning in the next line.
function __memoria_ctl_entries --argument-names section
    awk -v section=$section '
        function tell() { for (i = 1; i <= n; i++) print names[i] "\t" meaning; n = 0 }
        /^[^ ]/ { tell(); inside = index($0, section) == 1 }
        inside && /^  [^ ]/ {
            tell()
            meaning = match($0, /[^ ]  +/) ? substr($0, RSTART + RLENGTH) : ""
            n = split($1, names, ",")
        }
        inside && /^   / && n && meaning == "" { meaning = $0; sub(/^ +/, "", meaning) }
        END { tell() }'
end

# Reads a --help; prints what the entry of a setting tells in parentheses, where that are words to
# choose from.
function __memoria_ctl_values --argument-names key
    awk -v key=$key '
        /^[^ ]/ { inside = index($0, "Settings") == 1 }
        inside && $1 == key && match($0, /\([a-z]+(, [a-z]+)* or [a-z]+\)$/) {
            values = substr($0, RSTART + 1, RLENGTH - 2)
            gsub(/, | or /, "\n", values); print values
        }'
end

# Prints the snapshots of a data directory or a mount.
function __memoria_ctl_snapshots
    for place in $argv
        set place (string replace --regex '^~' $HOME -- $place)
        for path in $place/snapshots/*/ $place/.snapshots/*/
            basename $path
        end
    end
end

# What is typed so far: the command first, then the arguments behind it, one a line.
function __memoria_ctl_typed
    set -l words (commandline -opc)
    set -l program $words[1]
    set -l command
    set -l arguments
    set -l previous
    for word in $words[2..]
        set -l known ($program $command --help 2>/dev/null | __memoria_ctl_entries Subcommands)
        if string match --quiet -- "$word"\t'*' $known
            set -a command $word
        else if not string match --quiet -- '-*' $word; and test "$previous" != --keep
            set -a arguments $word
        end
        set previous $word
    end
    echo "$command"
    printf '%s\n' $arguments
end

# The help of the command that is typed so far.
function __memoria_ctl_help
    set -l words (commandline -opc)
    set -l typed (__memoria_ctl_typed)
    $words[1] (string split --no-empty ' ' -- $typed[1]) --help 2>/dev/null
end

function __memoria_ctl_has_commands
    __memoria_ctl_help | string match --quiet --regex '^Subcommands:'
end

# Settings, their values, and snapshots, where they belong.
function __memoria_ctl_arguments
    set -l words (commandline -opc)
    set -l typed (__memoria_ctl_typed)
    if test "$words[-1]" = --snapshot
        __memoria_ctl_snapshots $typed[2..] (commandline -o)[2..]
        return
    end
    switch "$typed[1]:"(math (count $typed) - 1)
        case 'config set:1'
            __memoria_ctl_help | __memoria_ctl_entries Settings
        case 'config set:2'
            __memoria_ctl_help | __memoria_ctl_values $typed[3]
        case 'snapshot delete:1' 'snapshot rollback:1' 'snapshot diff:1' 'snapshot diff:2'
            __memoria_ctl_snapshots $typed[2]
    end
end

complete --command memoria-ctl --no-files --condition __memoria_ctl_has_commands \
    --arguments '(__memoria_ctl_help | __memoria_ctl_entries Subcommands)'
complete --command memoria-ctl --arguments '(__memoria_ctl_arguments)'
complete --command memoria-ctl --condition 'string match --quiet -- "-*" (commandline -ct)' \
    --arguments '(__memoria_ctl_help | __memoria_ctl_entries Options
        memoria-ctl --help 2>/dev/null | __memoria_ctl_entries Options)'
