# SPDX-License-Identifier: MIT
# Completion of memoria-fs for fish. What there is to complete comes from --help.

function __memoria_fs_options
    memoria-fs --help 2>/dev/null | string match --regex '^  -.*' |
        string replace --regex '^  (\S+)(?: \S+)*?(?: {2,}(.*))?$' '$1\t$2' |
        while read --delimiter \t names meaning
            for name in (string split , -- $names)
                test $name = -o; or printf '%s\t%s\n' $name $meaning
            end
        end
end

function __memoria_fs_mount_options
    set -l before (commandline -ct | string match --regex '^.*,')
    memoria-fs --help 2>/dev/null | string match --regex '^  [a-z_]+=? .*' |
        string replace --regex '^  ([a-z_]+=?) +(.*)$' "$before"'$1\t$2'
end

complete --command memoria-fs --short-option o --exclusive --arguments '(__memoria_fs_mount_options)' \
    --description 'Mount options'
complete --command memoria-fs --condition 'string match --quiet -- "-*" (commandline -ct)' \
    --arguments '(__memoria_fs_options)'
