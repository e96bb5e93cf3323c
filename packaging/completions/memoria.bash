# SPDX-License-Identifier: MIT
# Completion of memoria-ctl and memoria-fs for bash. What there is to complete comes from --help, so it
# is always what the installed program knows.
# shellcheck shell=bash

# Reads a --help; prints the first words of the entries of a section, an option's names one a line.
_memoria_entries() { # SECTION
  awk -v section="$1" '
    /^[^ ]/ { inside = index($0, section) == 1 }
    inside && /^  [^ ]/ { gsub(",", "\n", $1); print $1 }'
}

_memoria_ctl() {
  local program=$1 word help path=() commands i
  help=$("$program" --help 2>/dev/null)
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    commands=$(_memoria_entries Subcommands <<<"$help")
    [[ $word != -* && $'\n'$commands$'\n' == *$'\n'$word$'\n'* ]] || continue
    path+=("$word")
    help=$("$program" "${path[@]}" --help 2>/dev/null)
  done

  local current=${COMP_WORDS[COMP_CWORD]} found
  commands=$(_memoria_entries Subcommands <<<"$help")
  if [[ $current == -* ]]; then
    found=$(_memoria_entries Options <<<"$help"; "$program" --help | _memoria_entries Options)
  elif [[ -n $commands ]]; then
    found=$commands
  else
    compopt -o default 2>/dev/null
    COMPREPLY=()
    return
  fi
  mapfile -t COMPREPLY < <(compgen -W "$found" -- "$current" | sort -u)
}

_memoria_fs() {
  local program=$1 current=${COMP_WORDS[COMP_CWORD]} before=''
  if [[ ${COMP_WORDS[COMP_CWORD - 1]} == -o ]]; then
    if [[ $current == *,* ]]; then before=${current%,*},; fi
    mapfile -t COMPREPLY < <(compgen -P "$before" -W "$("$program" --help 2>/dev/null |
      _memoria_entries 'Mount options')" -- "${current##*,}")
    compopt -o nospace 2>/dev/null
  elif [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$("$program" --help 2>/dev/null |
      _memoria_entries Options)" -- "$current")
  else
    COMPREPLY=()
    compopt -o default -o dirnames 2>/dev/null
  fi
}

complete -F _memoria_ctl memoria-ctl
complete -F _memoria_fs memoria-fs memoria
