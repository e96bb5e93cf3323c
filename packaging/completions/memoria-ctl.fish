# SPDX-License-Identifier: MIT
# Completion of memoria-ctl for fish. What there is to complete comes from --help.

# Reads a --help; prints the entries of a section with their meaning, an option's names one a line.
function __memoria_ctl_entries --argument-names section
    awk -v section=$section '
        /^[^ ]/ { inside = index($0, section) == 1 }
        inside && /^  [^ ]/ {
            meaning = match($0, /[^ ]  +/) ? substr($0, RSTART + RLENGTH) : ""
            n = split($1, names, ",")
            for (i = 1; i <= n; i++) print names[i] "\t" meaning
        }'
end

# The help of the command that is typed so far.
function __memoria_ctl_help
    set -l words (commandline -opc)
    set -l program $words[1]
    set -l command
    for word in $words[2..]
        set -l known ($program $command --help 2>/dev/null | __memoria_ctl_entries Subcommands)
        if string match --quiet -- "$word"\t'*' $known
            set -a command $word
        end
    end
    $program $command --help 2>/dev/null
end

function __memoria_ctl_has_commands
    __memoria_ctl_help | string match --quiet --regex '^Subcommands:'
end

complete --command memoria-ctl --no-files --condition __memoria_ctl_has_commands \
    --arguments '(__memoria_ctl_help | __memoria_ctl_entries Subcommands)'
complete --command memoria-ctl --condition 'string match --quiet -- "-*" (commandline -ct)' \
    --arguments '(__memoria_ctl_help | __memoria_ctl_entries Options
        memoria-ctl --help 2>/dev/null | __memoria_ctl_entries Options)'
