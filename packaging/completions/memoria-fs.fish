# SPDX-License-Identifier: MIT
# Completion of memoria-fs for fish. What there is to complete comes from --help, and from the names of
# the snapshots in the data directory.

function __memoria_fs_options
    memoria-fs --help 2>/dev/null | string match --regex '^  -.*' |
        string replace --regex '^  (\S+)(?: \S+)*?(?: {2,}(.*))?$' '$1\t$2' |
        while read --delimiter \t names meaning
            for name in (string split , -- $names)
                test $name = -o; or printf '%s\t%s\n' $name $meaning
            end
        end
end

# Reads a --help; prints the mount options with their meaning, those of the kernel one a line.
function __memoria_fs_names
    awk '
        /^[^ ]/ { inside = index($0, "Mount options") == 1 }
        inside && /^  [a-z_]+=? / { name = $1; sub(/^ +[^ ]+ +/, ""); print name "\t" $0 }
        inside && /^  [a-z_]+, / {
            meaning = $0; sub(/.*\.\.\.: /, "", meaning)
            sub(/ *\.\.\.:.*/, ""); sub(/^ +/, "")
            n = split($0, names, /, /)
            for (i = 1; i <= n; i++) print names[i] "\t" meaning
        }'
end

# Reads a --help; prints the values of an option where they are words to choose from.
function __memoria_fs_values --argument-names key
    awk -v key=$key '
        $1 == key "=" && match($0, /\([a-z]+(, [a-z]+)* or [a-z]+\)$/) {
            values = substr($0, RSTART + 1, RLENGTH - 2)
            gsub(/, | or /, "\n", values); print values
        }'
end

function __memoria_fs_snapshots
    for word in (commandline -o)[2..]
        for path in (string replace --regex '^~' $HOME -- $word)/snapshots/*/
            basename $path
        end
    end
end

function __memoria_fs_mount_options
    set -l before (commandline -ct | string match --regex '^.*,')
    set -l part (commandline -ct | string replace --regex '^.*,' '')
    set -l key (string match --regex '^[a-z_]+=' -- $part)
    if test -z "$key"
        memoria-fs --help 2>/dev/null | __memoria_fs_names | string replace --regex '^' "$before"
    else if test "$key" = snapshot=
        __memoria_fs_snapshots | string replace --regex '^' "$before$key"
    else
        memoria-fs --help 2>/dev/null | __memoria_fs_values (string trim --right --chars = $key) |
            string replace --regex '^' "$before$key"
    end
end

complete --command memoria-fs --short-option o --exclusive --arguments '(__memoria_fs_mount_options)' \
    --description 'Mount options'
complete --command memoria-fs --condition 'string match --quiet -- "-*" (commandline -ct)' \
    --arguments '(__memoria_fs_options)'
